"""Tool calls: one call of a tool, with its deadline, and whatever came of it as a result."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import msgspec
import structlog

from hookline.effects import Done
from hookline.instances import cancellations
from hookline.scope import CallScope
from hookline.tools import ContentPart, Tool, ToolResult
from hookline.wire.chat import TextPart

log = structlog.get_logger("hookline.tools")
FIX_HINT = "\nPlease fix your mistakes."
"""What follows an error that the model can mend. Source: seed 9.4."""

TRUNCATED = "\n[truncated: the result had {size} characters]"


@attrs.frozen(kw_only=True)
class ToolLimits:
    """Seconds that a call may take, characters of a result, calls of one turn at a time."""

    deadline: float
    result: int
    concurrency: int


async def make(
    tool: Tool,
    arguments: Mapping[str, Any],
    scope: CallScope,
    limits: ToolLimits,
    *,
    limited: bool = False,
) -> Done:
    """Call a tool; whatever it does, the model reads something.

    Args:
        tool: that is called.
        arguments: which follow its schema.
        scope: of the call.
        limits: how long it may take, and how much it may say.
        limited: whether it has a deadline, which begins anew whenever the tool gets on. An agent
            that is called as a tool has its own.
    """
    name, before = tool.spec.name, cancellations()
    seconds = limits.deadline if limited else None
    limit = asyncio.timeout(seconds)
    progress = _Progress(limit, seconds)
    scope = attrs.evolve(scope, progress=progress)
    try:
        async with limit:
            result = _result(await tool.call(arguments, scope))
    except TimeoutError as error:
        if not limit.expired():
            return failure(str(error) or "TimeoutError")
        return _broken_off(tool, f"Tool {name} took longer than {limits.deadline:g} s")
    except Exception as error:  # noqa: BLE001  a tool may raise anything; the model is told
        log.info("tool.failed", tool=name, run=scope.run, error=repr(error))
        return failure(str(error) or type(error).__name__)
    except asyncio.CancelledError as error:
        if cancellations() > before:
            raise
        log.info("tool.failed", tool=name, run=scope.run, error=repr(error))
        return _broken_off(tool, f"Tool {name} was broken off")
    finally:
        progress.over = True
    result = attrs.evolve(result, content=_cut(result.content, limits.result))
    return Done("error" if result.failed else "success", result)


def failure(message: str) -> Done:
    """An error that the model reads and can mend."""
    return Done("error", ToolResult(f"Error: {message}{FIX_HINT}", failed=True))


def _broken_off(tool: Tool, text: str) -> Done:
    """What is said of a call that did not come to its end: it may have had its effect."""
    if tool.spec.repeatable:
        return failure(text)
    told = f"{text}. It is not known whether it took effect: find out before you call it again."
    return Done("unknown", ToolResult(told, failed=True))


def _cut(content: str | Sequence[ContentPart], most: int) -> str | Sequence[ContentPart]:
    """The content with no more text than a result may have."""
    if isinstance(content, str):
        return content if len(content) <= most else content[:most] + _mark(len(content))
    size = sum(len(part.text) for part in content if isinstance(part, TextPart))
    if size <= most:
        return content
    parts: list[ContentPart] = []
    for part in content:
        if not isinstance(part, TextPart):
            parts.append(part)
        elif most > 0:
            parts.append(TextPart(part.text[:most]))
            most -= len(part.text)
    return [*parts, TextPart(_mark(size))]


class _Progress:
    """Begins a deadline anew, as long as it has not passed and the call is not over."""

    def __init__(self, limit: asyncio.Timeout, seconds: float | None):
        self.over = False
        self._limit = limit
        self._seconds = seconds

    def __call__(self) -> None:
        """The call gets on."""
        if self._seconds is not None and not self.over and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time() + self._seconds)


def _result(given: Any) -> ToolResult:
    """What a tool gave back, whatever it is: anything but a result or a text is made JSON."""
    if not isinstance(given, ToolResult):
        text = given if isinstance(given, str) else msgspec.json.encode(given).decode()
        return ToolResult(text)
    sound = isinstance(given.content, Sequence)
    return (
        given if sound else attrs.evolve(given, content=msgspec.json.encode(given.content).decode())
    )


def _mark(size: int) -> str:
    return TRUNCATED.format(size=size)
