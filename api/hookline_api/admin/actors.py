"""Who asks for a change, as the audit names them."""

from typing import Any

from litestar import Request

from hookline.administration import Actor, Administration
from hookline_api.auth import principal_of


def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """Whom the guard let pass."""
    principal = principal_of(request)
    return Actor(user=principal.user, key=principal.key)


def administration_of(request: Request[Any, Any, Any]) -> Administration:
    """What makes the change."""
    administration: Administration = request.app.state.runtime.administration
    return administration
