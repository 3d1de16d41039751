"""An issuer of tokens on a socket: real keys, a real key set, and requests that are counted."""

import json
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "hookline"
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


@cache
def private_key(algorithm: str, name: str = "") -> Any:
    """A key for an algorithm, the same one each time."""
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm])
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def short_key() -> Any:
    """A key that is too short to be trusted."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


def published(key: Any, algorithm: str, kid: str | None, **more: Any) -> dict[str, Any]:
    """A public key as the key set has it."""
    family = jwt.algorithms.ECAlgorithm if algorithm in CURVES else jwt.algorithms.RSAAlgorithm
    public = json.loads(family.to_jwk(key.public_key()))
    public.pop("key_ops", None)
    return {**public, **({} if kid is None else {"kid": kid}), **more}


class Issuer:
    """What the issuer publishes, and how it answers; both may be changed at any time."""

    def __init__(self, url: str):
        self.url = url
        self.keys = [published(private_key("RS256"), "RS256", "k1")]
        self.configuration: dict[str, Any] = {"issuer": url, "jwks_uri": f"{url}/keys"}
        self.status = 200
        self.body: bytes | None = None
        self.location: str | None = None
        self.delay = 0.0
        self.asked: Counter[str] = Counter()

    def token(
        self,
        *,
        alg: str = "RS256",
        kid: str | None = "k1",
        key: Any = None,
        headers: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A token of now; claims that are ``None`` are left out."""
        at = int(time.time())
        said = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "iat": at, "exp": at + 300}
        payload = {name: value for name, value in {**said, **claims}.items() if value is not None}
        shown = {**(headers or {}), **({} if kid is None else {"kid": kid})}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a key that is too short, which is what we want
            return jwt.encode(payload, key or private_key(alg), algorithm=alg, headers=shown)


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """An issuer on a port of its own."""
    holder: list[Issuer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer = holder[0]
            issuer.asked[self.path] += 1
            time.sleep(issuer.delay)
            answers = {
                "/.well-known/openid-configuration": issuer.configuration,
                "/keys": {"keys": issuer.keys},
            }
            body = issuer.body if issuer.body is not None else json.dumps(answers[self.path])
            data = body if isinstance(body, bytes) else body.encode()
            self.send_response(issuer.status)
            if issuer.location is not None:
                self.send_header("location", issuer.location)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    holder.append(Issuer(f"http://127.0.0.1:{server.server_address[1]}"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield holder[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
