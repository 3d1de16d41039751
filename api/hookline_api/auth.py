"""Who is calling: from the ``Authorization`` header to a principal. Messages: seed 5.3."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from hookline.access import check_feature, check_writable
from hookline.errors import NotPermitted, Unauthenticated
from hookline.permissions import Credentials, Principal
from hookline.roles import USE
from hookline.users import ADMIN

SCHEME = "bearer"
PRINCIPAL = "hookline_principal"


READING = frozenset({"GET", "HEAD", "OPTIONS"})


async def may_use(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard: let those pass whose role may use agents over the API. Source: seed 5.4.

    Raises:
        Unauthenticated: there are no credentials, or nobody knows them.
        NotPermitted: the role may not, or a read-only key asks for more than to read.
    """
    check_feature(await authenticate(connection), USE)


async def may_administer(
    connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
) -> None:
    """A guard: let administrators pass who are not limited to some agents.

    Raises:
        Unauthenticated: there are no credentials, or nobody knows them.
        NotPermitted: the role may not, or the credentials are limited.
    """
    principal = await authenticate(connection)
    if principal.role != ADMIN:
        message = f"administration needs the role {ADMIN}, and yours is {principal.role}"
        raise NotPermitted(message)
    if principal.agents is not None:
        message = "administration needs an API key that is not limited to some agents"
        raise NotPermitted(message)


async def authenticate(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal:
    """Find out who calls, for the guards and for ``principal_of``.

    Raises:
        Unauthenticated: there are no credentials, or nobody knows them.
        NotPermitted: a read-only key asks for more than to read.
    """
    access = connection.app.state.runtime.access
    principal: Principal = await access.authenticate(credentials_of(connection))
    if connection.scope.get("method") not in READING:
        check_writable(principal)
    connection.scope["state"][PRINCIPAL] = principal
    return principal


def principal_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal:
    """Whom the guard let pass."""
    principal: Principal = connection.scope["state"][PRINCIPAL]
    return principal


def credentials_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Credentials:
    """The bearer token of a request; the scheme is compared without case.

    Raises:
        Unauthenticated: there is none.
    """
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != SCHEME:
        message = "Missing or invalid Authorization header. Expected: Bearer <api_key>"
        raise Unauthenticated(message, reason="missing_api_key")
    if not token.strip():
        message = "API key is required"
        raise Unauthenticated(message, reason="missing_api_key")
    return Credentials(token.strip())
