"""What a model raised, in words that a client may read.

The integrations share no tree of errors, so an error is told by what most of them give it: a
status, a response, a name that speaks of a timeout.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from hookline.errors import (
    ContextOverflow,
    ProviderBroken,
    ProviderError,
    ProviderRefused,
    ProviderTimeout,
)
from hookline.overflow import too_long

MESSAGE_LIMIT = 2_000
SHORTEST_SECRET = 8
"""Shorter values of options are words, not secrets."""

_SECRET_WORDS = ("authorization", "credential", "key", "password", "secret", "token")
_STATUSES = range(400, 600)


def translated(error: Exception, provider: str, secrets: Collection[str]) -> ProviderError:
    """The error as one of the runtime's, with its status and without secrets."""
    status = _status(error)
    message = _message(error)
    text = _without(secrets, message)
    if _is_a(error, "ContextOverflow") or too_long(message, _codes(error), status):
        return ContextOverflow(text or type(error).__name__, status=status, reason=_reason(error))
    if status is not None:
        return ProviderRefused(
            text or f"the provider {provider} answered with status {status}",
            status=status,
            reason=_reason(error),
            retry_after=_retry_after(error),
        )
    if _is_a(error, "Timeout"):
        return ProviderTimeout(f"the provider {provider} did not answer in time")
    name = type(error).__name__
    return ProviderBroken(f"the provider {provider} failed: {text or name}")


def secrets_of(options: Mapping[str, Any], model: object = None) -> frozenset[str]:
    """What must not be seen: options that sound like a secret, and the model's own keys."""
    found = set(_secret_options(options, hidden=False))
    if isinstance(model, BaseModel):
        values = (getattr(model, name, None) for name in type(model).model_fields)
        found |= {value.get_secret_value() for value in values if isinstance(value, SecretStr)}
    return frozenset(text for text in found if len(text) >= SHORTEST_SECRET)


def _secret_options(value: Any, *, hidden: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            lower = str(name).lower()
            sounds_secret = any(word in lower for word in _SECRET_WORDS)
            yield from _secret_options(inner, hidden=hidden or sounds_secret)
    elif hidden and isinstance(value, str):
        yield value


def _without(secrets: Collection[str], text: str) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[hidden]")
    return text[:MESSAGE_LIMIT]


def _message(error: Exception) -> str:
    """The upstream's own sentence, where the error holds its body, else what the error says."""
    body = getattr(error, "body", None)
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        if isinstance(inner, Mapping) and isinstance(inner.get("message"), str):
            return str(inner["message"])
    return str(error)


def _status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    found = (
        getattr(holder, name, None)
        for holder in (error, response)
        for name in ("status_code", "status", "http_status", "code")
    )
    return next((value for value in found if type(value) is int and value in _STATUSES), None)


def _is_a(error: Exception, word: str) -> bool:
    """Whether its class, or one that it is derived from, has the word in its name."""
    return any(word in kind.__name__ for kind in type(error).__mro__)


def _codes(error: Exception) -> list[object]:
    """Codes and types, of the error and in its body."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    holder = inner if isinstance(inner, Mapping) else {}
    return [getattr(error, "code", None), holder.get("code"), holder.get("type")]


def _reason(error: Exception) -> str | None:
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else None


def _retry_after(error: Exception) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None)
    value = headers.get("retry-after") if isinstance(headers, Mapping) else None
    try:
        return max(0.0, float(value)) if value else None
    except (TypeError, ValueError):
        return None
