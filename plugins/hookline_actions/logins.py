"""Logins: users log in to a document's server, once, and what they get is kept for them.

OAuth 2's authorization code with PKCE (RFC 7636). A link is for one user, works once and for a
short time, and its page says for whom it is. What a login needs is kept sealed under the hash of
its state; so any server can finish what another one began.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

import attrs
import msgspec

from hookline.errors import VersionConflict
from hookline.outbound import GuardedClient, Targets
from hookline.records import Record, RecordStore
from hookline.vault import SealBroken, Vault
from hookline_actions.oauth import Token, TokenEndpoint
from hookline_actions.settings import LoginCredential

LOGINS = "actions.logins"
TOKENS = "actions.tokens"
LOGIN_PATH = "/actions/login"
CALLBACK_PATH = "/actions/callback"


class LoginGone(Exception):
    """The link was used already, is too old, or never was one."""


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to finish a login. Kept sealed, for as long as the link works."""

    document: str
    scheme: str
    user: str
    authorization_url: str
    token_url: str
    credential: LoginCredential
    scopes: list[str]
    verifier: str
    redirect_uri: str
    allowed_domains: list[str]
    allow_private: list[str]

    def __repr__(self) -> str:
        return f"Login({self.document!r}, {self.user!r})"


@attrs.frozen(kw_only=True)
class LoginPlan:
    """What all logins to one scheme of a document have in common."""

    document: str
    scheme: str
    authorization_url: str
    token_url: str
    credential: LoginCredential = attrs.field(repr=False)
    scopes: list[str]
    allowed_domains: list[str]
    allow_private: list[str]


@attrs.frozen(kw_only=True)
class Logins:
    """Begins and finishes logins, and keeps tokens.

    Args:
        records: where both are kept.
        vault: seals them.
        public_url: of this server, as browsers reach it.
        expiry: how long a link works.
        clock: this moment, in UTC.
    """

    records: RecordStore = attrs.field(repr=False)
    vault: Vault = attrs.field(repr=False)
    public_url: str
    expiry: timedelta
    clock: Callable[[], datetime]

    async def begin(self, plan: LoginPlan, user: str) -> str:
        """A link where this user can log in."""
        state = secrets.token_urlsafe(32)
        fields = attrs.asdict(plan, recurse=False)
        login = Login(
            **fields,
            user=user,
            verifier=secrets.token_urlsafe(48),
            redirect_uri=self._public(CALLBACK_PATH),
        )
        record = Record(
            collection=LOGINS,
            id=_digest(state),
            owner=user,
            data=self.vault.seal(msgspec.json.encode(login), purpose=f"{LOGINS}/{_digest(state)}"),
            expires_at=self.clock() + self.expiry,
        )
        await self.records.put(record, expected=0)
        return f"{self._public(LOGIN_PATH)}?{urlencode({'state': state})}"

    async def look(self, state: str) -> tuple[Login, str]:
        """The login of a link, and the address of the page where the user says yes.

        Raises:
            LoginGone: there is none.
        """
        _, login = await self._find(state)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(login.verifier.encode()).digest())
        fields = {
            **login.credential.parameters,
            "response_type": "code",
            "client_id": login.credential.client_id,
            "redirect_uri": login.redirect_uri,
            "state": state,
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if login.scopes:
            fields["scope"] = " ".join(login.scopes)
        between = "&" if "?" in login.authorization_url else "?"
        return login, f"{login.authorization_url}{between}{urlencode(fields)}"

    async def finish(self, state: str, code: str) -> Login:
        """Exchange a code for tokens, and keep them.

        Raises:
            LoginGone: the link was used already or is too old.
            TokenRefused: the server gave no token.
        """
        login = await self.give_up(state)
        targets = Targets(login.allowed_domains, login.allow_private)
        async with GuardedClient(targets) as client:
            endpoint = TokenEndpoint(
                name=login.document,
                url=login.token_url,
                credential=login.credential,
                client=client,
                clock=self.clock,
            )
            token = await endpoint.ask(
                {
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": login.redirect_uri,
                    "code_verifier": login.verifier,
                }
            )
        await self.keep(token_id(login, login.user), login.user, token)
        return login

    async def give_up(self, state: str) -> Login:
        """Use a link up, whatever comes of it.

        Raises:
            LoginGone: it was used already or is too old.
        """
        record, login = await self._find(state)
        try:
            there = await self.records.delete(LOGINS, record.id, expected=record.version)
        except VersionConflict:
            there = False
        if not there:
            raise LoginGone
        return login

    async def token(self, id_: str) -> tuple[int, Token] | None:
        """The token of this id with its version; ``None`` if there is none that can be read."""
        record = await self.records.get(TOKENS, id_)
        if record is None:
            return None
        try:
            data = self.vault.open(record.data, purpose=f"{TOKENS}/{id_}")
        except SealBroken:
            return None
        return record.version, msgspec.json.decode(data, type=Token)

    async def keep(self, id_: str, user: str, token: Token, *, expected: int | None = None) -> None:
        """Keep a token in the place of another.

        Raises:
            VersionConflict: another version than ``expected`` is there.
        """
        data = self.vault.seal(msgspec.json.encode(token), purpose=f"{TOKENS}/{id_}")
        record = Record(collection=TOKENS, id=id_, owner=user, data=data)
        await self.records.put(record, expected=expected)

    async def forget(self, id_: str, *, expected: int) -> None:
        """Forget a token, unless there is another by now."""
        try:
            await self.records.delete(TOKENS, id_, expected=expected)
        except VersionConflict:
            return

    async def _find(self, state: str) -> tuple[Record, Login]:
        record = await self.records.get(LOGINS, _digest(state))
        if record is None:
            raise LoginGone
        try:
            data = self.vault.open(record.data, purpose=f"{LOGINS}/{record.id}")
        except SealBroken as error:
            raise LoginGone from error
        return record, msgspec.json.decode(data, type=Login)

    def _public(self, path: str) -> str:
        return f"{self.public_url.rstrip('/')}{path}"


def token_id(plan: LoginPlan | Login, user: str) -> str:
    """The id of a user's token. It is for one server: a document that changes gets other tokens."""
    whose = (plan.scheme, plan.token_url, plan.credential.client_id, user)
    return f"{plan.document}/{_digest(msgspec.json.encode(whose).decode())}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
