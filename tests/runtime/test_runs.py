"""Runs: they end once, in one of three ways."""

import asyncio

import pytest

from hookline.errors import DeadlineExceeded, HooklineError, ProviderRefused, ToolUnavailable
from hookline.events import RunCancelled, RunEnded, RunFailed, RunFinished
from hookline.log import MemoryLog
from hookline.runs import INTERNAL, Run
from hookline.scope import RunScope
from support.runtimes import ALICE, HELPER, run, scope

FINISHED = RunFinished("stop")


async def _finish() -> RunFinished:
    return FINISHED


async def _wait() -> RunFinished:
    await asyncio.Event().wait()
    return FINISHED


def test_a_run_that_does_its_work_is_finished() -> None:
    """The end is the last event, and nothing can be read after it."""

    async def work() -> None:
        made = Run(scope(), HELPER, MemoryLog())
        made.close(await made.execute(_finish))
        await made.wait()

        assert (made.ended, made.outcome, made.id) == (FINISHED, "finished", "run_1")
        assert [FINISHED] == list(await made.log.read(0) or ())
        assert [] == list(await made.log.read(1) or ())

    run(work)


def test_a_run_that_is_cancelled_says_why() -> None:
    """The first reason counts."""

    async def work() -> None:
        made = Run(scope(), HELPER, MemoryLog())
        working = asyncio.ensure_future(made.execute(_wait))
        await asyncio.sleep(0)
        made.cancel("client_gone")
        made.cancel("shutdown")

        assert await working == RunCancelled("client_gone")
        assert made.outcome == "cancelled"

    run(work)


def test_a_run_can_be_cancelled_before_it_begins() -> None:
    """Its work is never done."""

    async def work() -> None:
        made = Run(scope(), HELPER, MemoryLog())
        made.cancel("operator")

        assert await made.execute(_finish) == RunCancelled("operator")

    run(work)


def test_a_run_that_has_ended_cannot_be_cancelled() -> None:
    """Cancelling it changes nothing and harms no task."""

    async def work() -> None:
        made = Run(scope(), HELPER, MemoryLog())
        await made.execute(_finish)
        made.cancel("operator")
        await asyncio.sleep(0)

        assert (made.ended, made.outcome) == (FINISHED, "finished")

    run(work)


def test_a_run_has_a_deadline() -> None:
    """It fails when the moment has come."""

    async def work() -> None:
        late = RunScope(
            run="r", agent="helper", principal=ALICE, deadline=asyncio.get_running_loop().time()
        )
        made = Run(late, HELPER, MemoryLog())
        ended = await made.execute(_wait)

        assert isinstance(ended, RunFailed)
        assert ("deadline_exceeded", "failed") == (ended.code, made.outcome)

    run(work)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            ProviderRefused("busy", status=429, reason="rate", retry_after=2.0),
            RunFailed("provider_refused", "busy", 429, "rate", 2.0),
        ),
        (ToolUnavailable("no tool"), RunFailed("tool_unavailable", "no tool")),
        (DeadlineExceeded("late"), RunFailed("deadline_exceeded", "late")),
        (HooklineError("odd"), RunFailed("internal_error", "odd")),
        (ValueError("secret"), RunFailed("internal_error", INTERNAL)),
        (TimeoutError("secret"), RunFailed("internal_error", INTERNAL)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_run_that_fails_says_what_callers_may_hear(error: Exception, expected: RunEnded) -> None:
    """Errors of ours are told; what was not foreseen stays in the log."""

    async def fail() -> RunFinished:
        raise error

    async def work() -> None:
        made = Run(scope(), HELPER, MemoryLog())

        assert expected == await made.execute(fail)
        assert made.outcome == "failed"

    run(work)
