"""Servers are killed before, amid and after effects of a tool; none of them happens twice."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hookline.effects import UNKNOWN
from hookline.keys import new_key
from hookline.roles import USE, Role
from hookline.store import Store
from hookline.users import User
from hookline_mongo.ports import MongoStore
from hookline_sqlite.store import SqliteStore
from support.marking import Ask, Works, works
from support.mongod import fresh_database, require_mongod

KILLS = int(os.environ.get("HOOKLINE_KILLS", "50"))
"""How often servers are killed in all tests of this kind; ``nox -s soak`` does it more often."""


@contextmanager
def stored(kind: str, folder: Path) -> Iterator[tuple[str, Store]]:
    """A store, and its URL."""
    if kind == "sqlite":
        path = folder / "hookline.db"
        yield f"sqlite:///{path}", SqliteStore(path)
        return
    require_mongod()
    with fresh_database() as url:
        yield url, MongoStore(url)


async def prepare(store: Store) -> str:
    """A user with a key; its text."""
    async with store:
        await store.roles.put(Role(id="tester", features={USE}))
        await store.users.put(User(id="alice", role="tester"))
        key, text = new_key("alice")
        await store.keys.add(key)
        return text


@pytest.mark.parametrize(("kind", "kills"), [("sqlite", KILLS // 2), ("mongo", KILLS // 5)])
@pytest.mark.timeout(60 + 5 * KILLS)
def test_no_effect_happens_twice(kind: str, kills: int, tmp_path: Path) -> None:
    """Two servers share a store, and one of them is killed again and again amid its calls.

    Each client sends its request again until it has an answer: the first one with the same
    ``Idempotency-Key``, the others with the calls that they answer.
    """
    with stored(kind, tmp_path) as (url, store):
        key = asyncio.run(prepare(store))
        with works(tmp_path, url, key, seed=5) as it:
            it.start()
            it.start()
            for _ in range(kills):
                for _ in range(it.random.randrange(2, 6)):
                    it.ask()
                time.sleep(it.random.random() * 0.3)
                it.kill()
            it.wait()

            seen = check(it)

    assert seen["tries"] > len(it.asks)
    assert seen["known"] > seen["unknown"] > 0


def check(it: Works) -> Counter[str]:
    """Compare what happened with what was asked for and what was told; how often which."""
    marks = it.marks()
    assert 1 == max(Counter(effect for effect, _ in marks).values())
    happened = Counter(word for _, word in marks)
    assert 1 == max(happened.values())
    seen: Counter[str] = Counter()
    for ask in it.asks:
        seen["tries"] += ask.tries
        seen.update(told(ask, happened))
    return seen


def told(ask: Ask, happened: Counter[str]) -> Counter[str]:
    """Compare what one client was told."""
    assert ask.told is not None, ask
    assert len(ask.words) == len(ask.told)
    seen: Counter[str] = Counter()
    # The server's calls of a turn are answered before the caller's.
    texts = Counter(ask.told)
    for word in ask.words:
        if word is None:
            continue
        known = f"marked {word}" in texts
        seen["known" if known else "unknown"] += 1
        assert happened[word] == 1 if known else happened[word] <= 1
    assert seen["unknown"] == texts[UNKNOWN.result.text], ask
    return seen
