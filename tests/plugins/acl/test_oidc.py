"""Bearer tokens of an issuer with real keys, on a socket."""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import attrs
import httpx
import jwt
import msgspec
import pytest
import structlog
from cryptography.hazmat.primitives import serialization

from hookline.errors import PartUnavailable
from hookline.users import User
from hookline_acl import jwks
from hookline_acl.jwks import BODY_LIMIT, KEYS_LIMIT, KeySet
from hookline_acl.oidc import OidcClaims, OidcSettings, OidcVerifier
from support.issuer import AUDIENCE, Issuer, private_key, published, running_issuer, short_key
from support.server import KEY, RunningServer, running_server

ResultT = TypeVar("ResultT")
LOG = structlog.get_logger("test")
SECONDS = 30
ALICE = OidcClaims(user="alice")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


def verifying(
    issuer: Issuer,
    work: Callable[[OidcVerifier], Awaitable[ResultT]],
    **settings: Any,
) -> ResultT:
    """What comes of work with a verifier for this issuer."""

    async def entered() -> ResultT:
        table = {"issuer": issuer.url, "audience": AUDIENCE, **settings}
        made = OidcVerifier(msgspec.convert(table, OidcSettings), LOG)
        async with asyncio.timeout(SECONDS), made:
            return await work(made)

    return asyncio.run(entered())


def verified(issuer: Issuer, token: str, **settings: Any) -> OidcClaims | None:
    """What one token says."""
    return verifying(issuer, lambda verifier: verifier.verify(token), **settings)


@pytest.mark.parametrize(
    "alg", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
)
def test_a_good_token_names_its_user(issuer: Issuer, alg: str) -> None:
    """Whichever of the algorithms with public keys it is signed with."""
    issuer.keys = [published(private_key(alg), alg, "k1")]

    assert ALICE == verified(issuer, issuer.token(alg=alg))


def test_a_good_token_may_name_role_and_groups(issuer: Issuer) -> None:
    """By the claims that are set; others are passed over."""
    token = issuer.token(uid="ann", roles="maker", teams=["a", "b", 3], sub="x")
    claims = {"user_claim": "uid", "role_claim": "roles", "groups_claim": "teams"}

    expected = OidcClaims(user="ann", role="maker", groups=frozenset({"a", "b"}))
    assert expected == verified(issuer, token, **claims)
    assert OidcClaims(user="x") == verified(issuer, token)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "others"},
        {"aud": ["others", "more"]},
        {"aud": None},
        {"exp": None},
        {"exp": int(time.time()) - 60},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"exp": "soon"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 257},
    ],
)
def test_a_token_with_wrong_claims_is_none(issuer: Issuer, claims: dict[str, Any]) -> None:
    """However well it is signed."""
    key, at = private_key("RS256"), int(time.time())
    said = {"iss": issuer.url, "aud": AUDIENCE, "sub": "alice", "iat": at, "exp": at + 300}
    payload = {name: value for name, value in {**said, **claims}.items() if value is not None}
    text = jwt.PyJWS().encode(
        json.dumps(payload).encode(), key, algorithm="RS256", headers={"kid": "k1"}
    )

    assert verified(issuer, text) is None


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"scope": "openid agents chat"}, True),
        ({"scp": ["agents", "chat"]}, True),
        ({"scp": "chat", "scope": "agents"}, True),
        ({"scope": "agents"}, False),
        ({"scp": ["agents chat"]}, False),
        ({}, False),
        ({"scope": 7}, False),
    ],
)
def test_all_words_of_the_scope_must_be_there(
    issuer: Issuer, claims: dict[str, Any], *, good: bool
) -> None:
    """In ``scp`` or in ``scope``, as a text or as a list."""
    found = verified(issuer, issuer.token(**claims), scope="agents chat")

    assert good == (found is not None)


def test_what_cannot_be_trusted_is_none(issuer: Issuer) -> None:
    """Other keys, other algorithms, other types, and keys that the token itself brings."""
    public = private_key("RS256").public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    mine = private_key("RS256", "mine")
    good = issuer.token()
    head, body, signature = good.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    secret = {"alg": "HS256", "typ": "JWT", "kid": "k1"}
    hmac_head = base64.urlsafe_b64encode(json.dumps(secret).encode()).rstrip(b"=").decode()
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    forged = base64.urlsafe_b64encode(hmac.sign(f"{hmac_head}.{body}".encode(), pem)).rstrip(b"=")
    bad = {
        "another key": issuer.token(key=mine),
        "its own key": issuer.token(key=mine, headers={"jwk": published(mine, "RS256", "k1")}),
        "a place of its own": issuer.token(key=mine, headers={"jku": "http://127.0.0.1:1/keys"}),
        "no signature": f"{unsigned}.{body}.",
        "the public key as a secret": f"{hmac_head}.{body}.{forged.decode()}",
        "a changed body": f"{head}.{body[:-2]}AA.{signature}",
        "a cut signature": good[:-4],
        "another family": issuer.token(alg="ES256"),
        "another type": issuer.token(headers={"typ": "logout+jwt"}),
        "what must be understood": issuer.token(headers={"crit": ["exp"]}),
        "an unknown key": issuer.token(kid="k2"),
        "an odd key": issuer.token(kid=None, headers={"kid2": "x"}) + "x",
        "too long": issuer.token(padding="x" * 20_000),
    }

    async def work(verifier: OidcVerifier) -> dict[str, OidcClaims | None]:
        return {name: await verifier.verify(token) for name, token in bad.items()}

    assert dict.fromkeys(bad) == verifying(issuer, work)
    assert ALICE == verified(issuer, good)


