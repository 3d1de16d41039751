"""The provider: one pooled session, and answers that stream out of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from http import HTTPStatus
from typing import Self

import aiohttp
import structlog
from structlog.typing import FilteringBoundLogger

from hookline.errors import ContextOverflow, ProviderError
from hookline.providers import ModelDelta, ModelRequest
from hookline_openai.answer import Answer
from hookline_openai.body import PARAMETERS, encode
from hookline_openai.failures import Failures
from hookline_openai.reader import Reader, first_token_late
from hookline_openai.retries import Retries, Retryable, log_once
from hookline_openai.settings import OpenAISettings
from hookline_openai.sse import EventStream, WholeBody
from hookline_openai.vendors import vendor_at

KEEPALIVE = 60.0
"""Seconds for which an idle connection is kept."""

ERROR_BODY_LIMIT = 64 * 1024
"""Bytes of an error's body that are read."""

ERROR_BODY_TIME = 5.0
"""Seconds in which it is read."""

SERVER_FAULT = HTTPStatus.INTERNAL_SERVER_ERROR


class OpenAIProvider:
    """Models behind an OpenAI-compatible API. An async context manager: it holds connections.

    Attributes:
        vendor: who sells the models, as price lists call them; ``None`` if that is unknown.
        images: whether they see images.
    """

    parameters: frozenset[str] = PARAMETERS

    def __init__(
        self, name: str, settings: OpenAISettings, logger: FilteringBoundLogger | None = None
    ):
        self.vendor = settings.vendor or vendor_at(settings.base_url)
        self.images = settings.sees
        self._settings = settings
        self._url = settings.base_url.rstrip("/") + "/chat/completions"
        self._failures = Failures.of(name, settings)
        logger = logger or structlog.get_logger("hookline.plugins.openai")
        self._retries = Retries(name, settings, logger)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session. Connections are made when they are needed."""
        log_once()
        settings = self._settings
        # Waiting for one of a limited number of connections is no failure of the upstream's.
        connect = None if settings.max_connections else settings.connect_timeout
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=settings.max_connections, keepalive_timeout=KEEPALIVE
            ),
            timeout=aiohttp.ClientTimeout(
                total=None, connect=connect, sock_connect=settings.connect_timeout
            ),
            headers=_headers(settings),
            cookie_jar=aiohttp.DummyCookieJar(),  # one caller's cookie is not for the next
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelDelta, None]:
        """The answer, piece by piece. Closing the iterator closes the upstream's connection.

        Raises:
            ProviderError: after the deltas, and the usage, that came before the failure.
        """
        body = encode(request, self._settings)
        reader = await self._retries.run(lambda: self._begin(body))
        try:
            payloads = self._payloads(reader.response)
            answer = Answer(payloads, self._failures, self._settings.cached_tokens)
            try:
                while not answer.over and (data := await reader.read()):
                    deltas = answer.feed(data)
                    if deltas:
                        for delta in deltas:
                            yield delta
                        reader.token_came()
            except ProviderError as error:
                answer.lost(error)
            for delta in answer.end():
                yield delta
            if answer.failure is not None:
                raise answer.failure
            await reader.finish()
        finally:
            reader.close()

    async def _begin(self, body: bytes) -> Reader:
        """Send the request once, and wait for an answer that is not an error.

        Raises:
            Retryable: nothing was answered, or an error that may pass.
            ProviderError: any other failure.
        """
        if self._session is None:
            message = "the provider must be entered (async with) before it can stream"
            raise RuntimeError(message)
        settings, failures = self._settings, self._failures
        due = asyncio.get_running_loop().time() + settings.first_token_timeout
        try:
            async with asyncio.timeout_at(due):
                response = await self._session.post(self._url, data=body, allow_redirects=False)
        except aiohttp.ConnectionTimeoutError as error:
            text = f"could not be connected to within {settings.connect_timeout:g} s"
            raise Retryable(failures.late(text)) from error
        except TimeoutError as error:
            raise failures.late(first_token_late(settings)) from error
        except aiohttp.ClientConnectorError as error:
            raise Retryable(failures.broken("could not be reached")) from error
        except (aiohttp.ClientConnectionError, OSError) as error:
            text = "closed the connection before it answered"
            raise Retryable(failures.broken(text)) from error
        except aiohttp.ClientError:
            # Not chained: the repr of aiohttp's error holds the request's headers.
            text = "sent an answer that is not HTTP"
            raise failures.broken(text) from None
        if response.status != HTTPStatus.OK:
            raise await self._refusal(response)
        return Reader(response, due, settings, failures)

    async def _refusal(self, response: aiohttp.ClientResponse) -> ProviderError | Retryable:
        """What an error's status and body say."""
        try:
            body = await _beginning(response)
        finally:
            response.close()
        error = self._failures.refused(response.status, response.headers, body)
        passing = response.status == HTTPStatus.TOO_MANY_REQUESTS or response.status >= SERVER_FAULT
        if isinstance(error, ContextOverflow):
            passing = False  # llama.cpp said so with 500; it is no shorter the second time
        return Retryable(error) if passing else error

    def _payloads(self, response: aiohttp.ClientResponse) -> EventStream | WholeBody:
        limit = self._settings.max_event_bytes
        if response.content_type == "application/json":
            return WholeBody(limit)
        return EventStream(limit)


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """The beginning of a body; what came of it if the upstream breaks off or dawdles."""
    body = bytearray()
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(ERROR_BODY_TIME):
            while len(body) < ERROR_BODY_LIMIT and (data := await response.content.readany()):
                body += data
    return bytes(body[:ERROR_BODY_LIMIT])


def _headers(settings: OpenAISettings) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream, application/json",
        "accept-encoding": "identity",  # a compressed stream comes late
        "user-agent": "hookline",
    }
    if settings.api_key:
        headers["authorization"] = f"Bearer {settings.api_key}"
    if settings.organization:
        headers["openai-organization"] = settings.organization
    if settings.project:
        headers["openai-project"] = settings.project
    return headers | {name.lower(): value for name, value in settings.headers.items()}
