"""Which URLs and addresses the policy lets pass, and how they are spelled then."""

# ruff: noqa: RUF001  letters and digits that are mistaken for others are what is tested

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from hookline.outbound import TargetRefused, Targets


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://Example.COM:443/Path?q=1#part", "https://example.com/Path?q=1"),
        ("http://example.com:8080?q", "http://example.com:8080/?q"),
        ("http://example.com:/", "http://example.com/"),
        ("http://example.com./", "http://example.com/"),
        ("http://bücher.example/ü?ö=%20", "http://xn--bcher-kva.example/%C3%BC?%C3%B6=%20"),
        ("http://例え。テスト/", "http://xn--r8jz45g.xn--zckzah/"),
        ("http://a_b.example/\\", "http://a_b.example/%5C"),
        ("http://1.1.1.1/", "http://1.1.1.1/"),
        ("http://[2606:4700:0:0::1111]:80/", "http://[2606:4700::1111]/"),
        ("http://[::ffff:1.1.1.1]/", "http://1.1.1.1/"),
        ("http://2130706433.example/", "http://2130706433.example/"),
        ("http://example.com/\udcff", "http://example.com/?"),
    ],
)
def test_a_url_is_spelled_in_one_way(url: str, expected: str):
    """What passes is in ASCII, without a fragment, with its address in the usual form."""
    assert expected == Targets().check_url(url).url


def test_messages_keep_secrets():
    """A refusal names the host, and neither the path nor the query."""
    with pytest.raises(TargetRefused) as raised:
        Targets().check_url("http://10.0.0.1/secret?token=secret")

    assert "10.0.0.1 is not an address of the public internet" == str(raised.value)


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("https://example.com/", True),
        ("https://EXAMPLE.com./", True),
        ("https://www.example.com/", False),
        ("https://docs.example.org/", True),
        ("https://a.docs.example.org/", True),
        ("https://example.org/", False),
        ("https://evilexample.org/", False),
        ("https://example.com.evil.test/", False),
        ("https://xn--bcher-kva.example/", True),
        ("https://1.1.1.1/", True),
        ("https://1.0.0.1/", False),
        ("https://[2606:4700::1111]/", True),
    ],
)
def test_allowed_domains(url: str, passes: bool):
    """Domains are names as a whole; a star stands for every name below."""
    domains = ["Example.com", "*.example.org", "bücher.example", "1.1.1.1", "[2606:4700::1111]"]

    assert passes == allowed(Targets(allowed_domains=domains), url)


@pytest.mark.parametrize(
    ("private", "url", "passes"),
    [
        ("127.0.0.1", "http://127.0.0.1/", True),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/", True),
        ("127.0.0.1", "http://127.0.0.2/", False),
        ("::1", "http://[::1]/", True),
        ("[::1]", "http://[::1]/", True),
        ("10.0.0.0/8", "http://10.255.0.1/", True),
        ("10.0.0.0/8", "http://11.0.0.1/", True),
        ("10.0.0.0/8", "http://192.168.0.1/", False),
        ("fd00::/8", "http://[fd12::1]/", True),
        ("localhost", "http://127.0.0.1/", False),
        # Where clouds keep secrets
        ("169.254.0.0/16", "http://169.254.1.1/", True),
        ("169.254.0.0/16", "http://169.254.169.254/", False),
        ("0.0.0.0/0", "http://169.254.169.254/", False),
        ("0.0.0.0/0", "http://168.63.129.16/", False),
        ("fd00::/8", "http://[fd00:ec2::254]/", False),
        ("169.254.169.254", "http://169.254.169.254/", True),
    ],
)
def test_allowed_private_addresses(private: str, url: str, passes: bool):
    """Networks are allowed as a whole, but for a cloud's metadata, which must be named alone."""
    assert passes == allowed(Targets(allow_private=[private]), url)


@pytest.mark.parametrize(
    ("host", "address", "passes"),
    [
        ("localhost", "127.0.0.1", True),
        ("localhost", "::1", True),
        ("db.corp.example", "10.0.0.1", True),
        ("db.corp.example", "fd12::1", True),
        ("db.corp.example", "1.1.1.1", True),
        ("corp.example", "10.0.0.1", False),
        ("localhost.evil.test", "127.0.0.1", False),
        ("db.corp.example", "169.254.169.254", False),
        ("db.corp.example", "100.100.100.200", False),
        ("db.corp.example", "0.0.0.0", False),
        ("db.corp.example", "224.0.0.1", False),
        ("db.corp.example", "fe80::1%eth0", False),
        ("db.corp.example", "no address", False),
    ],
)
def test_allowed_private_names(host: str, address: str, passes: bool):
    """A name may be allowed to stand for private addresses, and for nothing worse."""
    targets = Targets(allow_private=["localhost", "*.corp.example"])

    assert passes == address_allowed(targets, address, host)


def test_ports():
    """Where ports are named, no other one is connected to."""
    targets = Targets(ports=[443, 8080])
    urls = ["https://a.test/", "http://a.test:8080/", "http://a.test/", "https://a.test:22/"]

    assert [True, True, False, False] == [allowed(targets, url) for url in urls]


@pytest.mark.parametrize(
    "entries",
    [
        {"allowed_domains": ["https://example.com"]},
        {"allowed_domains": ["*"]},
        {"allowed_domains": ["example.com:80"]},
        {"allowed_domains": [""]},
        {"allow_private": ["10.0.0.1/8"]},
        {"allow_private": ["10.0.0"]},
        {"allow_private": ["two words"]},
        {"allow_private": ["fe80::1%eth0"]},
    ],
    ids=str,
)
def test_a_policy_that_says_nothing_is_refused(entries: dict[str, Any]):
    """An entry that could never match anything is an error."""
    with pytest.raises(ValueError, match=r"is no (host|network)"):
        Targets(**entries)


HOSTS = st.text(st.sampled_from("0123456789abcdefx.:[]%@\\-_１２。①ß\u200d\u00adé/?#"), max_size=24)


@given(HOSTS)
def test_what_passes_means_one_thing(host: str):
    """What passes is read by the library that connects as it was read here, and passes again."""
    try:
        target = Targets().check_url(f"http://{host}")
    except TargetRefused:
        return
    url = URL(target.url, encoded=True)

    assert (target.host, target.port) == (url.raw_host, url.port)
    assert target == Targets().check_url(target.url)


@given(st.ip_addresses())
def test_only_addresses_that_python_calls_global_pass(address: Any):
    """Our table lets nothing pass that ``ipaddress`` does not take for global."""
    inner = getattr(address, "ipv4_mapped", None) or address
    if address in ipaddress.ip_network("64:ff9b::/96"):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)

    assert not address_allowed(Targets(), str(address), "") or inner.is_global


def allowed(targets: Targets, url: str) -> bool:
    try:
        targets.check_url(url)
    except TargetRefused:
        return False
    return True


def address_allowed(targets: Targets, address: str, host: str) -> bool:
    try:
        targets.check_address(address, host=host)
    except TargetRefused:
        return False
    return True
