"""What went wrong upstream, in words that a client may read."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import attrs
import msgspec

from hookline.errors import (
    ContextOverflow,
    ProviderBroken,
    ProviderError,
    ProviderRefused,
    ProviderTimeout,
)
from hookline.overflow import too_long
from hookline_openai.settings import OpenAISettings

MESSAGE_LIMIT = 2_000
ERROR_STATUSES = range(400, 600)
SHORTEST_SECRET = 8
"""Values of extra headers that are shorter are words, not secrets."""


@attrs.frozen
class Failures:
    """Makes errors in the name of one provider. None of them holds a secret of its settings."""

    provider: str
    _secrets: tuple[str, ...] = attrs.field(repr=False)

    @classmethod
    def of(cls, provider: str, settings: OpenAISettings) -> "Failures":
        """Those of the provider with this name."""
        values = [v for v in settings.headers.values() if len(v) >= SHORTEST_SECRET]
        secrets = {settings.api_key, *values} - {""}
        return cls(provider, tuple(sorted(secrets, key=len, reverse=True)))

    def broken(self, what: str) -> ProviderBroken:
        """It could not be reached, or its answer could not be understood."""
        return ProviderBroken(f"the provider {self.provider} {what}")

    def late(self, what: str) -> ProviderTimeout:
        """It did not answer in time."""
        return ProviderTimeout(f"the provider {self.provider} {what}")

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderRefused:
        """It answered with a status other than success."""
        message, code, kind = _said(_decoded(body))
        refused = ContextOverflow if too_long(message, (code, kind), status) else ProviderRefused
        return refused(
            self._clean(message) or self._about(status),
            status=status,
            reason=self._clean(code) if isinstance(code, str) else None,
            retry_after=seconds_until(headers.get("Retry-After")),
        )

    def reported(self, error: Any) -> ProviderError:
        """It told of an error in the middle of its answer."""
        message, code, kind = _said({"error": error})
        text = self._clean(message) or f"the provider {self.provider} reported an error"
        status = code if type(code) is int and code in ERROR_STATUSES else None
        reason = self._clean(code) if isinstance(code, str) else None
        if too_long(message, (code, kind), status):
            return ContextOverflow(text, status=status, reason=reason)
        if status is not None:
            return ProviderRefused(text, status=status)
        return ProviderBroken(text, reason=reason)

    def _about(self, status: int) -> str:
        text = f"the provider {self.provider} answered with status {status}"
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return f"{text}, a redirect, which is not followed: correct its base_url"
        return text

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[hidden]")
        return text[:MESSAGE_LIMIT]


def seconds_until(retry_after: str | None) -> float | None:
    """What a ``Retry-After`` header asks for, in seconds or as a date; ``None`` if nothing."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        if moment.tzinfo is None:  # "-0000" says UTC without saying it
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _said(body: Any) -> tuple[str, Any, Any]:
    """The message, the code and the type in an error body, of whatever shape."""
    if isinstance(body, list) and body:  # Gemini
        body = body[0]
    if not isinstance(body, dict):
        return "", None, None
    error = body.get("error") or body
    if not isinstance(error, dict):
        return (error if isinstance(error, str) else ""), None, body.get("error_type")
    words = (error.get(name) for name in ("message", "detail"))
    message = next((word for word in words if word and isinstance(word, str)), "")
    return message, error.get("code"), error.get("type")
