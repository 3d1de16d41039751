"""The artifacts of one run, on their way to becoming attachments."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from hookline.artifacts import Artifact, ArtifactProcessor, Attachment
from hookline.events import ArtifactAttached, Event
from hookline.parts import Part
from hookline.scope import RunScope

log = structlog.get_logger("hookline.artifacts")
CONCURRENCY = 8
"""Artifacts of one run that are processed at a time, unless it is said otherwise."""


class Attachments:
    """Processes artifacts while the run goes on; one artifact can give several attachments.

    Args:
        processors: each gets every artifact that it accepts.
        scope: the run.
        append: takes what came of an artifact; it is not called any more once the run has ended.
        concurrency: calls into processors at a time.

    Attributes:
        made: all attachments so far, those that came after the end of the run, too.
    """

    def __init__(
        self,
        processors: Sequence[Part[ArtifactProcessor]],
        scope: RunScope,
        append: Callable[[Event], None],
        *,
        concurrency: int = CONCURRENCY,
    ):
        self._processors = processors
        self._scope = scope
        self._append = append
        self._free = asyncio.Semaphore(concurrency)
        self._ended = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.made: list[ArtifactAttached] = []

    def process(self, artifact: Artifact, tool_call: str) -> None:
        """Hand the artifact to every processor that accepts it."""
        for part in self._processors:
            task = asyncio.get_running_loop().create_task(self._attach(part, artifact, tool_call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @property
    def ready(self) -> bool:
        """Whether all that was handed over has been processed."""
        return not self._tasks

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until all that was handed over has been processed, or the time is over."""
        if self.ready:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(self._tasks)

    def end(self) -> None:
        """The run has ended: what is still being processed is kept, and appended no more."""
        self._ended = True

    def cancel(self) -> None:
        """Give up what is still being processed; nothing is appended from now on."""
        self._ended = True
        for task in self._tasks:
            task.cancel()

    async def _attach(
        self, part: Part[ArtifactProcessor], artifact: Artifact, tool_call: str
    ) -> None:
        for made in await self._process(part, artifact):
            event = ArtifactAttached(tool_call, made.kind, made.name, made.data, made.error)
            self.made.append(event)
            if not self._ended:
                self._append(event)

    async def _process(
        self, part: Part[ArtifactProcessor], artifact: Artifact
    ) -> Sequence[Attachment]:
        """What one processor makes of it; a failure is an attachment, too."""
        try:
            # Waiting for others is not part of the time that a processor has.
            async with self._free, part.call("process") as processor:
                if not processor.accepts(artifact):
                    return []
                made = await processor.process(artifact, self._scope)
        except Exception as error:  # noqa: BLE001  a plugin's part may raise anything
            log.warning("artifact.failed", part=part.name, run=self._scope.run, error=repr(error))
            text = f"{part.plugin} could not process it"
            return [Attachment(kind=artifact.kind, name=artifact.name, error=text)]
        if made is None:
            return []
        return [made] if isinstance(made, Attachment) else made
