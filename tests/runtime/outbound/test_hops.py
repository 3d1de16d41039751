"""What a redirect makes of a request."""

import pytest

from hookline.outbound import TargetRefused, Targets
from hookline.outbound.hops import Hop

TARGETS = Targets()
HEADERS = {
    "accept": "text/html",
    "user-agent": "Hookline",
    "authorization": "Bearer secret",
    "cookie": "secret",
    "x-api-key": "secret",
    "content-type": "application/json",
}


def hop(url: str, method: str = "GET", body: bytes | None = None) -> Hop:
    return Hop(method, TARGETS.check_url(url), HEADERS, body)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b?c=1", "https://example.com/b?c=1"),
        ("b", "https://example.com/a/b"),
        ("?c", "https://example.com/a/x?c"),
        ("//other.test/b", "https://other.test/b"),
        ("https://example.com:8443/", "https://example.com:8443/"),
    ],
)
def test_location_is_read_against_the_url(location: str, expected: str):
    """A location may be relative."""
    first = hop("https://example.com/a/x")

    assert expected == first.redirected(302, location, TARGETS).target.url


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("https://example.com/other", set(HEADERS)),
        ("https://example.com:443/", set(HEADERS)),
        ("https://example.com:8443/", {"accept", "user-agent"}),
        ("https://www.example.com/", {"accept", "user-agent"}),
        ("https://other.test/", {"accept", "user-agent"}),
    ],
)
def test_another_server_gets_no_credentials(location: str, kept: set[str]):
    """A key may be in any header, so another origin gets hardly any."""
    assert kept == set(hop("https://example.com/").redirected(307, location, TARGETS).headers)


def test_https_does_not_lead_to_http():
    """A redirect from HTTPS to HTTP is refused."""
    with pytest.raises(TargetRefused, match="redirects from HTTPS to HTTP"):
        hop("https://example.com/").redirected(302, "http://example.com/", TARGETS)


def test_http_leads_to_https():
    """A redirect from HTTP to HTTPS is followed, without credentials."""
    found = hop("http://example.com/").redirected(301, "https://example.com/", TARGETS)

    assert ("https://example.com", {"accept", "user-agent"}) == (
        found.target.origin,
        set(found.headers),
    )


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (301, "POST", ("GET", None)),
        (302, "POST", ("GET", None)),
        (303, "POST", ("GET", None)),
        (303, "PUT", ("GET", None)),
        (303, "HEAD", ("HEAD", b"{}")),
        (301, "PUT", ("PUT", b"{}")),
        (307, "POST", ("POST", b"{}")),
        (308, "DELETE", ("DELETE", b"{}")),
    ],
)
def test_method_and_body_of_the_next_request(
    status: int, method: str, expected: tuple[str, bytes | None]
):
    """A redirect asks anew with GET where browsers do, and then says nothing of a body."""
    found = hop("https://example.com/", method, b"{}").redirected(status, "/b", TARGETS)

    assert expected == (found.method, found.body)
    assert (found.body is not None) == ("content-type" in found.headers)


def test_no_body_for_another_server():
    """A body may hold a secret, so a redirect cannot send it elsewhere."""
    with pytest.raises(TargetRefused, match="redirects a request with a body to https://other"):
        hop("https://example.com/", "POST", b"{}").redirected(
            307, "https://other.test/?secret", TARGETS
        )
