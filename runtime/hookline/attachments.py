"""The artifacts of one run, on their way to becoming attachments."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from hookline.artifacts import Artifact, ArtifactProcessor
from hookline.events import ArtifactAttached, Event
from hookline.parts import Part
from hookline.scope import RunScope

log = structlog.get_logger("hookline.artifacts")


class Attachments:
    """Processes artifacts while the run goes on; one artifact can give several attachments."""

    def __init__(
        self,
        processors: Sequence[Part[ArtifactProcessor]],
        scope: RunScope,
        append: Callable[[Event], None],
    ):
        self._processors = processors
        self._scope = scope
        self._append = append
        self._tasks: set[asyncio.Task[None]] = set()

    def process(self, artifact: Artifact, tool_call: str) -> None:
        """Hand the artifact to every processor that accepts it."""
        for part in self._processors:
            task = asyncio.get_running_loop().create_task(self._attach(part, artifact, tool_call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def wait(self) -> None:
        """Wait until all that was handed over has been processed."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def cancel(self) -> None:
        """Give up what is still being processed."""
        for task in self._tasks:
            task.cancel()

    async def _attach(
        self, part: Part[ArtifactProcessor], artifact: Artifact, tool_call: str
    ) -> None:
        try:
            async with part.call("process") as processor:
                if not processor.accepts(artifact):
                    return
                attachment = await processor.process(artifact, self._scope)
        except Exception as error:  # noqa: BLE001  a plugin's part may raise anything
            log.warning("artifact.failed", part=part.name, run=self._scope.run, error=repr(error))
            name, text = artifact.name, f"{part.plugin} could not process it"
            self._append(ArtifactAttached(tool_call, artifact.kind, name, error=text))
            return
        if attachment is not None:
            kind, name, data = attachment.kind, attachment.name, attachment.data
            self._append(ArtifactAttached(tool_call, kind, name, data))
