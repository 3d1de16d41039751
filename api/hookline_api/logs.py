"""Logs: one line an event on stderr, as JSON, or in colours where a person reads along.

Whatever logs through the standard library (uvicorn, aiohttp, asyncio) comes out the same way.
Locals of a traceback are never shown, and what looks like a key is hidden.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
TALKATIVE = ("uvicorn.error", "uvicorn.access", "aiohttp.access")
"""Loggers whose informational lines say what ours say."""

HIDDEN = "[hidden]"
_SECRET = re.compile(r"\b(hk-|sk-)[A-Za-z0-9_-]{6,}|(?<=[Bb]earer )[^\s\"',]+")
_encode = msgspec.json.Encoder(enc_hook=repr).encode


def configure(level: str, stream: TextIO | None = None) -> None:
    """Log to a stream from now on. To be called once, before the server starts.

    Args:
        level: the least important level that is written, such as ``info``.
        stream: stderr unless given; if it is a terminal, lines are for people.
    """
    stream = stream or sys.stderr
    renderer = _renderer(stream)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [structlog.processors.format_exc_info, hide_secrets, renderer]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=LEVELS[level], force=True)
    logging.captureWarnings(capture=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))


def quiet() -> None:
    """Log errors alone: for commands that say themselves what there is to say.

    With ``HOOKLINE_DEBUG`` set, log everything.
    """
    least = logging.DEBUG if os.environ.get("HOOKLINE_DEBUG") else logging.ERROR
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            hide_secrets,
            _for_people(sys.stderr),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_stderr,
        cache_logger_on_first_use=False,
    )


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Hide what looks like a key in an event."""
    return {name: _hidden(value) for name, value in event.items()}


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET.sub(lambda match: (match[1] or "") + HIDDEN, value)
    if isinstance(value, Mapping):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(item) for item in value]
    return value


def _stderr(*_: object) -> structlog.WriteLogger:
    return structlog.WriteLogger(sys.stderr)


def _renderer(stream: TextIO) -> Processor:
    return _for_people(stream) if stream.isatty() else _json


def _for_people(stream: TextIO) -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty() and "NO_COLOR" not in os.environ,
        exception_formatter=structlog.dev.plain_traceback,
        repr_native_str=True,  # what callers send must not reach the terminal as it is
    )


def _json(_: WrappedLogger, __: str, event: EventDict) -> str:
    """The event as JSON, with what one looks for first."""
    first = {name: event.pop(name, None) for name in ("timestamp", "level", "event")}
    line = {**first, **event}
    try:
        return _encode(line).decode()
    except (TypeError, ValueError):  # a lone surrogate, or a key that is no text
        return json.dumps(line, default=repr, skipkeys=True)
