"""Parts: every call has a deadline and is counted."""

import asyncio

import pytest

from hookline.errors import DeadlineExceeded
from hookline.parts import Part
from support.runtimes import run


def part(deadline: float = 5.0) -> Part[str]:
    """A part that is a text."""
    return Part("acme", "tool_loader", "it", deadline)


def test_a_call_gives_the_part_and_is_counted() -> None:
    """Count and seconds grow, failures do not."""

    async def work() -> None:
        made = part()
        async with made.call("load") as given:
            assert given == "it"

        assert (made.name, made.calls.count, made.calls.failures) == ("acme.tool_loader", 1, 0)
        assert made.calls.seconds >= 0

    run(work)


def test_a_call_that_takes_too_long_is_cancelled() -> None:
    """The error names the plugin, the call and the limit."""

    async def work() -> None:
        made = part(0.01)
        with pytest.raises(DeadlineExceeded, match=r"load took longer than 0\.01 s"):
            async with made.call("load"):
                await asyncio.Event().wait()

        assert made.calls.failures == 1

    run(work)


def test_a_time_out_of_the_parts_own_stays_its_own() -> None:
    """A part's ``TimeoutError`` is a failure of the part like any other."""

    async def work() -> None:
        made = part()
        with pytest.raises(TimeoutError, match="the part's"):
            async with made.call("load"):
                raise TimeoutError("the part's")

        assert made.calls.failures == 1

    run(work)
