"""The built-in tools, through the hook that offers them."""

import ast
import asyncio
import math
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import assume, given
from hypothesis import strategies as st

from hookline import Agent, PluginContext, Principal, RunScope
from hookline.schemas import InvalidArguments, check_arguments
from hookline_tools import tool_loader
from hookline_tools.arithmetic import InvalidExpression, evaluate, shown

MOMENT = datetime(2026, 7, 1, 12, 30, 15, 999, tzinfo=UTC)
SCOPE = RunScope(run="run_1", agent="helper", principal=Principal(user="alice"), deadline=0.0)


def call(name: str, arguments: dict[str, Any]) -> Any:
    context = PluginContext(name="tools", logger=structlog.get_logger(), clock=lambda: MOMENT)
    loaded = asyncio.run(tool_loader(context).load([name], SCOPE))
    check_arguments(loaded[name].spec.parameters, arguments)
    return asyncio.run(loaded[name].call(arguments, SCOPE))


def test_both_tools_are_offered():
    """An agent that names both tools gets both definitions."""
    context = PluginContext(name="tools", logger=structlog.get_logger())
    agent = Agent(id="a", provider="p", model="m", tools=("calculator", "current_time"))

    specs = asyncio.run(tool_loader(context).definitions(agent, SCOPE.principal))

    assert ["calculator", "current_time"] == [spec.name for spec in specs]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "2026-07-01T12:30:15+00:00"),
        ({"timezone": "Europe/Berlin"}, "2026-07-01T14:30:15+02:00"),
        ({"timezone": "America/Argentina/Buenos_Aires"}, "2026-07-01T09:30:15-03:00"),
    ],
)
def test_current_time(arguments: dict[str, str], expected: str):
    """The time is ISO 8601, in UTC or in the zone that was asked for."""
    assert expected == call("current_time", arguments)


def test_unknown_time_zone_names_the_remedy():
    """A zone that does not exist is an error that says what would do."""
    with pytest.raises(ValueError, match=r"no time zone Mars/Base; use an IANA name"):
        call("current_time", {"timezone": "Mars/Base"})


@pytest.mark.parametrize("name", ["../../etc/passwd", "Berlin time", ""])
def test_time_zone_is_a_name(name: str):
    """What is not the name of a zone does not reach the file system."""
    with pytest.raises(InvalidArguments):
        call("current_time", {"timezone": name})


def test_calculator():
    """The calculator tells the value of an expression."""
    assert "391" == call("calculator", {"expression": "17 * 23"})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3 - -4", "11"),
        ("(1 + 2) * 3", "9"),
        ("7 / 2", "3.5"),
        ("8 / 2", "4"),
        ("7 // 2", "3"),
        ("-7 % 3", "2"),
        ("2 ** 100", "1267650600228229401496703205376"),
        ("2 ** -1", "0.5"),
        ("0.1 + 0.2", "0.3"),
        ("-0.0", "0"),
        ("1e20", "1e+20"),
        (".5 + 1.", "1.5"),
        ("sqrt(16) + sin(0) + cos(0) + tan(0)", "5"),
        ("log(8, 2) + log10(1000) + ln(e) + exp(0)", "8"),
        ("abs(-3) + floor(2.7) + ceil(2.1)", "8"),
        ("round(2.567, 1)", "2.6"),
        ("round(1234, -2)", "1200"),
        ("min(3, 1, 2) + max(3, 1, 2)", "4"),
        ("pi", "3.14159265358979"),
        ("(-1) ** (10 ** 2000)", "1"),
        ("1" + " + 1" * 150, "151"),
    ],
)
def test_expressions(expression: str, expected: str):
    """Whole numbers are exact, others are shown with 15 digits."""
    assert expected == shown(evaluate(expression))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "is empty"),
        ("1 +", "not a complete expression"),
        ("(1", "not a complete expression"),
        ("01", "not a complete expression"),
        ("2 ^ 3", r"use \*\* for powers"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("9 ** 9 ** 9", "too large"),
        ("10 ** 2400 * 10 ** 2400", "too large"),
        ("1e400", "too large"),
        ("exp(1000)", "too large"),
        ("10.0 ** 400", "too large"),
        ("10 ** 400 / 1.5", "too large"),
        ("1e308 * 10", "too large"),
        ("(-8) ** 0.5", "no real result"),
        ("sqrt(-1)", r"sqrt\(-1\) is not defined"),
        ("log(0)", "not defined"),
        ("min(1)", "not defined"),
        ("sqrt(1, 2)", "does not take 2 arguments"),
        ("round(1, 10 ** 9)", "whole number of digits"),
        ("round(1, 0.5)", "whole number of digits"),
        ("factorial(9)", "not a function here"),
        ("x + 1", "x is not known here"),
        ("1, 2", "only numbers"),
        ("True", "only numbers"),
        ("1 if 2 else 3", "only numbers"),
        ("1if 2 else 3", "not arithmetic"),
        ("__import__('os')", "not arithmetic"),
        ("a.b", "not arithmetic"),
        ("1_000", "not arithmetic"),
        ("max(*2)", "only numbers"),
        ("-" * 500 + "1", "steps deep"),
        ("1" * 2000, "more than 1000 characters"),
        ("9" * 1000 + "** 9", "more than 1000 characters"),
        ("(" * 300 + "1" + ")" * 300, "not a complete expression"),
    ],
)
def test_bad_expressions(expression: str, message: str):
    """What is not arithmetic, has no result or is too large gets a clear error."""
    with pytest.raises(InvalidExpression, match=message):
        evaluate(expression)


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner)
    return st.one_of(
        pair.map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"),
        inner.map(lambda text: f"-({text})"),
        inner.map(lambda text: f"abs({text})"),
        st.tuples(inner, inner).map(lambda pair: f"max({pair[0]}, {pair[1]})"),
        st.tuples(inner, st.integers(0, 4)).map(lambda pair: f"({pair[0]}) ** {pair[1]}"),
    )


NUMBERS = st.one_of(
    st.integers(0, 10**6).map(str),
    st.floats(0, 10**6, allow_nan=False, allow_subnormal=False).map(repr),
)


@given(st.recursive(NUMBERS, _combined, max_leaves=8))
def test_calculator_agrees_with_python(expression: str):
    """Where Python has a finite answer, the calculator has the same."""
    assume(len(expression) < 1000)
    names = {"abs": abs, "max": max, "__builtins__": {}}
    compiled = compile(ast.parse(expression, mode="eval"), "test", "eval")
    try:
        expected = eval(compiled, names)
    except (ZeroDivisionError, OverflowError):
        expected = None
    assume(expected is None or math.isfinite(expected))

    if expected is None:
        with pytest.raises(InvalidExpression):
            evaluate(expression)
        return
    assert expected == evaluate(expression)


@given(st.text(alphabet="0123456789+-*/%().,e sqrtmax", max_size=60))
def test_any_text_is_answered_or_refused(text: str):
    """No text gets anything but a finite number or an ``InvalidExpression``."""
    try:
        result = evaluate(text)
    except InvalidExpression:
        return
    assert math.isfinite(result)
