"""Contents: the bytes of an image or a file, however a tool gives them."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import unquote_to_bytes

from hookline.outbound import GuardedClient
from hookline_artifacts.failures import Unusable
from hookline_artifacts.settings import Settings

_DATA_URL = re.compile(r"data:[^,]*?(?P<base64>;base64)?,(?P<data>.*)", re.DOTALL | re.IGNORECASE)
_WEB = ("http://", "https://")


class Contents:
    """Reads contents. An async context manager: it holds connections to other servers.

    Args:
        client: fetches from other servers.
        settings: whether it may, and how much.
    """

    def __init__(self, client: GuardedClient, settings: Settings):
        self._client = client
        self._fetch = settings.fetch
        self._limits = settings.limits()

    async def __aenter__(self) -> Self:
        """Open the client."""
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close it."""
        await self._client.__aexit__(*exc)

    async def read(self, given: Mapping[str, Any]) -> bytes:
        """The bytes of ``content`` or ``data`` (bytes or Base64), or what ``url`` leads to.

        Raises:
            Unusable: there are none, or they cannot be read.
            OutboundError: they cannot be fetched.
        """
        inline = given.get("content", given.get("data"))
        if isinstance(inline, bytes | bytearray | memoryview):
            return bytes(inline)
        if isinstance(inline, str) and inline.lower().startswith("data:"):
            return _from_data_url(inline)
        if isinstance(inline, str):
            return from_base64(inline)
        url = given.get("url")
        if not isinstance(url, str):
            message = "it has neither content nor a URL"
            raise Unusable(message)
        return await self.at(url)

    async def at(self, url: str) -> bytes:
        """What a URL of the web leads to, or holds itself.

        Raises:
            Unusable: it is another kind of URL, or leads to an error.
            OutboundError: it cannot be fetched.
        """
        if url[:5].lower() == "data:":
            return _from_data_url(url)
        if not url.lower().startswith(_WEB):
            message = "its URL is none of the web"
            raise Unusable(message)
        if not self._fetch:
            message = "it is given as a URL, and [plugins.artifacts] fetch is off"
            raise Unusable(message)
        fetched = await self._client.request("GET", url, limits=self._limits)
        if fetched.status != 200:
            message = f"the server that it was fetched from answered with status {fetched.status}"
            raise Unusable(message)
        return fetched.body


def from_base64(text: str) -> bytes:
    """Bytes that were written in Base64; space between is no part of them.

    Raises:
        Unusable: they were not.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        message = "its content is no Base64"
        raise Unusable(message) from error


def _from_data_url(url: str) -> bytes:
    match = _DATA_URL.fullmatch(url)
    if match is None:
        message = "its data URL has no data"
        raise Unusable(message)
    return from_base64(match["data"]) if match["base64"] else unquote_to_bytes(match["data"])
