"""Who is calling: from the ``Authorization`` header to a principal. Messages: seed 5.3."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from hookline.errors import Unauthenticated
from hookline.permissions import Credentials, Principal

SCHEME = "bearer"
PRINCIPAL = "hookline_principal"


async def authenticated(
    connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
) -> None:
    """A guard: let the request pass if its credentials are known.

    Raises:
        Unauthenticated: there are none, or nobody knows them.
    """
    principal = await connection.app.state.runtime.access.authenticate(credentials_of(connection))
    connection.scope["state"][PRINCIPAL] = principal


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
