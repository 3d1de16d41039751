"""Asking the scripted model, and putting its answer together."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import attrs
import msgspec

from hookline.events import Reasoning, Refusal, Text
from hookline.providers import (
    ModelDelta,
    ModelFinished,
    ModelRequest,
    ModelUsage,
    ToolCallPiece,
)
from hookline.tools import ToolSpec
from hookline.usage import TokenCounts
from hookline.wire.chat import Message, ToolChoice, UserMessage
from hookline_scripted import ScriptedModel


@attrs.frozen
class Said:
    """An answer of the scripted model, piece by piece."""

    deltas: Sequence[ModelDelta]

    @property
    def chunks(self) -> list[str]:
        """The pieces of text."""
        return [delta.text for delta in self.deltas if isinstance(delta, Text)]

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.chunks)

    @property
    def reasoning(self) -> str:
        """The whole reasoning."""
        return "".join(delta.text for delta in self.deltas if isinstance(delta, Reasoning))

    @property
    def refusal(self) -> str:
        """The whole refusal."""
        return "".join(delta.text for delta in self.deltas if isinstance(delta, Refusal))

    @property
    def pieces(self) -> list[ToolCallPiece]:
        """The pieces of tool calls."""
        return [delta for delta in self.deltas if isinstance(delta, ToolCallPiece)]

    @property
    def calls(self) -> list[tuple[str | None, Any]]:
        """Name and arguments of each tool call."""
        openings = [piece for piece in self.pieces if piece.name]
        texts = {
            opening.index: "".join(p.arguments for p in self.pieces if p.index == opening.index)
            for opening in openings
        }
        return [(o.name, msgspec.json.decode(texts[o.index] or "null")) for o in openings]

    @property
    def finish_reason(self) -> str | None:
        """Why it ended."""
        return next((d.reason for d in self.deltas if isinstance(d, ModelFinished)), None)

    @property
    def usage(self) -> TokenCounts | None:
        """What it used."""
        return next((d.tokens for d in self.deltas if isinstance(d, ModelUsage)), None)


async def listen(request: ModelRequest, heard: list[ModelDelta]) -> None:
    """Put each delta of the model's answer into the list, as it comes."""
    async with aclosing(ScriptedModel().stream(request)) as deltas:
        async for delta in deltas:
            heard.append(delta)


def ask(
    *messages: Message | str,
    tools: Sequence[ToolSpec] = (),
    tool_choice: ToolChoice | None = None,
    **parameters: Any,
) -> Said:
    """What the scripted model says to messages; a plain text is a user message."""
    request = ModelRequest(
        model="scripted",
        messages=[UserMessage(m) if isinstance(m, str) else m for m in messages],
        tools=tools,
        tool_choice=tool_choice,
        parameters=parameters,
    )
    heard: list[ModelDelta] = []
    asyncio.run(listen(request, heard))
    return Said(heard)
