"""A server whose agents give the clients everything that they may meet."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from hookline import StaticTools, ToolLoader, hookimpl, tool
from support.server import RunningServer, add_key, running_server
from support.upstream import (
    Answer,
    error_answer,
    reasoning_chunks,
    stream_of,
    text_answer,
    text_chunks,
    threaded_upstream,
    tool_answer,
    usage,
)

NARROW_KEY = "hk-narrow"


class Lookups:
    """A plugin with one tool, ``lookup``, which counts how often it ran."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @hookimpl
    def tool_loader(self) -> ToolLoader:
        @tool
        async def lookup(word: str) -> str:
            """Look up a word."""
            self.words.append(word)
            return f"{word} is in the book"

        return StaticTools(lookup)


@attrs.frozen
class Site:
    """The server, and what its own tool was asked."""

    server: RunningServer
    lookups: Lookups


def _call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def _scripted(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    parameters = {"scripted": {"rules": list(rules)}} if rules else {}
    return {"provider": "scripted", "model": "scripted", "model_parameters": parameters, **fields}


AGENTS = {
    "helper": _scripted(instructions="Help."),
    "locked": {
        **_scripted(),
        "model_parameters": {"temperature": 0.2},
        "locked": ["temperature"],
    },
    "refuser": _scripted({"refusal": "I will not."}),
    "clerk": _scripted(tools=["lookup"]),
    "guide": _scripted(
        {"contains": "tour", "tool_calls": [_call("lookup", word="Rome"), _call("weather")]},
        {"contains": "tour", "turn": 2, "tool_calls": [_call("weather")]},
        tools=["lookup"],
    ),
    "twins": _scripted(
        {"tool_calls": [_call("weather", city="Rome"), _call("weather", city="Oslo")]}
    ),
    "broken": _scripted({"reply": "one two three", "cut_after": 2}),
    "unreachable": _scripted({"cut_after": 0}),
    "runaway": _scripted(
        {"turn": "every", "tool_calls": [_call("lookup", word="x")]},
        tools=["lookup"],
        recursion_limit=3,
    ),
}
ANSWERS = {
    "plain": text_answer("Hello from afar"),
    "thinker": stream_of(
        [*reasoning_chunks("Let me see."), *text_chunks("Done.")],
        counts=usage(20, 9, cached=4, reasoning=5),
    ),
    "cautious": stream_of(text_chunks("I was about"), "content_filter"),
    "sloppy": tool_answer([("a", "weather", '{"city":"Rome"}'), ("b", "time", "{}")], "gaps"),
    "busy": error_answer(429, "slow down", "rate_limit_exceeded", headers={"retry-after": "7"}),
    "failing": error_answer(500, "out of order"),
    "strict": error_answer(400, "no such thing", "bad_thing"),
}
"""What the upstream answers to each of its models; each is an agent, too."""


def _respond(body: Any) -> Answer:
    return ANSWERS[body["model"]]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    lookups = Lookups()
    with threaded_upstream(respond=_respond) as upstream:
        tables = {
            "providers": {
                "scripted": {"kind": "scripted"},
                "upstream": {"kind": "openai", "base_url": upstream.url, "retries": 0},
            },
            "agents": {
                **AGENTS,
                **{name: {"provider": "upstream", "model": name} for name in ANSWERS},
            },
        }
        with running_server(tables, {"lookups": lookups}) as server:
            narrow = add_key(
                server.runtime, NARROW_KEY, user="bob", agents=frozenset({"helper", "clerk"})
            )
            server.run(narrow)
            yield Site(server, lookups)
