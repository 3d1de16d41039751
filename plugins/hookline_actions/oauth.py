"""OAuth 2: tokens of the server itself, and what both flows have in common. Source: RFC 6749."""

import asyncio
import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

import attrs
import msgspec

from hookline.outbound import Body, GuardedClient, Limits, OutboundError
from hookline_actions.failures import TokenRefused
from hookline_actions.requests import Request
from hookline_actions.settings import ClientCredential, OAuthCredential
from hookline_actions.signing import Signed, with_bearer

MARGIN = timedelta(seconds=30)
"""How long before its end a token is no longer used."""

_LIMITS = Limits(total=20.0, size=200_000)
_CODE = re.compile(r"[a-z_]{1,60}")


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token, as it is kept. ``expires_at`` is ``None`` where the server does not say."""

    access: str
    refresh: str = ""
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return "Token(...)"

    def good(self, at: datetime) -> bool:
        """Whether it can still be used."""
        return self.expires_at is None or at + MARGIN < self.expires_at


class _Answer(msgspec.Struct, frozen=True):
    access_token: str
    refresh_token: str = ""
    expires_in: float | None = None
    token_type: str = "bearer"


@attrs.frozen(kw_only=True)
class TokenEndpoint:
    """Where tokens are asked for, and as whom.

    Args:
        name: of the document, for messages.
    """

    name: str
    url: str
    credential: OAuthCredential = attrs.field(repr=False)
    client: GuardedClient
    clock: Callable[[], datetime]

    async def ask(self, form: Mapping[str, str]) -> Token:
        """A token for a grant.

        Raises:
            TokenRefused: there is none; ``reason`` is the server's own code, if it gave one.
        """
        credential = self.credential
        fields, headers = dict(form), {"Accept": "application/json"}
        if credential.client_secret and credential.client_auth == "basic":
            pair = (
                f"{quote(credential.client_id, safe='')}:{quote(credential.client_secret, safe='')}"
            )
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            fields["client_id"] = credential.client_id
            if credential.client_secret:
                fields["client_secret"] = credential.client_secret
        began = self.clock()
        try:
            fetched = await self.client.request(
                "POST", self.url, headers=headers, body=Body.form([*fields.items()]), limits=_LIMITS
            )
        except OutboundError as error:
            message = f"No token for {self.name}: {error}"
            raise TokenRefused(message) from error
        if fetched.status != 200:
            raise self._refused(fetched.status, fetched.body)
        try:
            answer = msgspec.json.decode(fetched.body, type=_Answer, strict=False)
        except (msgspec.DecodeError, RecursionError):
            message = f"No token for {self.name}: the server's answer cannot be read"
            raise TokenRefused(message) from None
        lasts = answer.expires_in
        return Token(
            access=answer.access_token,
            refresh=answer.refresh_token,
            expires_at=None if lasts is None else began + timedelta(seconds=min(lasts, 1e9)),
        )

    def _refused(self, status: int, body: bytes) -> TokenRefused:
        try:
            reason = msgspec.json.decode(body)["error"]
        except (msgspec.DecodeError, RecursionError, KeyError, TypeError, IndexError):
            reason = ""
        reason = reason if isinstance(reason, str) and _CODE.fullmatch(reason) else ""
        said = f" ({reason})" if reason else ""
        return TokenRefused(
            f"No token for {self.name}: its server answered HTTP {status}{said}", reason=reason
        )


class ClientSigner:
    """The server's own token, asked for when it is needed and used until shortly before its end.

    Args:
        endpoint: where it is asked for.
        scopes: that it shall have.
    """

    def __init__(self, endpoint: TokenEndpoint, scopes: Sequence[str]):
        self._endpoint = endpoint
        self._scopes = scopes
        self._token: Token | None = None
        self._asking = asyncio.Lock()

    async def sign(self, request: Request, user: str) -> Signed:
        """The request with the token."""
        async with self._asking:
            if self._token is None or not self._token.good(self._endpoint.clock()):
                self._token = await self._ask()
            return with_bearer(request, self._token.access)

    async def renew(self, user: str, signed: Signed) -> bool:
        """Forget the token that was refused, unless there is a newer one already."""
        if self._token is not None and self._token.access in signed.secrets:
            self._token = None
        return True

    async def _ask(self) -> Token:
        form = {"grant_type": "client_credentials"}
        if self._scopes:
            form["scope"] = " ".join(self._scopes)
        credential = self._endpoint.credential
        more = credential.parameters if isinstance(credential, ClientCredential) else {}
        return await self._endpoint.ask({**form, **more})
