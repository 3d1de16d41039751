"""How many tokens a model gets to read."""

import pytest

from hookline import Agent
from hookline.context_window import DEFAULT, FLOOR, known_window, tighter, window
from hookline.model_windows import WINDOWS


def agent(model: str = "gpt-4o", **fields: object) -> Agent:
    """An agent of this model."""
    return Agent(id="helper", provider="local", model=model, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("gpt-4", 8_192),
        ("gpt-4-0613", 8_192),
        ("gpt-4-32k-0613", 32_768),
        ("gpt-4o", 128_000),
        ("GPT-4o-Mini", 128_000),
        ("gpt-4.1-nano-2025-04-14", 1_047_576),
        ("gpt-5.1", 400_000),
        ("gpt-5.3-codex", 400_000),
        ("o1-mini-2024-09-12", 128_000),
        ("openai/gpt-4o", 128_000),
        ("openai:gpt-4o", 128_000),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", 128_000),
        ("anthropic.claude-3-5-sonnet-20240620-v1:0", 200_000),
        ("us.anthropic.claude-opus-4-6-v1:0", 1_000_000),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", 200_000),
        ("meta.llama3-1-8b-instruct-v1:0", 128_000),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", 128_000),
        ("llama3:8b", 8_192),
        ("llama3.1:8b", 128_000),
        ("models/gemini-2.5-pro", 1_000_000),
        ("qwen3", 40_960),
        ("hf.co/acme/mistral-nemo:Q4_K_M", 128_000),
    ],
)
def test_names_are_known_by_their_beginning(model: str, tokens: int) -> None:
    """The longest beginning counts, whatever reseller stands before it and what date behind."""
    assert tokens == known_window(model)


@pytest.mark.parametrize(
    "model",
    ["", "/", "gpt-45", "gpt-4omni", "o10", "my-gpt-4", "not-claude", "llama3x", "small", ":", "."],
)
def test_other_names_say_nothing(model: str) -> None:
    """A name that only contains a known one, or goes on after it, is another model."""
    assert known_window(model) is None


def test_every_name_of_the_table_is_found() -> None:
    """Each entry can be reached under its own name."""
    assert dict(WINDOWS) == {name: known_window(name) for name in WINDOWS}


def test_an_unknown_model_has_the_default() -> None:
    """Its 32,000 tokens less the answer and the reserve."""
    assert int((DEFAULT - 1_000) * 0.95) == window(agent("small"), "small", 1_000)


def test_the_answer_and_a_reserve_are_kept_free() -> None:
    """5 % of what is left of the window once the answer has its tokens."""
    assert int((128_000 - 28_000) * 0.95) == window(agent(), "gpt-4o", 28_000)


@pytest.mark.parametrize("expected_output", [8_000, 8_192, 1_000_000])
def test_something_can_always_be_read(expected_output: int) -> None:
    """However long the answer may be, 1,024 tokens are left for the prompt."""
    assert window(agent("gpt-4"), "gpt-4", expected_output) == FLOOR


@pytest.mark.parametrize(
    "fields",
    [{"max_context_tokens": 5_000}, {"model_parameters": {"maxContextTokens": 5_000}}],
)
def test_what_an_agent_says_is_taken_as_it_is(fields: dict[str, object]) -> None:
    """Nothing is taken off for the answer, and no reserve; nor does the name matter."""
    assert window(agent("gpt-4o", **fields), "gpt-4o", 4_000) == 5_000


@pytest.mark.parametrize("said", [True, "5000", 12, None, 5_000.5])
def test_an_odd_parameter_is_no_limit(said: object) -> None:
    """The seed's parameter counts as a whole number of at least 1,024."""
    found = window(agent(model_parameters={"maxContextTokens": said}), "gpt-4o")

    assert int(128_000 * 0.95) == found


@pytest.mark.parametrize(
    ("other", "tokens"),
    [("gpt-4", int(8_192 * 0.95)), ("gpt-4.1", 100_000), ("small", 100_000)],
)
def test_a_model_that_stands_in_reads_what_both_allow(other: str, tokens: int) -> None:
    """A fallback has a window of its own, and the agent's limit above it."""
    assert tokens == window(agent(max_context_tokens=100_000), other)


def test_a_second_try_has_less_to_read() -> None:
    """70 % of what was too long."""
    assert tighter(1_000) == 700
