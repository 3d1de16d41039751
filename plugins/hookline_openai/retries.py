"""Trying again before the first token, when the upstream was too busy or not there."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import attrs
import stamina
from stamina.instrumentation import RetryDetails, RetryHook
from structlog.typing import FilteringBoundLogger

from hookline.errors import ProviderError
from hookline_openai.settings import OpenAISettings

ResultT = TypeVar("ResultT")


class Retryable(Exception):
    """An attempt failed in a way that another one may not; ``error`` says how."""

    def __init__(self, error: ProviderError):
        super().__init__(type(error).__name__)
        self.error = error


@attrs.frozen
class Retries:
    """Attempts in the name of one provider."""

    _provider: str
    _settings: OpenAISettings
    _logger: FilteringBoundLogger

    async def run(self, attempt_once: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """The result of the first attempt that does not raise ``Retryable``.

        Raises:
            ProviderError: that of the last attempt, or of one that asks for a longer pause than
                ``retry_after_max``.
        """
        try:
            return await attempt_once()
        except Retryable as error:
            first = error
        try:
            return await self._again(attempt_once, first)
        except Retryable as last:
            raise last.error from last.__cause__

    async def _again(
        self, attempt_once: Callable[[], Awaitable[ResultT]], failure: Retryable
    ) -> ResultT:
        """All attempts but the first, which is made without stamina: its loop costs 60 µs."""
        settings = self._settings
        async for attempt in stamina.retry_context(
            on=self._pause,
            attempts=settings.retries + 1,
            timeout=None,
            wait_initial=settings.retry_wait_initial,
            wait_max=settings.retry_wait_max,
            wait_jitter=settings.retry_wait_initial,
        ):
            with attempt:
                if attempt.num == 1:
                    raise failure
                self._log(failure.error, attempt.num)
                try:
                    return await attempt_once()
                except Retryable as error:
                    failure = error
                    raise
        raise failure  # not reached: stamina raises the last failure itself

    def _pause(self, error: Exception) -> bool | float:
        """Whether to try again, and after how many seconds if the upstream has said so."""
        if not isinstance(error, Retryable):
            return False
        asked = error.error.retry_after
        if asked is None:
            return True
        return asked if asked <= self._settings.retry_after_max else False

    def _log(self, error: ProviderError, attempt: int) -> None:
        self._logger.warning(
            "provider.retried",
            provider=self._provider,
            attempt=attempt,
            code=error.code,
            status=error.status,
            retry_after=error.retry_after,
        )


@attrs.frozen
class _Others:
    """A hook of stamina's that is not told of our retries: they are in the log already."""

    hook: RetryHook

    def __call__(self, details: RetryDetails) -> AbstractContextManager[None] | None:
        if isinstance(details.caused_by, Retryable):
            return None
        return self.hook(details)


def log_once() -> None:
    """Keep stamina from logging, in its own words, the retries that are logged here.

    Its hooks are one setting of the process, so those that are there stay, for everybody else.
    """
    hooks = stamina.instrumentation.get_on_retry_hooks()
    if all(isinstance(hook, _Others) for hook in hooks):
        return
    stamina.instrumentation.set_on_retry_hooks(
        [hook if isinstance(hook, _Others) else _Others(hook) for hook in hooks]
    )
