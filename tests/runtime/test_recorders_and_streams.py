"""Recorders that raise, hang or dawdle change nothing of what a run says, and lose nothing."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from hookline import hookimpl
from hookline.events import Event, RunStarted, Text, ToolCallFinished, ToolCallStarted
from hookline.providers import ModelUsage, ToolCallPiece
from hookline.testing import RecordingRecorder
from hookline.usage import Closing, TokenCounts, UsageEntry
from support.runtimes import STOP, ListedModel, opened, start
from support.virtual import VirtualLoop

TURNS = (
    [Text("Let "), Text("me "), ToolCallPiece(0, "x", "none", "{}"), STOP],
    [Text("Hello"), Text(" there"), ModelUsage(TokenCounts(input=5, output=2)), STOP],
)
LATER = 400.0


class Raising(RecordingRecorder):
    """Raises the first nine times that it is told something."""

    def __init__(self) -> None:
        super().__init__()
        self.fail("record", times=5)
        self.fail("close", times=4)


class Hanging(RecordingRecorder):
    """Does not come back the first two times."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs = 2

    async def record(self, entry: UsageEntry) -> None:
        if self.hangs:
            self.hangs -= 1
            await asyncio.Event().wait()
        await super().record(entry)


class Slow(RecordingRecorder):
    """Takes five seconds for everything."""

    async def record(self, entry: UsageEntry) -> None:
        await asyncio.sleep(5.0)
        await super().record(entry)

    async def close(self, closing: Closing) -> None:
        await asyncio.sleep(5.0)
        await super().close(closing)


class Plugin:
    """A recorder as a plugin."""

    def __init__(self, recorder: RecordingRecorder):
        self.recorder = recorder

    @hookimpl
    def usage_recorder(self) -> RecordingRecorder:
        return self.recorder


async def told(*recorders: RecordingRecorder) -> tuple[bytes, float]:
    """The events of a run, without its ids, and when its last one came, on the loop's clock."""
    loop = asyncio.get_running_loop()
    plugins = [Plugin(recorder) for recorder in recorders]
    async with opened(ListedModel(*TURNS), *plugins) as runtime:
        began = loop.time()
        run = await start(runtime)
        await run.wait()
        took = loop.time() - began
        events: Sequence[Event] = await run.log.read(0) or ()
        await asyncio.sleep(LATER)
    return msgspec.json.encode([_anonymous(event) for event in events]), took


def _anonymous(event: Event) -> Event:
    match event:
        case RunStarted():
            return msgspec.structs.replace(event, run="run", created=0)
        case ToolCallStarted() | ToolCallFinished():
            return msgspec.structs.replace(event, id="call")
        case _:
            return event


def alone(work):
    """The result of a coroutine in virtual time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


@pytest.mark.parametrize("kind", [Raising, Hanging, Slow])
def test_a_bad_recorder_changes_nothing(kind: type[RecordingRecorder]) -> None:
    """The log is the same byte for byte, its end comes no later, and all is recorded in the end.

    In virtual time: what a run waits for shows, and what the machine is busy with does not.
    """
    bad, good = kind(), RecordingRecorder()
    expected, took = alone(told(RecordingRecorder()))

    events, took_with_it = alone(told(bad, good))

    assert expected == events
    assert took_with_it == took
    for recorder in (bad, good):
        assert [0, 1] == [entry.step for entry in recorder.entries]
        assert ["finished"] == [closing.outcome for closing in recorder.closings]
