"""Reading a response, for as long as its upstream goes on in time."""

import asyncio
import math
from contextlib import suppress

import aiohttp

from hookline_openai.failures import Failures
from hookline_openai.settings import OpenAISettings

LAST_BYTES = 1.0
"""Seconds in which an answer that is complete may end, so that its connection can be used again."""


class Reader:
    """The bytes of a response.

    A time-out around each read would cost more than decoding what was read. So there is one timer
    for the response, which looks at ``_deadline`` now and then. It never looks too late: it runs
    at least every ``token_timeout``, and nothing else moves the deadline forward.
    """

    __slots__ = (
        "_begun",
        "_deadline",
        "_due",
        "_expired",
        "_failures",
        "_loop",
        "_settings",
        "_timer",
        "response",
    )

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        first_token_due: float,
        settings: OpenAISettings,
        failures: Failures,
    ):
        self.response = response
        self._settings = settings
        self._failures = failures
        self._loop = asyncio.get_running_loop()
        self._due = first_token_due
        self._deadline = math.inf  # the reader's own time does not count
        self._begun = False
        self._expired = False
        first_look = min(first_token_due, self._loop.time() + settings.token_timeout)
        self._timer = self._loop.call_at(first_look, self._look)

    async def read(self) -> bytes:
        """The next bytes; empty at the end.

        Raises:
            ProviderTimeout: no token came in time; the connection is closed.
            ProviderBroken: the connection was lost.
        """
        self._deadline = self._due
        try:
            return await self.response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            if self._expired:
                raise self._failures.late(self._lateness()) from error
            text = "ended before the model had finished"
            raise self._failures.broken(text) from error
        finally:
            self._deadline = math.inf

    def token_came(self) -> None:
        """Wait for the next one anew, from now on."""
        self._begun = True
        self._due = self._loop.time() + self._settings.token_timeout

    async def finish(self) -> None:
        """Read to the end, which is due now, so that the connection goes back into the pool."""
        if self.response.content.at_eof():
            return
        with suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with asyncio.timeout(LAST_BYTES):
                while await self.response.content.readany():
                    pass

    def close(self) -> None:
        """Close the connection at once, unless the response was read to its end."""
        self._timer.cancel()
        self.response.close()

    def _look(self) -> None:
        left = self._deadline - self._loop.time()
        if left > 0:
            pause = min(left, self._settings.token_timeout)
            self._timer = self._loop.call_later(pause, self._look)
            return
        self._expired = True
        self.response.close()  # wakes the reader

    def _lateness(self) -> str:
        if self._begun:
            return f"paused for more than {self._settings.token_timeout:g} s between two tokens"
        return first_token_late(self._settings)


def first_token_late(settings: OpenAISettings) -> str:
    """What is wrong when the first token does not come."""
    return f"sent no first token within {settings.first_token_timeout:g} s"
