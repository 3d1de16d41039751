"""Conditions of edges: what they can say, and that nothing else happens."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.conditions import LONGEST, NAMES, check_condition, holds
from hookline.errors import InvalidRequest

VALUES: dict[str, Any] = {
    "output": "I want a Refund, now",
    "tools": ["look_up", "add"],
    "agent": "helper",
    "agents": ["front"],
    "turns": 3,
    "user": "alice",
    "metadata": {"plan": "pro"},
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('"Refund" in output', True),
        ('"refund" in output', False),
        ('"refund" in output.lower()', True),
        ('"refund" not in output', True),
        ('turns < 3 and not "urgent" in output.lower()', False),
        ("turns < 3 or agent == 'helper'", True),
        ("1 < turns <= 3", True),
        ("3 < turns <= 3", False),
        ("turns == -3", False),
        ("-turns == -3", True),
        ("not turns", False),
        ("'look_up' in tools", True),
        ("len(tools) >= 2", True),
        ("agents == ['front']", True),
        ("user in ('alice', 'bob')", True),
        ('metadata.get("plan") == "pro"', True),
        ('metadata.get("team") == None', True),
        ('(metadata.get("team") or "none") == "none"', True),
        ('(metadata.get("plan") and "paid") == "paid"', True),
        ('metadata.get("team", "none") == "none"', True),
        ("output.startswith('I want')", True),
        ("output.count('a') > 1.5", True),
        ("output", True),
        ("''", False),
        ("True", True),
        ("False", False),
        ("  turns == 3\n", True),
        ("", True),
    ],
)
def test_a_condition_is_worked_out(condition: str, expected: bool) -> None:
    """It means what it would mean in Python."""
    if condition:
        check_condition(condition, "edges[0].condition")

    assert expected is holds(condition, VALUES)


@pytest.mark.parametrize(
    "condition",
    [
        "output < 3",
        "len(turns)",
        "-output == 1",
        "turns in 7",
        "user.get('plan')",
        "tools.lower()",
        "output.startswith(7)",
        "output.lower(1, 2)",
        "metadata.get(tools)",
        "'a' in turns",
    ],
)
def test_what_cannot_be_worked_out_does_not_hold(condition: str) -> None:
    """Nor does its opposite: nobody goes a way of which nobody knows whether it is open."""
    check_condition(condition, "edges[0].condition")

    assert [False, False] == [holds(condition, VALUES), holds(f"not ({condition})", VALUES)]


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (" ", "cannot be read"),
        ("turns <", "cannot be read"),
        ("turns = 3", "cannot be read"),
        ("a\0b", ""),
        ("'\ud800'", ""),
        (r"'\d' in output", "cannot be read"),
        ("nobody == 3", "there is no 'nobody'; there are output, tools"),
        ("__import__('os').system('true')", "there is no system()"),
        ("output.__class__", "more than a condition can say"),
        ("output.format(user)", "there is no format()"),
        ("output.get(default='x')", "more than a condition can say"),
        ("len(tools, tools)", "more than a condition can say"),
        ("print(output)", "more than a condition can say"),
        ("len", "there is no 'len'"),
        ("output is None", "compare with =="),
        ("turns + 1", "more than a condition can say"),
        ("'a' * 1000000000", "more than a condition can say"),
        ("+turns", "more than a condition can say"),
        ("tools[0]", "more than a condition can say"),
        ("{'a': turns}", "more than a condition can say"),
        ("[a for a in tools]", "more than a condition can say"),
        ("lambda: turns", "more than a condition can say"),
        ("(turns := 3)", "more than a condition can say"),
        ("f'{output}'", "more than a condition can say"),
        ("1 if turns else 2", "more than a condition can say"),
        ("b'a' == output", "more than a condition can say"),
        ("1j == turns", "more than a condition can say"),
        ("...", "more than a condition can say"),
        ("-" * 900 + "1", "nested too deeply"),
        ("not " * 200 + "turns", "nested too deeply"),
        ("1" + "+1" * 400, "nested too deeply"),
        ("(" * 400 + "1" + ")" * 400, ""),
        ("turns" + ".lower()" * 120, "nested too deeply"),
        ("'" + "a" * LONGEST + "'", f"more than {LONGEST} characters"),
    ],
)
def test_what_is_no_condition_is_refused(condition: str, reason: str) -> None:
    """With the field and the reason; and if it is there all the same, it does not hold."""
    with pytest.raises(InvalidRequest) as caught:
        check_condition(condition, "edges[0].condition")

    assert "edges[0].condition is no condition: " in str(caught.value)
    assert reason in str(caught.value)
    assert ("edges[0].condition", "invalid_condition") == (
        caught.value.param,
        caught.value.reason,
    )
    assert holds(condition, VALUES) is False


ATOMS = st.sampled_from([*NAMES, "'a'", "7", "-1.5", "None", "True", "[]", "('a', 1)", "1e999"])
METHODS = st.sampled_from(["lower", "upper", "strip", "startswith", "endswith", "count", "get"])
COMPARISONS = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])


def _larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        st.builds("({} {} {})".format, parts, COMPARISONS, parts)
        | st.builds("({} {} {})".format, parts, st.sampled_from(["and", "or"]), parts)
        | st.builds("(not {})".format, parts)
        | st.builds("(-{})".format, parts)
        | st.builds("len({})".format, parts)
        | st.builds("({}).{}({})".format, parts, METHODS, parts)
        | st.builds("[{}, {}]".format, parts, parts)
    )


@given(condition=st.recursive(ATOMS, _larger, max_leaves=8))
def test_every_condition_that_passes_has_an_answer(condition: str) -> None:
    """Whatever it is made of, it holds or does not."""
    check_condition(condition, "condition")

    assert holds(condition, VALUES) in {True, False}


PYTHON = st.text(st.sampled_from("outp tns'\"()[]{}.,:=<>!-+*0123j\\\n\0#@_èf"), max_size=40)


@given(condition=PYTHON | st.text(max_size=60))
def test_every_text_is_refused_or_has_an_answer(condition: str) -> None:
    """Nothing else can become of it."""
    try:
        check_condition(condition, "condition")
        passed = True
    except InvalidRequest:
        passed = False

    held = holds(condition, VALUES)
    assert held in {True, False}
    assert passed or not condition or not held
