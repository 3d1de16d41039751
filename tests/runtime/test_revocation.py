"""What a revoked key started ends, whoever revoked it."""

import asyncio

import attrs
import pytest

from hookline.errors import StoreUnavailable
from hookline.events import RunCancelled, RunFinished
from hookline.keys import ApiKey, new_key
from hookline.moments import now
from hookline.runtime import Runtime
from support.runtimes import STOP, ListedModel, finished, opened, run, start

SOON = {"permissions": {"revocation_interval": 0.01}}


async def key_1(runtime: Runtime) -> ApiKey:
    """The key that ``ALICE`` comes with."""
    key = attrs.evolve(new_key("alice")[0], id="key_1")
    await runtime.registry.store.keys.add(key)
    return key


async def forever() -> None:
    await asyncio.Event().wait()


def test_a_run_ends_when_its_key_is_revoked() -> None:
    """The store says so, so it does not matter which process revoked it."""

    async def work() -> None:
        async with opened(ListedModel([forever]), tables=SOON) as runtime:
            await key_1(runtime)
            begun = await start(runtime)
            await runtime.registry.store.keys.revoke("key_1", now())
            events = await finished(begun)

            assert RunCancelled("key_revoked") == events[-1]

    run(work)


def test_a_run_ends_when_its_key_expires() -> None:
    """An expired key is no better than a revoked one."""

    async def work() -> None:
        async with opened(ListedModel([forever]), tables=SOON) as runtime:
            key = attrs.evolve(new_key("alice")[0], id="key_1", expires_at=now())
            await runtime.registry.store.keys.add(key)
            events = await finished(await start(runtime))

            assert RunCancelled("key_revoked") == events[-1]

    run(work)


def test_other_runs_go_on() -> None:
    """Those of valid keys, and of callers whom another backend knows by keys of its own."""

    async def work() -> None:
        gate = asyncio.Event()
        async with opened(ListedModel([gate.wait, STOP]), tables=SOON) as runtime:
            store = runtime.registry.store
            other = attrs.evolve(new_key("alice")[0], id="key_2")
            await store.keys.add(other)
            await store.keys.revoke("key_2", now())
            unknown = await start(runtime)
            await runtime._revocations.look()
            await key_1(runtime)
            known = await start(runtime)
            await runtime._revocations.look()
            gate.set()

            ends = [(await finished(begun))[-1] for begun in (unknown, known)]
            assert ends == [RunFinished("stop")] * 2

    run(work)


def test_a_store_that_fails_does_not_end_the_watch() -> None:
    """It looks again, and ends the run then."""

    async def work() -> None:
        async with opened(ListedModel([forever]), tables=SOON) as runtime:
            keys = runtime.registry.store.keys
            await key_1(runtime)
            ask, asked = keys.invalid, asyncio.Event()

            async def fail(*_: object) -> frozenset[str]:
                asked.set()
                message = "the store is away"
                raise StoreUnavailable(message)

            keys.invalid = fail
            begun = await start(runtime)
            await keys.revoke("key_1", now())
            await asked.wait()
            keys.invalid = ask

            assert RunCancelled("key_revoked") == (await finished(begun))[-1]

    run(work)


def test_nothing_is_asked_while_nothing_runs() -> None:
    """A server that idles leaves its store alone."""

    async def work() -> None:
        async with opened(ListedModel([STOP]), tables=SOON) as runtime:

            async def fail(*_: object) -> frozenset[str]:
                pytest.fail("nobody should ask")

            runtime.registry.store.keys.invalid = fail
            await runtime._revocations.look()

    run(work)
