"""Servers that actions ask, on real sockets: a pet store, one that echoes, and one for OAuth."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import attrs
from aiohttp import web

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
HEADER_KEY = "sesame-1234"


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serve on a free port of 127.0.0.1; the origin is given."""
    runner = web.AppRunner(app, shutdown_timeout=1.0, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


class PetStore:
    """The pet store of the document, with one pet in it."""

    def __init__(self) -> None:
        self.pets: dict[int, dict[str, Any]] = {1: {"id": 1, "name": "Rex", "status": "available"}}
        self.keys: list[str | None] = []
        self.seen: list[web.Request] = []

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        base = "/api/v3"
        app.add_routes(
            [
                web.post(f"{base}/pet", self.put),
                web.put(f"{base}/pet", self.put),
                web.get(f"{base}/pet/findByStatus", self.find),
                web.get(f"{base}/pet/{{id}}", self.get),
                web.post(f"{base}/pet/{{id}}", self.form),
                web.delete(f"{base}/pet/{{id}}", self.delete),
                web.post(f"{base}/pet/{{id}}/uploadImage", self.upload),
                web.get(f"{base}/pet/{{id}}/image", self.image),
                web.get(f"{base}/store/inventory", self.inventory),
                web.post(f"{base}/store/order", self.order),
            ]
        )
        return app

    def _check(self, request: web.Request) -> None:
        self.seen.append(request)
        self.keys.append(request.headers.get("idempotency-key"))
        if request.headers.get("api_key") != HEADER_KEY:
            raise web.HTTPForbidden(text=f"wrong key: {request.headers.get('api_key')}")

    async def put(self, request: web.Request) -> web.Response:
        self._check(request)
        pet = await request.json()
        self.pets[pet["id"]] = pet
        return web.json_response(pet)

    async def find(self, request: web.Request) -> web.Response:
        wanted = request.query.getall("status", [])
        return web.json_response([p for p in self.pets.values() if p.get("status") in wanted])

    async def get(self, request: web.Request) -> web.Response:
        pet = self.pets.get(int(request.match_info["id"]))
        if pet is None:
            return web.json_response({"message": "Pet not found"}, status=404)
        return web.json_response(pet)

    async def form(self, request: web.Request) -> web.Response:
        self._check(request)
        pet = self.pets[int(request.match_info["id"])]
        pet.update(await request.post())
        return web.json_response(pet)

    async def delete(self, request: web.Request) -> web.Response:
        self._check(request)
        del self.pets[int(request.match_info["id"])]
        return web.Response(status=204)

    async def upload(self, request: web.Request) -> web.Response:
        self._check(request)
        fields = await request.post()
        file = fields["file"]
        assert isinstance(file, web.FileField)
        said = fields.get("additionalMetadata")
        return web.json_response({"size": len(file.file.read()), "metadata": said})

    async def image(self, request: web.Request) -> web.Response:
        return web.Response(body=PNG, content_type="image/png")

    async def inventory(self, request: web.Request) -> web.Response:
        counts: dict[str, int] = {}
        for pet in self.pets.values():
            counts[pet["status"]] = counts.get(pet["status"], 0) + 1
        return web.json_response(counts)

    async def order(self, request: web.Request) -> web.Response:
        return web.json_response({"id": 7, **await request.json()})


def echo_app() -> web.Application:
    """A server that says what it was sent."""

    async def echo(request: web.Request) -> web.Response:
        body = await request.read()
        return web.json_response(
            {
                "method": request.method,
                "path": request.raw_path.partition("?")[0],
                "query": request.raw_path.partition("?")[2],
                "pairs": parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True),
                "headers": {name.lower(): value for name, value in request.headers.items()},
                "cookies": dict(request.cookies),
                "body": body.decode(),
            }
        )

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", echo)
    return app


@attrs.define
class OAuthServer:
    """An authorization server with PKCE and refresh tokens that work once, and an API behind it.

    Attributes:
        asked: the form of each request for a token.
        lasts: seconds that access tokens are good for, as it says.
        good: access tokens that the API takes.
        refused: API requests that got 401.
        useless: whether the API takes no token that is given from now on.
    """

    lasts: float = 3600
    client_id: str = "hookline"
    client_secret: str = "client-secret-1"
    asked: list[dict[str, str]] = attrs.field(factory=list)
    codes: dict[str, dict[str, str]] = attrs.field(factory=dict)
    good: set[str] = attrs.field(factory=set)
    refresh: set[str] = attrs.field(factory=set)
    refused: int = 0
    served: int = 0
    useless: bool = False

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        app.router.add_get("/authorize", self.authorize)
        app.router.add_post("/token", self.token)
        app.router.add_route("*", "/api/{rest:.*}", self.api)
        return app

    async def authorize(self, request: web.Request) -> web.Response:
        """The user says yes at once."""
        query = dict(request.query)
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        location = f"{query['redirect_uri']}?code={code}&state={query['state']}"
        raise web.HTTPFound(location)

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if not self._known(request, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        match form["grant_type"]:
            case "client_credentials":
                return self._issued(with_refresh=False)
            case "authorization_code":
                asked = self.codes.pop(form["code"], None)
                if asked is None or asked["code_challenge"] != challenge(form["code_verifier"]):
                    return web.json_response({"error": "invalid_grant"}, status=400)
                return self._issued(with_refresh=True)
            case "refresh_token":
                await asyncio.sleep(0.05)  # so that two that renew at once would meet
                if form["refresh_token"] not in self.refresh:
                    return web.json_response({"error": "invalid_grant"}, status=400)
                self.refresh.discard(form["refresh_token"])
                return self._issued(with_refresh=True)
        return web.json_response({"error": "unsupported_grant_type"}, status=400)

    async def api(self, request: web.Request) -> web.Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.good:
            self.refused += 1
            return web.json_response({"message": f"{token} is not good"}, status=401)
        self.served += 1
        return web.json_response({"token": token})

    def _known(self, request: web.Request, form: dict[str, str]) -> bool:
        pair = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if request.headers.get("authorization") == f"Basic {pair}":
            return True
        return (form.get("client_id"), form.get("client_secret")) == (
            self.client_id,
            self.client_secret,
        )

    def _issued(self, *, with_refresh: bool) -> web.Response:
        number = len(self.asked)
        answer = {"access_token": f"access-{number}", "token_type": "Bearer"}
        answer["expires_in"] = self.lasts
        if not self.useless:
            self.good.add(answer["access_token"])
        if with_refresh:
            answer["refresh_token"] = f"refresh-{number}"
            self.refresh.add(answer["refresh_token"])
        return web.json_response(answer)


def challenge(verifier: str) -> str:
    """The challenge of a verifier. Source: RFC 7636, 4.2."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
