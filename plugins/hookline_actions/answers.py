"""Answers: what a server said, for the model to read."""

import mimetypes
import re
from collections.abc import Iterable
from email.message import Message
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import msgspec

from hookline import Artifact, ToolResult
from hookline.outbound import Fetched
from hookline.redaction import Redaction

HIDDEN = "[secret]"
"""What stands where an answer repeats a credential."""

_TEXTS = re.compile(r"text/.*|application/(.*\+)?(xml|yaml|x-yaml|javascript|graphql)|"
                    r"application/x-www-form-urlencoded|image/svg\+xml")  # fmt: skip
_JSON = re.compile(r"(application|text)/(.*\+)?json")
_SHOWN = ("content-type", "content-length", "etag", "last-modified", "location", "link")
_UNSAFE = re.compile(r"[^\w.() -]+")


def result_of(
    fetched: Fetched, *, method: str, limit: int, secrets: Iterable[str] = ()
) -> ToolResult:
    """What the model is told. A status of 400 and above is a failure.

    Args:
        fetched: the answer.
        method: that was asked with.
        limit: characters of a text.
        secrets: that must not be repeated.
    """
    failed = fetched.status >= 400
    line = f"HTTP {fetched.status_line}"
    redact = Redaction(secrets, shown=HIDDEN)
    if method == "HEAD" or not fetched.body:
        headers = [f"{name}: {fetched.headers[name]}" for name in _SHOWN if name in fetched.headers]
        text = "\n".join([line, *headers])
        return ToolResult(redact(text), failed=failed)
    text_or_none = _text(fetched)
    if text_or_none is None:
        return _file(fetched, line, failed=failed)
    text = _cut(redact(text_or_none), limit, truncated=fetched.truncated)
    if failed or fetched.status >= 300:
        text = f"{line}\n{text}"
    return ToolResult(text, failed=failed)


def _text(fetched: Fetched) -> str | None:
    """The body as text, JSON without spaces; ``None`` if it is no text."""
    kind = fetched.content_type
    if not kind:
        guessed = fetched.body.lstrip()[:1] in (b"{", b"[")
        kind = "application/json" if guessed else "text/plain"
        if not guessed and not _readable(fetched.body):
            return None
    if _JSON.fullmatch(kind):
        try:
            return msgspec.json.encode(msgspec.json.decode(fetched.body)).decode()
        except (msgspec.DecodeError, RecursionError):
            return fetched.text()
    return fetched.text() if _TEXTS.fullmatch(kind) else None


def _readable(body: bytes) -> bool:
    try:
        return "\x00" not in body.decode()
    except UnicodeDecodeError:
        return False


def _cut(text: str, limit: int, *, truncated: bool) -> str:
    if len(text) > limit:
        return f"{text[:limit]}\n[truncated: the answer had {len(text)} characters or more]"
    return f"{text}\n[truncated: the answer was larger than it may be]" if truncated else text


def _file(fetched: Fetched, line: str, *, failed: bool) -> ToolResult:
    name, kind = _name(fetched), fetched.content_type or "application/octet-stream"
    if fetched.truncated:
        said = f"{line}: the answer ({kind}) is larger than it may be and was left out"
        return ToolResult(said, failed=True)
    said = f"{line}: the answer is the file {name} ({kind}, {len(fetched.body):,} bytes)"
    files = {"files": [{"name": name, "content": fetched.body}]}
    return ToolResult(said, [Artifact(kind="files", data=files, name=name)], failed=failed)


def _name(fetched: Fetched) -> str:
    """The name that the server gives, or the URL has; without a folder."""
    message = Message()
    message["content-disposition"] = fetched.headers.get("content-disposition", "")
    given = message.get_filename() or unquote(urlsplit(fetched.url).path)
    name = _UNSAFE.sub("_", PurePosixPath(given.replace("\\", "/")).name).strip(". ")[:120]
    name = name or "answer"
    if "." not in name:
        name += mimetypes.guess_extension(fetched.content_type) or ""
    return name
