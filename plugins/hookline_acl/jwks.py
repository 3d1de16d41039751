"""The public keys of an issuer of tokens, fetched when they are needed and kept for a while."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import attrs
import msgspec
from structlog.typing import FilteringBoundLogger

from hookline.errors import PartUnavailable

BODY_LIMIT = 1_000_000
"""Bytes of a document of the issuer."""
KEYS_LIMIT = 100
"""How many keys of an issuer are kept. Source: seed 5.6."""
STALE_SECONDS = 3_600.0
"""How long keys are used that could not be fetched anew."""
PAUSE_SECONDS = 5.0
"""Between two fetches, however many unknown key ids come, and however often they fail."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@attrs.frozen
class Algorithm:
    """What a signature algorithm demands of a key: its type, and the curve if it has one."""

    type: str
    curve: str | None = None


ALGORITHMS: Mapping[str, Algorithm] = {
    **{f"{family}{bits}": Algorithm("RSA") for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": Algorithm("EC", "P-256"),
    "ES384": Algorithm("EC", "P-384"),
    "ES512": Algorithm("EC", "P-521"),
}
"""Algorithms with a public key alone: nobody can sign with what everybody can read."""


@attrs.frozen(eq=False)
class PublicKey:
    """A JSON Web Key, and what was made of it to check signatures with, by algorithm."""

    data: Mapping[str, Any]
    prepared: dict[str, Any] = attrs.field(factory=dict)

    def fits(self, algorithm: str) -> bool:
        """Whether it is for an algorithm."""
        wanted, data = ALGORITHMS[algorithm], self.data
        return (
            data.get("kty") == wanted.type
            and data.get("alg") in {None, algorithm}
            and (wanted.curve is None or data.get("crv") == wanted.curve)
        )


Keys = Mapping[str | None, PublicKey]
"""Keys by their ids; under ``None`` the only one, if there is but one."""


class IssuerBroken(Exception):
    """What the issuer answered cannot be used; the text says what."""


class KeySet:
    """Finds keys by id. An async context manager.

    Args:
        issuer: whose keys; they are found by its OpenID configuration.
        uri: where they are, if that need not be found.
        timeout: of one fetch, in seconds.
        fresh: seconds after which they are fetched again.
        logger: for what fails.
        ticks: seconds that only go forward.
    """

    def __init__(
        self,
        issuer: str,
        uri: str | None,
        *,
        timeout: float,
        fresh: float,
        logger: FilteringBoundLogger,
        ticks: Callable[[], float] = time.monotonic,
    ):
        self._issuer = issuer
        self._uri = uri
        self._timeout = timeout
        self._fresh = fresh
        self._logger = logger
        self._ticks = ticks
        self._lock = asyncio.Lock()
        self._keys: Keys = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._session: aiohttp.ClientSession | None = None

    async def find(self, kid: str | None) -> PublicKey | None:
        """The key with this id; without an id, the only key that there is.

        Raises:
            PartUnavailable: the issuer cannot be asked, and what it said is too old.
        """
        if self._age(self._fetched) >= self._fresh:
            await self._refresh()
        if kid not in self._keys:
            await self._refresh()
        if self._age(self._fetched) >= max(self._fresh, STALE_SECONDS):
            message = "the keys of the issuer of tokens cannot be had; try again later"
            raise PartUnavailable(message)
        return self._keys.get(kid)

    async def __aenter__(self) -> Self:
        """Be ready to fetch; nothing is fetched yet."""
        limit = aiohttp.ClientTimeout(total=self._timeout)
        self._session = aiohttp.ClientSession(timeout=limit, raise_for_status=False)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()

    def _age(self, moment: float | None) -> float:
        return float("inf") if moment is None else self._ticks() - moment

    async def _refresh(self) -> None:
        """Fetch the keys, unless somebody just did or tried to."""
        async with self._lock:
            if self._age(self._tried) < PAUSE_SECONDS:
                return
            try:
                self._keys = await self._fetch()
                self._fetched = self._ticks()
            except (aiohttp.ClientError, TimeoutError, OSError, IssuerBroken) as error:
                text = str(error) or type(error).__name__
                self._logger.warning("tokens.keys_not_fetched", issuer=self._issuer, error=text)
            finally:
                self._tried = self._ticks()

    async def _fetch(self) -> Keys:
        uri = self._uri or await self._discover()
        document = await self._get(uri)
        listed = document.get("keys")
        if not isinstance(listed, list) or len(listed) > KEYS_LIMIT:
            message = f"{uri} has no list of at most {KEYS_LIMIT} keys"
            raise IssuerBroken(message)
        usable = [
            PublicKey(key) for key in listed if isinstance(key, dict) and key.get("use") != "enc"
        ]
        keys: dict[str | None, PublicKey] = {
            key.data["kid"]: key for key in usable if isinstance(key.data.get("kid"), str)
        }
        if len(usable) == 1:
            keys[None] = usable[0]
        return keys

    async def _discover(self) -> str:
        place = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        document = await self._get(place)
        uri = document.get("jwks_uri")
        if document.get("issuer") != self._issuer:
            message = f"{place} is of another issuer"
            raise IssuerBroken(message)
        if not isinstance(uri, str) or not trustworthy(uri):
            message = f"{place} names no https place of its keys"
            raise IssuerBroken(message)
        return uri

    async def _get(self, uri: str) -> Mapping[str, Any]:
        if self._session is None:
            message = "it is not entered"
            raise IssuerBroken(message)
        async with self._session.get(uri, allow_redirects=False) as answer:
            if answer.status != 200:
                message = f"{uri} answered {answer.status}"
                raise IssuerBroken(message)
            body = await answer.content.read(BODY_LIMIT + 1)
            while len(body) <= BODY_LIMIT and not answer.content.at_eof():
                body += await answer.content.read(BODY_LIMIT + 1 - len(body))
        if len(body) > BODY_LIMIT:
            message = f"{uri} answered more than {BODY_LIMIT} bytes"
            raise IssuerBroken(message)
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            message = f"{uri} answered no JSON object"
            raise IssuerBroken(message) from error


def trustworthy(uri: str) -> bool:
    """Whether what is fetched there cannot be changed on the way: https, or on this machine."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username or parts.password:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
