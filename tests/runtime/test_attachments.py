"""Artifacts become attachments while the run goes on."""

import asyncio
from collections.abc import Sequence

from hookline import Artifact, Attachment, RunScope
from hookline.attachments import Attachments
from hookline.events import ArtifactAttached, Event
from hookline.parts import Part
from support.runtimes import run, scope

IMAGE = Artifact(kind="image", name="cat.svg", data="<svg/>")


class Processor:
    """Accepts images, and does what the test says."""

    def __init__(self, result: Attachment | Exception | None = None, *, hang: bool = False):
        self.result = result
        self.hang = hang
        self.cancelled = False

    def accepts(self, artifact: Artifact) -> bool:
        return artifact.kind == "image"

    async def process(self, artifact: Artifact, scope: RunScope) -> Attachment | None:
        try:
            if self.hang:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def attached(*processors: Processor, artifact: Artifact = IMAGE) -> Sequence[Event]:
    """What the processors make of an artifact."""
    events: list[Event] = []

    async def work() -> None:
        parts = [Part(f"p{i}", "artifact_processor", p, 0.05) for i, p in enumerate(processors)]
        attachments = Attachments(parts, scope(), events.append)
        attachments.process(artifact, "call_1")
        await attachments.wait()

    run(work)
    return events


def test_every_processor_that_accepts_makes_an_attachment() -> None:
    """One artifact can give several, and a processor may make nothing of it."""
    one = Attachment(kind="image", name="small.png", data=1)
    other = Attachment(kind="link", name="cat", data={"url": "/cat"})

    events = attached(Processor(one), Processor(None), Processor(other))

    assert [
        ArtifactAttached("call_1", "image", "small.png", 1),
        ArtifactAttached("call_1", "link", "cat", {"url": "/cat"}),
    ] == list(events)


def test_what_nobody_accepts_is_left_alone() -> None:
    """No attachment, no error."""
    assert [] == list(attached(Processor(OSError("x")), artifact=Artifact(kind="text", data="x")))


def test_a_failure_is_carried_by_the_attachment() -> None:
    """It names the plugin and hides the reason, be it an exception or a time-out."""
    events = attached(Processor(OSError("secret path")), Processor(hang=True))

    assert [
        ArtifactAttached("call_1", "image", "cat.svg", error="p0 could not process it"),
        ArtifactAttached("call_1", "image", "cat.svg", error="p1 could not process it"),
    ] == list(events)


def test_what_is_under_way_can_be_given_up() -> None:
    """A run that is cancelled does not wait for its attachments."""

    async def work() -> None:
        processor, events = Processor(hang=True), list[Event]()
        part = Part("p", "artifact_processor", processor, 60.0)
        attachments = Attachments([part], scope(), events.append)
        attachments.process(IMAGE, "call_1")
        await asyncio.sleep(0)
        attachments.cancel()
        await attachments.wait()

        assert processor.cancelled
        assert events == []

    run(work)
