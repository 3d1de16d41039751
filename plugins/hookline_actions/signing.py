"""Signing: credentials are put into requests, as the document's security schemes say."""

import base64
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

import attrs

from hookline_actions.operations import Operation, Place
from hookline_actions.requests import Request
from hookline_actions.schemes import ApiKeyScheme, Scheme
from hookline_actions.settings import ApiKeyCredential, BasicCredential, BearerCredential


@attrs.frozen
class Signed:
    """A request with credentials in it, and the texts that must not be shown to anybody."""

    request: Request = attrs.field(repr=False)
    secrets: Sequence[str] = attrs.field(default=(), repr=False)


class Signer(Protocol):
    """Puts the credentials of one security scheme into requests."""

    async def sign(self, request: Request, user: str) -> Signed:
        """The request with credentials.

        Raises:
            NotLoggedIn: the user has to log in first.
            TokenRefused: a token could not be had.
        """

    async def renew(self, user: str, signed: Signed) -> bool:
        """Get other credentials than these, which were refused; false if there are no others."""


class FixedSigner:
    """A credential that stays as the operator wrote it."""

    def __init__(
        self, scheme: Scheme, credential: ApiKeyCredential | BasicCredential | BearerCredential
    ):
        self._scheme = scheme
        self._credential = credential

    async def sign(self, request: Request, user: str) -> Signed:
        """The request with the credential."""
        match self._scheme, self._credential:
            case ApiKeyScheme(place=place, name=name), ApiKeyCredential(value=value):
                return _with_key(request, place, name, value)
            case _, BasicCredential(username=username, password=password):
                pair = base64.b64encode(f"{username}:{password}".encode()).decode()
                return Signed(_with_header(request, "Authorization", f"Basic {pair}"),
                              (pair, password))  # fmt: skip
            case _, BearerCredential(token=token):
                return with_bearer(request, token)
        return Signed(request)

    async def renew(self, user: str, signed: Signed) -> bool:
        """There is no other."""
        return False


def with_bearer(request: Request, token: str) -> Signed:
    """A request with a bearer token."""
    return Signed(_with_header(request, "Authorization", f"Bearer {token}"), (token,))


def _with_key(request: Request, place: Place, name: str, value: str) -> Signed:
    encoded = quote(value, safe="")
    pair = f"{quote(name, safe='')}={encoded}"
    secrets = (value, encoded)
    match place:
        case Place.QUERY:
            return Signed(attrs.evolve(request, query=[*request.query, pair]), secrets)
        case Place.COOKIE:
            return Signed(attrs.evolve(request, cookies=[*request.cookies, pair]), secrets)
        case Place.HEADER | Place.PATH:
            return Signed(_with_header(request, name, value), secrets)


def _with_header(request: Request, name: str, value: str) -> Request:
    return attrs.evolve(request, headers={**request.headers, name: value})


async def sign_all(signers: Sequence[Signer], request: Request, user: str) -> Signed:
    """The request with the credentials of all of them.

    Raises:
        NotLoggedIn, TokenRefused: see ``Signer.sign``.
    """
    signed = Signed(request)
    for signer in signers:
        more = await signer.sign(signed.request, user)
        signed = Signed(more.request, (*signed.secrets, *more.secrets))
    return signed


def choose(operation: Operation, signers: Mapping[str, Signer]) -> Sequence[Signer] | None:
    """The signers of the first alternative that there are credentials for.

    ``None`` if the operation needs credentials and there are none.
    """
    if not operation.security:
        return ()
    for requirement in operation.security:
        if requirement and requirement.keys() <= signers.keys():
            return [signers[name] for name in requirement]
    return () if any(not requirement for requirement in operation.security) else None
