"""Pages for logging in. They are open to anybody who has the link; it is for one user, and once."""

from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import urlsplit

from litestar import MediaType, Request, Response, get
from structlog.typing import FilteringBoundLogger

from hookline_actions.failures import TokenRefused
from hookline_actions.logins import CALLBACK_PATH, LOGIN_PATH, LoginGone, Logins

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""The address of the pages holds the state, which no other server is told of."""

_GONE = "This link was used already, or is too old. Ask again, and use the new one."
_LONGEST = 2_000
"""Characters of a state or a code."""


def routes(logins: Logins, logger: FilteringBoundLogger) -> Sequence[Any]:
    """The page that a link leads to, and the one that the authorization server sends back to."""

    @get(LOGIN_PATH, include_in_schema=False)
    async def login_page(request: Request[Any, Any, Any]) -> Response[str]:
        try:
            login, url = await logins.look(_query(request, "state"))
        except LoginGone:
            return _page("Log in", escape(_GONE), status=400)
        host = urlsplit(url).hostname or ""
        return _page(
            f"Log in to {login.document}",
            f"Whoever is <strong>{escape(login.user)}</strong> on this server will be able to use "
            f"<strong>{escape(login.document)}</strong> in your name. Go on only if that is you."
            f'</p><p><a href="{escape(url)}">Go on to {escape(host)}</a>',
        )

    @get(CALLBACK_PATH, include_in_schema=False)
    async def callback_page(request: Request[Any, Any, Any]) -> Response[str]:
        state, code = _query(request, "state"), _query(request, "code")
        try:
            if not code:
                await logins.give_up(state)
                return _page("Log in", "The login was not granted.", status=400)
            login = await logins.finish(state, code)
        except LoginGone:
            return _page("Log in", escape(_GONE), status=400)
        except TokenRefused as error:
            logger.warning("actions.login_failed", error=str(error))
            return _page("Log in", escape(str(error)), status=502)
        logger.info("actions.logged_in", document=login.document, user=login.user)
        return _page("Logged in", "You can close this page and ask again.")

    return [login_page, callback_page]


def _query(request: Request[Any, Any, Any], name: str) -> str:
    value = request.query_params.get(name, "")
    return value if isinstance(value, str) and len(value) <= _LONGEST else ""


def _page(title: str, html: str, *, status: int = 200) -> Response[str]:
    content = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head><body><h1>{escape(title)}</h1><p>{html}</p></body></html>"
    )
    return Response(content, status_code=status, media_type=MediaType.HTML, headers=_HEADERS)