@pytest.mark.parametrize(
    "text",
    ["", "hk-0123", "a.b.c", "..", "é.é.é", "e30.e30.e30", "W10.W10.x", "x" * 20_000, "a.b.c.d"],
)
def test_nobody_is_asked_about_what_is_no_token_of_the_issuer(issuer: Issuer, text: str) -> None:
    """An API key, or a token of somebody else, costs no request."""
    other = issuer.token(iss="https://elsewhere.example")
    issuer.status = 500

    assert [None, None] == [verified(issuer, text), verified(issuer, other)]
    assert not issuer.asked


def test_a_key_must_fit_the_algorithm(issuer: Issuer) -> None:
    """A key for other uses, of another curve, or too short, signs nothing."""
    token = issuer.token()
    for more in ({"use": "enc"}, {"alg": "PS256"}, {"kty": "EC"}):
        issuer.keys = [published(private_key("RS256"), "RS256", "k1", **more)]
        assert verified(issuer, token) is None
    issuer.keys = [published(private_key("ES384"), "ES384", "k1")]
    assert verified(issuer, issuer.token(alg="ES256")) is None
    issuer.keys = [published(short_key(), "RS256", "k1")]
    assert verified(issuer, issuer.token(key=short_key())) is None


def test_a_token_may_leave_the_key_out_if_there_is_one(issuer: Issuer) -> None:
    """Of two, it has to say which."""
    token = issuer.token(kid=None)
    assert ALICE == verified(issuer, token)
    issuer.keys.append(published(private_key("RS256", "b"), "RS256", "k2"))

    assert verified(issuer, token) is None


@attrs.define
class Ticks:
    """A clock that goes when it is told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def with_keys(
    issuer: Issuer, work: Callable[[KeySet, Ticks], Awaitable[ResultT]], **more: Any
) -> ResultT:
    """What comes of work with the issuer's key set, good for 60 seconds."""

    async def entered() -> ResultT:
        ticks = Ticks()
        made = KeySet(issuer.url, None, timeout=2, fresh=60, logger=LOG, ticks=ticks, **more)
        async with asyncio.timeout(SECONDS), made:
            return await work(made, ticks)

    return asyncio.run(entered())


def test_keys_are_fetched_once_for_many(issuer: Issuer) -> None:
    """Fifty requests at the same moment ask the issuer once; for a minute, nobody asks again."""
    issuer.delay = 0.05

    async def work(keys: KeySet, ticks: Ticks) -> list[Any]:
        found = await asyncio.gather(*(keys.find("k1") for _ in range(50)))
        ticks.now += 59
        return [*found, await keys.find("k1")]

    assert all(with_keys(issuer, work))
    assert {"/keys": 1, "/.well-known/openid-configuration": 1} == issuer.asked


def test_a_new_key_is_found(issuer: Issuer) -> None:
    """An unknown id has the keys fetched again, but not more often than every few seconds."""

    async def work(keys: KeySet, ticks: Ticks) -> tuple[bool, ...]:
        before = await keys.find("k2") is not None
        issuer.keys = [published(private_key("RS256", "b"), "RS256", "k2")]
        for number in range(100):
            await keys.find(f"random-{number}")
        soon = await keys.find("k2") is not None
        ticks.now += jwks.PAUSE_SECONDS
        later = await keys.find("k2") is not None
        return before, soon, later, await keys.find("k1") is not None

    assert (False, False, True, False) == with_keys(issuer, work)
    assert 2 == issuer.asked["/keys"]


