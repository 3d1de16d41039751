"""The context window: how many tokens a model gets to read. Source: seed 8.2."""

import re
from functools import lru_cache

from hookline.agents import Agent
from hookline.model_windows import WINDOWS

DEFAULT = 32_000
"""Tokens of a model whose name says nothing."""

FLOOR = 1_024
"""Tokens that a model gets to read at least, however long its answer may be."""

PARAMETER = "maxContextTokens"
"""What the seed's agents have among their ``model_parameters``; no upstream knows it."""

RESERVE = 0.05
"""The share of a window that is left free: counts are estimates, and formats cost something."""

TIGHTER = 0.7
"""The share of what was too long that is sent the second time."""

_SELLER = re.compile(
    r"(?:(?:us|us-gov|eu|apac|ap|au|ca|jp|global|regional)\.)?"
    r"(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|mistral|moonshotai|nvidia|openai|qwen|zai)"
    r"\."
)
"""What stands before a model's name in Amazon's catalogue: ``eu.anthropic.claude-3-haiku``."""


def window(agent: Agent, model: str, expected_output: int = 0) -> int:
    """How many tokens a call of an agent's model may read.

    Args:
        agent: what it says itself is taken as it is for its own model. Another model, one that is
            asked when that one fails, reads no more than that either.
        model: the one that is called.
        expected_output: tokens that the answer may have.
    """
    own = _said(agent)
    if own is not None and model == agent.model:
        return own
    if own is None:
        return window_of(model, expected_output)
    return own if known_window(model) is None else min(own, window_of(model, expected_output))


def window_of(model: str, expected_output: int = 0) -> int:
    """How many tokens a call of a model may read, whoever asks it."""
    whole = known_window(model) or DEFAULT
    return max(FLOOR, int((whole - expected_output) * (1 - RESERVE)))


def tighter(tokens: int) -> int:
    """The limit for a second try with a prompt that had so many tokens, and was too long."""
    return int(tokens * TIGHTER)


@lru_cache(maxsize=1_024)
def known_window(model: str) -> int | None:
    """Tokens of prompt and answer of a model, as its name says it; ``None`` if it does not.

    The longest name in the table with which the model's begins counts, where a word ends: after
    ``gpt-4`` a date or a size may follow, but ``gpt-4o`` is another model.
    """
    name = model.lower().rpartition("/")[2].removeprefix("ft:")
    name = name[found.end() :] if (found := _SELLER.match(name)) else name
    candidates = [name, *name.split(":", 1)[1:]]  # LangChain: "openai:gpt-4o"
    for candidate in candidates:
        for end in range(len(candidate), 0, -1):
            ends_word = not candidate[end : end + 1].isalnum()
            if ends_word and candidate[:end] in WINDOWS:
                return WINDOWS[candidate[:end]]
    return None


def _said(agent: Agent) -> int | None:
    if agent.max_context_tokens is not None:
        return agent.max_context_tokens
    said = agent.model_parameters.get(PARAMETER)
    return said if type(said) is int and said >= FLOOR else None
