"""Redaction: what is not written to a log, however it gets into an event.

A value is hidden by the name that it stands under, by what it looks like, and if it is one of the
secrets of the config. What is looked for takes time in proportion to the text: texts may come from
callers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from structlog.typing import EventDict, WrappedLogger

from hookline import redaction
from hookline.redaction import HIDDEN

SHORTEST = 6
"""Characters of a secret of the config that is looked for: shorter ones are in any text."""

DEEPEST = 16
"""Levels of a value that are looked through; what lies deeper is not written."""

LONGEST = 50_000
"""Characters of one text that are written: looking through more would hold up the server."""

CUT = "… [cut]"
_NAMES = (
    "authorization", "api[-_ ]?keys?", "private[-_]?key", "access[-_]?key", "token", "secrets?",
    "passw(?:or)?d", "passphrase", "credentials?", "cookies?", "signature",
)  # fmt: skip
_NAME = re.compile(rf"(?:{'|'.join(_NAMES)})\Z", re.IGNORECASE)
_SEPARATOR = r"\\?[\"']?\s{0,3}[=:]\s{0,3}\\?"
_PASSWORD = re.compile(r"://[^\s/?#@:]*:([^\s/?#]+)@")
_KEYS = re.compile(r"\b(hk-|sk-)[A-Za-z0-9_-]{6,}")
_WEB_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_.-]+")
_HEADER = re.compile(rf"((?:authorization|cookie){_SEPARATOR}[\"']?)[^\r\n\"']+", re.IGNORECASE)
_SCHEME = re.compile(r"\b(bearer |basic (?=[^\s\"',]{8}))[^\s\"',]+", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"((?:{'|'.join(_NAMES)}|(?<=[?&])key){_SEPARATOR}(?P<quote>[\"'])?)"
    r"(?(quote)(?:\\.|(?!(?P=quote))[^\r\n\\])+|[^\s\"'\\&,;)}]+)",
    re.IGNORECASE,
)
_USER = re.compile(r"(?<=://)[^\s/?#\"'<>]+@")
_LOOKS: Sequence[tuple[Sequence[str], re.Pattern[str], str]] = (
    (("hk-", "sk-"), _KEYS, rf"\1{HIDDEN}"),
    (("eyj",), _WEB_TOKEN, HIDDEN),
    (("authorization", "cookie"), _HEADER, rf"\1{HIDDEN}"),
    (("bearer", "basic"), _SCHEME, rf"\1{HIDDEN}"),
    (
        ("author", "cookie", "key", "token", "secret", "passw", "passp", "credential", "signature"),
        _ASSIGNED,
        rf"\1{HIDDEN}",
    ),
    (("://",), _USER, f"{HIDDEN}@"),
)
"""What secrets look like, what is shown in their place, and, as most texts have none, small letters
of which some are in each text that has one."""


class Redaction:
    """Hides secrets in events; a processor of structlog's.

    Args:
        secrets: values that are hidden wherever they are.
    """

    def __init__(self, secrets: Iterable[str] = ()):
        self._known = redaction.Redaction(secrets, shortest=SHORTEST)

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """The event without secrets."""
        return {name: self._named(name, value, 0) for name, value in event.items()}

    def text(self, text: str) -> str:
        """A text without secrets, or its beginning."""
        if len(text) > LONGEST:
            text = text[:LONGEST] + CUT
        text = self._known(text)
        lowered = text.lower()
        for words, look, shown in _LOOKS:
            for word in words:  # each event comes this way: no generator
                if word in lowered:
                    text = look.sub(shown, text)
                    break
        return text

    def _named(self, name: object, value: Any, depth: int) -> Any:
        empty = value is None or isinstance(value, bool) or (isinstance(value, str) and not value)
        if isinstance(name, str) and not empty and is_secret(name):
            return HIDDEN
        return self._hidden(value, depth)

    def _hidden(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth >= DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            return {key: self._named(key, item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._hidden(item, depth + 1) for item in value]
        return self._hidden(_plain(value), depth + 1)


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Whether what stands under this name is a secret."""
    return _NAME.search(name) is not None


def secrets_of(tables: Any, name: str = "") -> set[str]:
    """The secrets among a config's tables: texts under such a name, and passwords in URLs.

    Args:
        tables: as JSON has them.
        name: what they stand under.
    """
    match tables:
        case Mapping():
            return set().union(*(secrets_of(item, str(key)) for key, item in tables.items()))
        case list() | tuple():
            return set().union(*(secrets_of(item, name) for item in tables))
        case str() if is_secret(name):
            return {tables}
        case str():
            return set(_PASSWORD.findall(tables))
        case _:
            return set()


def _plain(value: Any) -> Any:
    """A value as JSON has it, or else as Python shows it."""
    try:
        return msgspec.to_builtins(value, enc_hook=repr)
    except Exception:  # noqa: BLE001  whatever is logged must not fail
        return repr(value)