def test_known_keys_serve_while_the_issuer_is_away(issuer: Issuer) -> None:
    """For an hour; then, and where none are known, it is an error and not a refusal."""

    async def work(keys: KeySet, ticks: Ticks) -> None:
        issuer.status = 503
        with pytest.raises(PartUnavailable, match="keys of the issuer"):
            await keys.find("k1")
        asked = issuer.asked.total()
        with pytest.raises(PartUnavailable):
            await keys.find("k1")
        assert asked == issuer.asked.total()
        issuer.status = 200
        ticks.now += jwks.PAUSE_SECONDS
        assert await keys.find("k1")
        issuer.status = 503
        ticks.now += jwks.STALE_SECONDS - 1
        assert await keys.find("k1")
        ticks.now += 6
        with pytest.raises(PartUnavailable):
            await keys.find("k1")

    with_keys(issuer, work)


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"nothing"},
        {"body": b"[]"},
        {"body": b'{"keys": 7}'},
        {"body": b"{}" + b" " * BODY_LIMIT},
        {"configuration": {"issuer": "https://elsewhere.example", "jwks_uri": "https://x/keys"}},
        {"configuration": {"issuer": "ISSUER"}},
        {"configuration": {"issuer": "ISSUER", "jwks_uri": "http://keys.example/keys"}},
        {"configuration": {"issuer": "ISSUER", "jwks_uri": "ftp://x"}},
        {"status": 302, "location": "http://127.0.0.1:1/"},
        {"delay": 3.0},
    ],
    ids=lambda change: str(change)[:60],
)
def test_nonsense_of_the_issuer_is_an_error(issuer: Issuer, change: dict[str, Any]) -> None:
    """Nobody is let in by it, and nobody is told that the token is bad."""
    for name, value in change.items():
        setattr(issuer, name, value)
    names = issuer.configuration
    names.update({key: issuer.url for key, text in names.items() if text == "ISSUER"})

    async def work(keys: KeySet, _: Ticks) -> None:
        with pytest.raises(PartUnavailable):
            await keys.find("k1")

    with_keys(issuer, work)


def test_there_are_not_too_many_keys(issuer: Issuer) -> None:
    """A hundred are kept; more are nonsense."""
    issuer.keys = issuer.keys * (KEYS_LIMIT + 1)

    with pytest.raises(PartUnavailable):
        verified(issuer, issuer.token())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"issuer": "http://login.example", "audience": "a"}, "no https URL"),
        ({"issuer": "https://a:b@login.example", "audience": "a"}, "no https URL"),
        ({"issuer": "https://login.example"}, "audience"),
        ({"issuer": "https://login.example", "audience": []}, "audience"),
        ({"issuer": "https://login.example", "audience": "a", "algorithms": ["HS256"]}, "HS256"),
        ({"issuer": "https://login.example", "audience": "a", "algorithms": []}, "algorithms"),
        ({"issuer": "https://x", "audience": "a", "jwks_uri": "http://x/keys"}, "no https URL"),
    ],
)
def test_settings_that_cannot_be_trusted_are_refused(table: dict[str, Any], message: str) -> None:
    """Before the server starts."""
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert(table, OidcSettings)


@pytest.fixture
def served(issuer: Issuer) -> Iterator[RunningServer]:
    tables = {
        "providers": {"local": {"kind": "scripted"}},
        "agents": {"echo": {"provider": "local", "model": "m"}},
        "plugins": {
            "acl": {
                "roles": {"user": ["remote_agents.use"]},
                "oidc": {"issuer": issuer.url, "audience": AUDIENCE},
            }
        },
    }
    with running_server(tables) as server:
        server.run(server.runtime.registry.store.users.put(User(id="ann")))
        server.run(server.runtime.registry.store.users.put(User(id="gone", disabled=True)))
        server.runtime.forget()
        yield server


def answer(server: RunningServer, token: str) -> tuple[int, str]:
    """Status, and text or code, of a chat with this token."""
    response = httpx.post(
        f"{server.url}/chat/completions",
        headers={"authorization": f"Bearer {token}"},
        json={"model": "echo", "messages": [{"role": "user", "content": "Hi"}]},
        timeout=SECONDS,
    )
    body = response.json()
    if response.status_code == 200:
        return 200, body["choices"][0]["message"]["content"]
    return response.status_code, body["error"]["code"]


def test_a_server_takes_tokens_and_keys(issuer: Issuer, served: RunningServer) -> None:
    """Known users are let in by either; others, and bad tokens, are not."""
    assert (200, "Hi") == answer(served, issuer.token(sub="ann"))
    assert (200, "Hi") == answer(served, KEY)
    for token in (issuer.token(sub="nobody"), issuer.token(sub="gone"), issuer.token(aud="x")):
        assert (401, "invalid_api_key") == answer(served, token)


def test_a_server_fails_closed_while_the_issuer_is_away(
    issuer: Issuer, served: RunningServer
) -> None:
    """Tokens get 503, and not 401; keys work."""
    issuer.status = 500

    assert (503, "part_unavailable") == answer(served, issuer.token(sub="ann"))
    assert (200, "Hi") == answer(served, KEY)
