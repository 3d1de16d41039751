"""How an answer looks: text as it comes, or a line of JSON for each turn."""

import sys
from typing import Any

import click

from hookline.events import (
    Event,
    Reasoning,
    Refusal,
    RunCancelled,
    RunEnded,
    RunFailed,
    RunFinished,
    RunPaused,
    Text,
    ToolCallFinished,
)
from hookline.transcript import TranscribedCall, Transcript
from hookline_api.cli.output import print_json

SHOWN = 200
"""Characters of a tool's arguments and of its result that are shown."""


class Screen:
    """The answer on stdout; reasoning and tool calls dim beside it, or on stderr if piped.

    Args:
        stream: whether to print the answer as it comes.
    """

    def __init__(self, *, stream: bool):
        self._stream = stream
        self._calls = Transcript()
        self._open: type[Event] | None = None

    def show(self, event: Event) -> None:
        """Print what there is to see of an event."""
        self._calls.add([event])
        match event:
            case Text(text=text) | Refusal(text=text) if self._stream:
                self._begin(Text)
                click.echo(text, nl=False)
            case Reasoning(text=text):
                self._begin(Reasoning)
                _aside(text, nl=False)
            case ToolCallFinished(index=index):
                self._begin(None)
                _aside(_line(self._calls.calls[index]))
            case _:
                pass

    def wait(self) -> None:
        """End the line that is open."""
        self._begin(None)

    def end(self, transcript: Transcript) -> None:
        """Print what is left, and why the turn ended early."""
        self._begin(None)
        if not self._stream:
            click.echo("".join(transcript.texts or transcript.refusals))
        self._calls = Transcript()
        problem = _problem(transcript.ended)
        if problem:
            click.echo(f"hookline: {problem}", err=True)

    def _begin(self, kind: type[Any] | None) -> None:
        """End the line if something else follows."""
        if self._open is not None and self._open is not kind:
            click.echo(err=self._open is Reasoning and not sys.stdout.isatty())
        self._open = kind


class JsonLines:
    """A line of JSON for each turn."""

    def show(self, event: Event) -> None:
        """Leave it for the end."""

    def wait(self) -> None:
        """Nothing is open."""

    def end(self, transcript: Transcript) -> None:
        """Print the turn."""
        ended = transcript.ended
        print_json(
            {
                "content": "".join(transcript.texts),
                "reasoning": "".join(transcript.thoughts),
                "refusal": "".join(transcript.refusals) or None,
                "tool_calls": [_call(call) for call in transcript.calls],
                "attachments": transcript.attachments,
                "usage": transcript.usage,
                "finish_reason": ended.finish_reason if isinstance(ended, RunFinished) else None,
                "error": _problem(ended),
            }
        )


def _aside(text: str, *, nl: bool = True) -> None:
    """Print what is not the answer."""
    click.secho(text, nl=nl, dim=True, err=not sys.stdout.isatty())


def _line(call: TranscribedCall) -> str:
    result = call.finished.content if call.finished else ""
    return f"[{call.started.name} {_short(''.join(call.arguments))} -> {_short(result)}]"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _call(call: TranscribedCall) -> dict[str, Any]:
    return {
        "id": call.started.id,
        "name": call.started.name,
        "arguments": "".join(call.arguments),
        "result": call.finished.content if call.finished else None,
    }


def _problem(ended: RunEnded | None) -> str | None:
    match ended:
        case RunFailed(message=message):
            return message
        case RunCancelled():
            return "the answer was cut short"
        case RunPaused(run=run, calls=calls):
            names = ", ".join(call.name for call in calls)
            return f"{names} must be approved of: POST /v1/runs/{run}/approve"
        case RunFinished() | None:
            return None
