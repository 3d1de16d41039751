"""Credentials are put where the document says."""

from typing import Any

import pytest

from hookline_actions.failures import DocumentInvalid
from hookline_actions.operations import Operation, Place
from hookline_actions.requests import Request
from hookline_actions.schemes import (
    ApiKeyScheme,
    BasicScheme,
    BearerScheme,
    OAuthScheme,
    OtherScheme,
    check_credential,
)
from hookline_actions.settings import (
    ApiKeyCredential,
    BasicCredential,
    BearerCredential,
    ClientCredential,
    LoginCredential,
)
from hookline_actions.signing import FixedSigner, choose, sign_all
from support.actions import run

BARE = Request(method="GET", url="https://a.com/x", query=["q=1"], headers={"Accept": "*/*"})
KEY = ApiKeyCredential("k&y=1")


def signed(scheme: Any, credential: Any) -> tuple[str, dict[str, str]]:
    """URL and headers with a credential."""
    result = run(lambda: sign_all([FixedSigner(scheme, credential)], BARE, "alice"))
    headers = {k: v for k, v in result.request.all_headers.items() if k != "Accept"}
    assert result.secrets
    assert "k&y" not in repr(result)
    return result.request.whole_url, headers


@pytest.mark.parametrize(
    ("scheme", "credential", "url", "headers"),
    [
        (ApiKeyScheme(place=Place.HEADER, name="X-Key"), KEY, "?q=1", {"X-Key": "k&y=1"}),
        (ApiKeyScheme(place=Place.QUERY, name="ke y"), KEY, "?q=1&ke%20y=k%26y%3D1", {}),
        (ApiKeyScheme(place=Place.COOKIE, name="s"), KEY, "?q=1", {"Cookie": "s=k%26y%3D1"}),
        (
            BasicScheme(),
            BasicCredential("Aladdin", "open sesame"),
            "?q=1",
            {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
        ),
        (BearerScheme(), BearerCredential("t"), "?q=1", {"Authorization": "Bearer t"}),
    ],
)
def test_credential(scheme: Any, credential: Any, url: str, headers: Any):
    """Each kind of credential is where its scheme says, percent-encoded where it must be."""
    assert (f"https://a.com/x{url}", headers) == signed(scheme, credential)


def test_alternatives():
    """The first alternative counts that there are all credentials for."""
    one, two = FixedSigner(BasicScheme(), KEY), FixedSigner(BearerScheme(), KEY)

    def chosen(*security: Any, **signers: Any) -> Any:
        base = {"id": "", "method": "GET", "path": "/", "base": "", "origin": ""}
        return choose(Operation(**base, security=security), signers)

    assert () == chosen(one=one)
    assert [one] == chosen({"one": []}, {"two": []}, one=one, two=two)
    assert [two] == chosen({"one": [], "three": []}, {"two": []}, one=one, two=two)
    assert [one, two] == chosen({"one": [], "two": []}, one=one, two=two)
    assert () == chosen({"one": []}, {})
    assert [one] == chosen({}, {"one": []}, one=one)
    assert chosen({"one": []}, two=two) is None


OAUTH = OAuthScheme(token_url="https://a/t", authorization_url="https://a/a", client_token_url="t")


@pytest.mark.parametrize(
    ("scheme", "credential"),
    [
        (ApiKeyScheme(place=Place.QUERY, name="k"), KEY),
        (BasicScheme(), BasicCredential("u")),
        (BearerScheme(), BearerCredential("t")),
        (OAUTH, BearerCredential("t")),
        (OAUTH, ClientCredential("c", "s")),
        (OAUTH, LoginCredential("c")),
        (OAuthScheme(), ClientCredential("c", "s", token_url="https://a/t")),
    ],
)
def test_credential_that_fits(scheme: Any, credential: Any):
    """A credential fits its kind of scheme."""
    assert check_credential("x", scheme, credential) is None


@pytest.mark.parametrize(
    ("scheme", "credential", "why"),
    [
        (None, KEY, "no security scheme of this name"),
        (BasicScheme(), KEY, "'api_key' is no credential for this scheme"),
        (OtherScheme("mutualTLS"), BearerCredential("t"), "'bearer' is no credential"),
        (OAuthScheme(), ClientCredential("c", "s"), "give token_url"),
        (OAuthScheme(token_url="https://a/t"), LoginCredential("c"), "give"),
    ],
)
def test_credential_that_does_not_fit(scheme: Any, credential: Any, why: str):
    """Another kind of credential is refused, without what is in it."""
    with pytest.raises(DocumentInvalid, match=why):
        check_credential("x", scheme, credential)
