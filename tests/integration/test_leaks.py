"""A thousand runs with calls of every kind of tool, a third of them cancelled: nothing is left.

``HOOKLINE_LEAK_RUNS`` is how many; ``nox -s soak`` makes more, and more of those with processes.
"""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import openai
import pytest

from support import sandboxes
from support.mcp_servers import until
from support.mixed_runs import CHEAP, Mix, Naps, entries, left, opened, rule
from support.raw import request
from support.server import KEY, RunningServer, running_server

RUNS = int(os.environ.get("HOOKLINE_LEAK_RUNS", "1000"))
COSTLY = RUNS // 50
"""Runs with a process, of each kind."""

WARMING = 10
"""Runs of each kind that come first: connections are made, modules imported, pools filled."""

SPARE = 50
"""What may come to be in pools, of one kind. A leak would be as many as there were runs."""

SECONDS = max(120, RUNS // 5)
CALLERS = 200
pytestmark = pytest.mark.timeout(2 * SECONDS)


@attrs.frozen
class Held:
    """What there is at one moment."""

    left: Mapping[str, Counter[str]]
    entries: int = 0


def grown(before: Held, after: Held, spare: int) -> list[str]:
    """What has become more, by more than that."""
    found = [
        f"{kind}: {name}: {count - before.left[kind][name]:+}"
        for kind, counts in after.left.items()
        for name, count in counts.items()
        if count > before.left[kind][name] + spare
    ]
    if after.entries > before.entries + 5 * spare:
        found.append(f"entries: {after.entries - before.entries:+}")
    return found


async def settled(before: Held, now: Any, spare: int) -> list[str]:
    """What has become more for good: connections need a moment to close, and records to be written.

    To count takes the loop's time, so it is left alone in between.
    """
    more: list[str] = []
    for _ in range(10):
        await asyncio.sleep(1.5)
        more = grown(before, now(), spare)
        if not more:
            break
    return more


def test_a_thousand_runs_leave_nothing(tmp_path: Path) -> None:
    """Tasks, files, processes and objects do not grow, and all are gone when the server stops."""
    code = not sandboxes.obstacle()
    costly = ["child", "code"] if code else ["child"]
    chance = random.Random(5)
    kinds = [*(CHEAP * (RUNS // len(CHEAP))), *(costly * COSTLY)]
    chance.shuffle(kinds)

    async def story(folder: Path, many: list[str]) -> tuple[list[str], Counter[str]]:
        folder.mkdir()
        async with opened(folder, code=code) as runtime:

            def now() -> Held:
                return Held(left(), entries(runtime))

            await Mix(runtime, seed=1).run([*CHEAP, *costly] * WARMING)
            before = now()
            mix = Mix(runtime, seed=2)
            await mix.run(many)
            assert [] == list(runtime.running)
            return await settled(before, now, SPARE), mix.ended

    async def work() -> None:
        async with asyncio.timeout(SECONDS):
            await story(tmp_path / "first", [])
            before = Held(left())
            more, ended = await story(tmp_path / "second", kinds)

            assert [] == more
            assert [] == await settled(before, lambda: Held(_without_objects()), 0)
            assert sum(ended.values()) == len(kinds)
            assert sum(ended[f"{kind} cancelled"] for kind in set(kinds)) > len(kinds) // 10
            assert not [end for end in ended if end.endswith(" failed")]

    asyncio.run(work())


def _without_objects() -> Mapping[str, Counter[str]]:
    """What a process holds when the server has stopped; objects may wait for the collector."""
    return {kind: counts for kind, counts in left().items() if kind != "objects"}


def test_callers_that_leave_leave_nothing(tmp_path: Path) -> None:
    """Streams that are closed, and answers that nobody waits for, in the middle of a call."""
    scripted = {"provider": "scripted", "model": "scripted"}
    rules = [rule("nap", "nap", seconds=0.02), {"turn": 2, "reply": "Good morning to all."}]
    helper = {**scripted, "tools": ["nap"], "model_parameters": {"scripted": {"rules": rules}}}
    tables = {
        "store": {"url": f"sqlite:///{tmp_path}/hookline.db"},
        "providers": {"scripted": {"kind": "scripted"}},
        "agents": {"helper": helper},
    }

    async def work(server: RunningServer) -> list[str]:
        def now() -> Held:
            return Held(server.run(_within()), entries(server.runtime))

        await _calls(server)
        before = now()
        await _calls(server)
        return await settled(before, now, SPARE)

    with running_server(tables, {"naps": Naps()}) as server:
        assert [] == asyncio.run(work(server))


async def _within() -> Mapping[str, Counter[str]]:
    return left()


async def _calls(server: RunningServer) -> None:
    async with openai.AsyncOpenAI(base_url=server.url, api_key=KEY, max_retries=0) as client:
        for first in range(0, CALLERS, 10):
            await asyncio.gather(*(_call(server, client, first + n) for n in range(10)))
    await until(lambda: not server.runtime.running)


async def _call(server: RunningServer, client: openai.AsyncOpenAI, number: int) -> None:
    """One of a few ways to ask, and to leave."""
    asked: Any = {"model": "helper", "messages": [{"role": "user", "content": "nap"}]}
    match number % 3:
        case 0:
            async with _asking(server, {**asked, "stream": True}) as answer:
                assert (await answer.readline()).startswith(b"HTTP/1.1 200")
        case 1:
            async with _asking(server, asked):
                await asyncio.sleep(random.Random(number).random() / 20)
        case _:
            whole = await client.chat.completions.create(**asked)
            assert "Good morning to all." == whole.choices[0].message.content


@asynccontextmanager
async def _asking(server: RunningServer, body: Any) -> AsyncIterator[asyncio.StreamReader]:
    """A request and the beginning of its answer. A client's own cleaning would come at any time."""
    where = urlsplit(server.url)
    answer, asker = await asyncio.open_connection(where.hostname, where.port)
    try:
        asker.write(request(json.dumps(body).encode(), b"content-type: application/json"))
        yield answer
    finally:
        asker.close()
        await asker.wait_closed()
