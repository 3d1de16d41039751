"""Logs: one line an event on stderr, as JSON, or in colours where a person reads along.

Whatever logs through the standard library (uvicorn, aiohttp, asyncio) comes out the same way.
Locals of a traceback are never shown, and secrets are hidden.
"""

import json
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from hookline_api.redaction import Redaction

LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
TALKATIVE = ("uvicorn.error", "uvicorn.access", "aiohttp.access")
"""Loggers whose informational lines say what ours say."""

_encode = msgspec.json.Encoder(enc_hook=repr).encode


def configure(level: str, stream: TextIO | None = None, secrets: Iterable[str] = ()) -> None:
    """Log to a stream from now on. To be called once, before the server starts.

    Args:
        level: the least important level that is written, such as ``info``.
        stream: stderr unless given; if it is a terminal, lines are for people.
        secrets: values that are never written, besides all that looks like one.
    """
    stream = stream or sys.stderr
    renderer = _renderer(stream)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    redaction = Redaction(secrets)
    last: list[Processor] = [structlog.processors.format_exc_info, redaction, renderer]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,  # who configures logs anew is heard
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
            Redaction(),
            _for_people(sys.stderr),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_stderr,
        cache_logger_on_first_use=False,
    )


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
