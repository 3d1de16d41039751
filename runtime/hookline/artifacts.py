"""Artifacts: what a tool produced besides text, and what becomes of it."""

from collections.abc import Sequence
from typing import Any, Protocol

import attrs

from hookline.scope import RunScope


@attrs.frozen(kw_only=True)
class Artifact:
    """Something a tool made: an image, citations, a file. ``kind`` says what ``data`` holds."""

    kind: str
    data: Any
    name: str = ""


@attrs.frozen(kw_only=True)
class Attachment:
    """What a processor made of an artifact, ready to be shown to a client. ``data`` is JSON.

    ``error`` says why it could not be made, in words that the client may read.
    """

    kind: str
    name: str
    data: Any = None
    error: str | None = None


class ArtifactProcessor(Protocol):
    """Turns artifacts of some kinds into attachments.

    A failure never fails the tool call: the attachment carries the error and the run goes on.
    """

    def accepts(self, artifact: Artifact) -> bool:
        """Whether this processor wants the artifact. Quick; no I/O."""

    async def process(
        self, artifact: Artifact, scope: RunScope
    ) -> Attachment | Sequence[Attachment] | None:
        """Make an attachment of it, or several, or nothing."""
