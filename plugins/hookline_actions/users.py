"""Users' tokens: renewed in time, each by one server at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import attrs
import msgspec

from hookline.errors import VersionConflict
from hookline.records import Record
from hookline_actions.failures import NotLoggedIn, TokenRefused
from hookline_actions.logins import LoginPlan, Logins, token_id
from hookline_actions.oauth import Token, TokenEndpoint
from hookline_actions.requests import Request
from hookline_actions.signing import Signed, with_bearer

LEASES = "actions.renewals"
LEASE = timedelta(seconds=30)
"""How long a server that dies keeps others from renewing a token."""

_PAUSE = 0.1
_FINAL = frozenset({"invalid_grant", "invalid_token"})
"""What a server says of a refresh token that it will never take again."""


class LoginSigner:
    """Puts the token of the user into requests for whom the run is.

    A refresh token often works once, and used twice it ends all of the login; so whoever renews
    holds a lease in the store.
    """

    def __init__(self, logins: Logins, plan: LoginPlan, endpoint: TokenEndpoint):
        self._logins = logins
        self._plan = plan
        self._endpoint = endpoint

    async def sign(self, request: Request, user: str) -> Signed:
        """The request with the user's token, renewed if it must be.

        Raises:
            NotLoggedIn: there is none that works.
            TokenRefused: it could not be renewed just now.
        """
        found = await self._find(user)
        if found is None:
            raise await self._not_logged_in(user)
        version, token = found
        if not token.good(self._endpoint.clock()):
            token = await self._renewed(user, version)
        return with_bearer(request, token.access)

    async def renew(self, user: str, signed: Signed) -> bool:
        """Renew the token that was refused, unless there is a newer one already.

        Raises:
            NotLoggedIn: it cannot be renewed.
            TokenRefused: it could not be renewed just now.
        """
        found = await self._find(user)
        if found is None:
            raise await self._not_logged_in(user)
        version, token = found
        if token.access in signed.secrets:
            await self._renewed(user, version)
        return True

    async def _find(self, user: str) -> tuple[int, Token] | None:
        return await self._logins.token(token_id(self._plan, user))

    async def _renewed(self, user: str, version: int) -> Token:
        """A newer token than that of this version."""
        async with self._lease(token_id(self._plan, user), user):
            found = await self._find(user)
            if found is None:
                raise await self._not_logged_in(user)
            current, token = found
            if current != version:  # another server was quicker
                return token
            if not token.refresh:
                await self._forget(user, version)
                raise await self._not_logged_in(user)
            return await self._exchange(user, version, token)

    async def _exchange(self, user: str, version: int, token: Token) -> Token:
        form = {"grant_type": "refresh_token", "refresh_token": token.refresh}
        try:
            newer = await self._endpoint.ask(form)
        except TokenRefused as error:
            if error.reason not in _FINAL:
                raise
            await self._forget(user, version)
            raise await self._not_logged_in(user) from error
        newer = msgspec.structs.replace(newer, refresh=newer.refresh or token.refresh)
        try:
            await self._logins.keep(token_id(self._plan, user), user, newer, expected=version)
        except VersionConflict:  # the user logged in anew meanwhile: that token stays
            return newer
        return newer

    async def _forget(self, user: str, version: int) -> None:
        await self._logins.forget(token_id(self._plan, user), expected=version)

    async def _not_logged_in(self, user: str) -> NotLoggedIn:
        return NotLoggedIn(self._plan.document, await self._logins.begin(self._plan, user))

    @asynccontextmanager
    async def _lease(self, id_: str, user: str) -> AsyncIterator[None]:
        """Be the only one who renews a token. Waiting ends with the deadline of the call."""
        records = self._logins.records
        held = await self._hold(Record(collection=LEASES, id=id_, owner=user, data=b""))
        try:
            yield
        finally:
            with suppress(VersionConflict):  # it ran out, and is another's now
                await records.delete(LEASES, id_, expected=held.version)

    async def _hold(self, lease: Record) -> Record:
        while True:
            until = self._logins.clock() + LEASE
            try:
                return await self._logins.records.put(
                    attrs.evolve(lease, expires_at=until), expected=0
                )
            except VersionConflict:
                await asyncio.sleep(_PAUSE)
