"""The stand-ins that Hookline ships for tests."""

import asyncio
import subprocess
import sys

import attrs
import pytest

import hookline.testing
from hookline.agents import Agent
from hookline.errors import AdmissionRefused
from hookline.events import Text
from hookline.permissions import Principal
from hookline.scope import RunScope
from hookline.testing import RecorderDown, RecordingRecorder, RecordingSink
from hookline.usage import Admission, Closing, TokenCounts, UsageEntry

SCOPE = RunScope(run="r1", agent="a", principal=Principal(user="alice"), deadline=0.0)
ADMISSION = Admission(
    scope=SCOPE,
    agent=Agent(id="a", provider="p", model="m"),
    estimated_input=1,
    expected_output=1000,
)
CLOSING = Closing(run="r1", agent="a", user="alice", outcome="failed")


def entry(run, step):
    return UsageEntry(
        run=run, step=step, agent="a", provider="p", model="m", user="alice", tokens=TokenCounts()
    )


def test_a_recorder_remembers_what_it_is_told():
    """Admissions, entries and closings, by run."""
    recorder = RecordingRecorder()
    entries = [entry("r1", 0), entry("r2", 0), entry("r1", 1)]

    async def main():
        await recorder.admit(ADMISSION)
        for one in entries:
            await recorder.record(one)
        await recorder.close(attrs.evolve(CLOSING, outcome="finished"))

    asyncio.run(main())
    assert [ADMISSION] == recorder.admissions
    assert [entries[0], entries[2]] == recorder.entries_of("r1")
    assert (["finished"], []) == (recorder.outcomes_of("r1"), recorder.outcomes_of("r2"))


@pytest.mark.parametrize("method", ["admit", "record", "close"])
def test_a_recorder_fails_as_often_as_it_is_told(method):
    """Then it works again, and has counted the failures."""
    recorder = RecordingRecorder()
    recorder.fail(method, times=2)

    async def call():
        if method == "admit":
            await recorder.admit(ADMISSION)
        elif method == "record":
            await recorder.record(entry("r1", 0))
        else:
            await recorder.close(CLOSING)

    for _ in range(2):
        with pytest.raises(RecorderDown, match=f"told to fail in {method}"):
            asyncio.run(call())
    asyncio.run(call())
    assert 2 == recorder.failures[method]
    assert 1 == len(recorder.admissions) + len(recorder.entries) + len(recorder.closings)


def test_a_recorder_refuses_when_told():
    """With the reason and the pause that it was given."""
    recorder = RecordingRecorder(refusal="no money", retry_after=3.0)

    with pytest.raises(AdmissionRefused, match="no money") as caught:
        asyncio.run(recorder.admit(ADMISSION))

    assert (3.0, []) == (caught.value.retry_after, recorder.admissions)


def test_a_sink_remembers_the_events_of_each_run():
    """In order, and with the batches in which they came."""
    sink = RecordingSink()

    async def main():
        await sink.write(SCOPE, 0, [Text("a"), Text("b")])
        await sink.write(SCOPE, 2, [Text("c")])

    asyncio.run(main())
    assert (Text("a"), Text("b"), Text("c")) == sink.events_of("r1")
    assert [0, 2] == [batch.position for batch in sink.batches]
    assert () == sink.events_of("r2")


def test_a_sink_notices_what_is_missing_or_repeated():
    """Events that do not go on where the last ended fail the test that uses the sink."""
    sink = RecordingSink()

    asyncio.run(sink.write(SCOPE, 0, [Text("a")]))
    for position in (0, 2):
        with pytest.raises(AssertionError, match=f"run r1: position {position} after 1 events"):
            asyncio.run(sink.write(SCOPE, position, [Text("b")]))


def test_a_sink_fails_when_told():
    """It raises what it was given, until that is taken away."""
    sink = RecordingSink(error=ConnectionError("gone"))

    with pytest.raises(ConnectionError, match="gone"):
        asyncio.run(sink.write(SCOPE, 0, [Text("a")]))
    sink.error = None
    asyncio.run(sink.write(SCOPE, 0, [Text("a")]))
    assert (Text("a"),) == sink.events_of("r1")


def test_the_kit_needs_no_pytest():
    """Importing it brings in nothing that a server does not have."""
    program = "import sys, hookline.testing; print('pytest' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert "False\n" == done.stdout
    assert all(hasattr(hookline.testing, name) for name in hookline.testing.__all__)
