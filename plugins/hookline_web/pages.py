"""Answers of servers as text for a model."""

from hookline.charsets import text_of
from hookline.errors import RunError
from hookline.outbound import Fetched
from hookline.pages import Page, rendered

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXT = frozenset(
    {
        "application/json",
        "application/javascript",
        "application/ld+json",
        "application/toml",
        "application/x-ndjson",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
    }
)
_SUFFIXES = ("+json", "+xml", "+yaml")
_BEGINNINGS = ("<!doctype html", "<html")


class NotText(RunError):
    """What a server sent cannot be read as text."""

    code = "not_text"


def page_of(fetched: Fetched) -> Page:
    """The answer as text: HTML made readable, other text as it is.

    Raises:
        NotText: it is neither.
    """
    kind = fetched.content_type
    if kind in _HTML:
        return rendered(_text(fetched), fetched.url)
    if kind.startswith("text/") or kind in _TEXT or kind.endswith(_SUFFIXES):
        return Page("", _without_nul(_text(fetched), kind))
    if not kind:
        text = _without_nul(_text(fetched), "of an unnamed type")
        if text.lstrip()[:20].lower().startswith(_BEGINNINGS):
            return rendered(text, fetched.url)
        return Page("", text)
    message = f"the answer is {kind}, which is not text; only HTML, text, JSON and XML are read"
    raise NotText(message)


def _text(fetched: Fetched) -> str:
    named = fetched.headers.get("content-type", "")
    return text_of(fetched.body, named, whole=not fetched.truncated)


def _without_nul(text: str, kind: str) -> str:
    if "\x00" in text:
        message = f"the answer says it is {kind}, but it is not text"
        raise NotText(message)
    return text
