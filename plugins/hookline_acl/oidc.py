"""Bearer tokens of an OpenID Connect issuer: signed by keys that it publishes. Source: seed 5.6."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

import attrs
import msgspec
from msgspec import Meta, Struct, field
from structlog.typing import FilteringBoundLogger

from hookline.errors import ConfigError
from hookline_acl.jwks import KeySet, PublicKey, trustworthy

TOKEN_LIMIT = 16_384
"""Characters of a token; a longer one is none."""
RSA_BITS = 2_048
"""The shortest RSA key that is trusted."""
TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""What the header may say of a token's type; it may say nothing, too. Source: RFC 9068."""

Signature = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
Name = Annotated[str, Meta(min_length=1, max_length=256)]


class OidcSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[plugins.acl.oidc]``. Times in seconds.

    Args:
        issuer: the URL that tokens name as ``iss``; https, unless it is on this machine.
        audience: whom tokens must be for, as ``aud``: one name or several, of which one counts.
        jwks_uri: where the issuer's keys are; found by its OpenID configuration unless given.
        scope: words with spaces between them, all of which ``scp`` or ``scope`` must hold.
        algorithms: of signatures that count.
        user_claim: which claim is the user's id.
        role_claim: which claim is the role of a user whom the store does not know.
        groups_claim: which claim lists groups, besides those of the store.
        leeway: how far the issuer's clock may be off.
        cache_seconds: how long the issuer's keys are kept.
        timeout: how long fetching them may take.
    """

    issuer: str
    audience: Name | Annotated[list[Name], Meta(min_length=1)]
    jwks_uri: str | None = None
    scope: str = ""
    algorithms: Annotated[list[Signature], Meta(min_length=1)] = field(
        default_factory=lambda: list(get_args(Signature))
    )
    user_claim: Name = "sub"
    role_claim: Name | None = None
    groups_claim: Name | None = None
    leeway: Annotated[float, Meta(ge=0, le=600)] = 30.0
    cache_seconds: Annotated[float, Meta(ge=1)] = 60.0
    timeout: Annotated[float, Meta(gt=0)] = 10.0

    def __post_init__(self) -> None:
        """Refuse places that cannot be trusted."""
        for uri in (self.issuer, self.jwks_uri):
            if uri is not None and not trustworthy(uri):
                message = f"{uri!r} is no https URL (http is for this machine alone)"
                raise ValueError(message)


@attrs.frozen(kw_only=True)
class OidcClaims:
    """What a good token says of its user."""

    user: str
    role: str | None = None
    groups: frozenset[str] = frozenset()


class OidcVerifier:
    """Knows whether a token is the issuer's, for us, and good now. An async context manager.

    A text that does not look like a token of this issuer is told at once, without asking anybody:
    it may be an API key.

    Args:
        settings: ``[plugins.acl.oidc]``.
        logger: for what fails.

    Raises:
        ConfigError: the library that checks signatures is not installed.
    """

    def __init__(self, settings: OidcSettings, logger: FilteringBoundLogger):
        try:
            import jwt
        except ImportError as error:
            message = "[plugins.acl.oidc] needs a library; pip install 'hookline[oidc]'"
            raise ConfigError(message) from error
        self._jwt = jwt
        self._settings = settings
        self._algorithms = frozenset[str](settings.algorithms)
        self._scope = frozenset(settings.scope.split())
        self._keys = KeySet(
            settings.issuer,
            settings.jwks_uri,
            timeout=settings.timeout,
            fresh=settings.cache_seconds,
            logger=logger,
        )

    async def verify(self, token: str) -> OidcClaims | None:
        """What the token says; ``None`` if it is no token of this issuer, or not a good one.

        Raises:
            PartUnavailable: whether it is good cannot be known, because the issuer's keys cannot
                be had.
        """
        header = self._header(token)
        if header is None:
            return None
        kid = header.get("kid")
        if kid is not None and not isinstance(kid, str):
            return None
        key = await self._keys.find(kid)
        if key is None or not key.fits(header["alg"]):
            return None
        payload = self._payload(token, key, header["alg"])
        return None if payload is None else self._claims(payload)

    async def __aenter__(self) -> Self:
        """Be ready to fetch keys."""
        await self._keys.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close connections."""
        await self._keys.__aexit__(*exc)

    def _header(self, token: str) -> Mapping[str, Any] | None:
        """The header of what looks like a token of our issuer; nothing of it is proven."""
        parts = token.split(".")
        if len(token) > TOKEN_LIMIT or len(parts) != 3:
            return None
        header, payload = _decoded(parts[0]), _decoded(parts[1])
        if header is None or payload is None or payload.get("iss") != self._settings.issuer:
            return None
        type_ = header.get("typ", "JWT")
        if not isinstance(type_, str) or type_.lower() not in TYPES or "crit" in header:
            return None
        return header if header.get("alg") in self._algorithms else None

    def _payload(self, token: str, key: PublicKey, alg: str) -> Mapping[str, Any] | None:
        """The claims of a token whose signature, times, issuer and audience are right."""
        jwt = self._jwt
        try:
            public = key.prepared.get(alg)
            if public is None:
                public = key.prepared[alg] = jwt.PyJWK.from_dict(dict(key.data), alg).key
            if getattr(public, "key_size", 0) < RSA_BITS and alg[:2] != "ES":
                return None
            payload: Mapping[str, Any] = jwt.decode(
                token,
                public,
                algorithms=[alg],
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=self._settings.leeway,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError, OverflowError):
            return None
        return payload

    def _claims(self, payload: Mapping[str, Any]) -> OidcClaims | None:
        settings = self._settings
        user = payload.get(settings.user_claim)
        if not isinstance(user, str) or not 0 < len(user) <= 256:
            return None
        if not self._scope <= _words(payload.get("scp")) | _words(payload.get("scope")):
            return None
        role = payload.get(settings.role_claim) if settings.role_claim else None
        groups = payload.get(settings.groups_claim) if settings.groups_claim else None
        return OidcClaims(
            user=user,
            role=role if isinstance(role, str) and role else None,
            groups=frozenset([groups]) if isinstance(groups, str) else _names(groups),
        )


def _decoded(part: str) -> dict[str, Any] | None:
    """The JSON object that a part of a token holds."""
    try:
        text = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(text, type=dict[str, Any])
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return None


def _words(scope: object) -> frozenset[str]:
    return frozenset(scope.split()) if isinstance(scope, str) else _names(scope)


def _names(names: object) -> frozenset[str]:
    listed = names if isinstance(names, list) else []
    return frozenset(name for name in listed if isinstance(name, str))
