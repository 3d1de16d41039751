"""Nothing that a model names leads to this machine, its network or its cloud."""

# ruff: noqa: RUF001  letters and digits that are mistaken for others are what is tested

from collections.abc import Sequence

import pytest

from hookline.outbound import TargetRefused
from support.asking import WAYS, finished
from support.names import NameServer
from support.sites import Site, page, redirect

pytestmark = pytest.mark.parametrize("way", WAYS)

LITERALS = [
    # This machine
    "http://127.0.0.1/",
    "http://127.0.0.1:6379/",
    "https://127.255.255.254/",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]:8000/",
    "HTTP://127.0.0.1./",
    # Other spellings of it
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0X7F000001/",
    "http://0177.0.0.1/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://127.0.0.01/",
    "http://127.0.0.1.0/",
    "http://127.0.0.256/",
    "http://4294967297/",
    "http://127.0.0.0x1/",
    "http://1.0x/",
    # Unicode
    "http://１２７.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://127｡0｡0｡1/",
    "http://１２７。０。０。１/",
    "http://٢١٣٠٧٠٦٤٣٣/",
    "http://[::１]/",
    "http://loß.example/",
    # Private, shared and link-local networks
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.1.1/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456:789a::1]/",
    "http://[fec0::1]/",
    # What clouds tell their machines
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://2852039166/",
    "http://0xA9FEA9FE/",
    "http://[fd00:ec2::254]/",
    "http://[fd20:ce::254]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    # IPv4 inside IPv6
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::10.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:c0a8:101::1]/",
    "http://[2001:0:7f00:1::]/",
    "http://[2001::1]/",
    # Addresses that nobody has
    "http://192.0.2.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://198.18.0.1/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[ff02::1]/",
    "http://[100::1]/",
    "http://[2001:db8::1]/",
    "http://[2001:2::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[4000::1]/",
    # Zones
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::1%25lo]/",
    "http://[2606:4700::1111%25eth0]/",
    # Who it is that asks, and for whom
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com%40127.0.0.1/",
    "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1%00.example.com/",
    "http://127.0.0.1%2f.example.com/",
    # What is no URL of the web
    "file:///etc/passwd",
    "ftp://example.com/",
    "gopher://127.0.0.1:6379/_INFO",
    "data:text/html,hello",
    "//127.0.0.1/",
    "127.0.0.1",
    "http:127.0.0.1",
    "http:///127.0.0.1/",
    "http://",
    "http://:80/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:80:80/",
    "http://example.com:٨٠/",
    "http://exam ple.com/",
    "http://example.com/\r\nHost: 127.0.0.1",
    "http://example.com\t/",
    "http://[v1.fe80::1]/",
    "http://[127.0.0.1]/",
    "http://[::1/",
    "http://::1/",
    "http://-a-.example/",
    "http://a..example/",
    f"http://{'a' * 64}.example/",
    f"http://{'a.' * 127}example/",
]

REREAD = {
    "127.0.0.1",
    "http:127.0.0.1",
    "http://",
    "http:///127.0.0.1/",
    "http://example.com/\r\nHost: 127.0.0.1",
    "http://example.com\t/",
}
"""What a redirect means otherwise: a path of the same server, or a URL without its white space."""

ALLOWED = "127.0.0.9"
"""The one address of this machine that the tests of redirects may ask."""

ADDRESSES: Sequence[Sequence[str]] = [
    ["127.0.0.1"],
    ["0.0.0.0"],
    ["10.1.2.3"],
    ["100.64.1.1"],
    ["169.254.169.254"],
    ["168.63.129.16"],
    ["192.168.0.1"],
    ["198.18.0.1"],
    ["224.0.0.1"],
    ["::"],
    ["::1"],
    ["fe80::1"],
    ["fd00:ec2::254"],
    ["::ffff:127.0.0.1"],
    ["64:ff9b::7f00:1"],
    ["2002:7f00:1::1"],
    ["2001:0:53aa:64c::1"],
    # Some of several
    ["93.184.215.14", "127.0.0.1"],
    ["127.0.0.1", "93.184.215.14"],
    ["93.184.215.14", "::1"],
    ["93.184.215.14", "2606:4700::1111", "fd12::1"],
]


@pytest.mark.parametrize("url", LITERALS)
def test_the_url_is_refused(way: str, url: str):
    """A URL of what is not public is refused before any name is looked up."""

    async def refuse() -> list[str]:
        async with NameServer({}) as names:
            with pytest.raises(TargetRefused):
                await WAYS[way](url, lookup=names.lookup)
            return names.asked

    assert [] == finished(refuse())


@pytest.mark.parametrize("addresses", ADDRESSES, ids=" ".join)
def test_the_name_is_refused(way: str, addresses: Sequence[str]):
    """A name is refused if any of its addresses is not public; it is looked up once."""

    async def refuse() -> list[str]:
        async with NameServer({"metadata.google.internal": [addresses]}) as names:
            with pytest.raises(TargetRefused, match="does not stand for an address of the public"):
                await WAYS[way]("http://metadata.google.internal/", lookup=names.lookup)
            return names.asked

    assert ["metadata.google.internal"] == finished(refuse())


@pytest.mark.parametrize("name", ["localhost", "localhost.", "LOCALHOST", "ⓛocalhost"])
def test_the_system_is_not_believed(way: str, name: str):
    """What the system's own resolver says of this machine's name is refused, too."""
    with pytest.raises(TargetRefused):
        finished(WAYS[way](f"http://{name}:1/"))


@pytest.mark.parametrize("location", [url for url in LITERALS if url not in REREAD])
def test_redirects_are_refused(way: str, location: str):
    """A server that may be asked cannot send the client on to one that may not."""

    async def refuse() -> tuple[int, list[str]]:
        async with Site({"/": redirect(location)}, ALLOWED) as site, NameServer({}) as names:
            with pytest.raises(TargetRefused):
                await WAYS[way](f"{site.url}/", [ALLOWED], names.lookup)
            return len(site.requests), names.asked

    assert (1, []) == finished(refuse())


def test_redirects_to_other_addresses_are_refused(way: str):
    """Allowing one address of this machine does not allow its neighbour."""

    async def refuse() -> int:
        async with Site({"/": page(b"secret")}, "127.0.0.2") as secret:
            async with Site({"/": redirect(f"{secret.url}/")}) as site:
                with pytest.raises(TargetRefused):
                    await WAYS[way](f"{site.url}/", ["127.0.0.1"])
            return secret.connections

    assert finished(refuse()) == 0


def test_rebinding_before_the_connection(way: str):
    """The connection goes to the address that was checked, whatever the name means by then."""

    async def ask() -> tuple[str, list[str], int]:
        async with Site({"/": page(b"public")}) as site:
            async with Site({"/": page(b"secret")}, "127.0.0.2") as secret:
                answers = [["127.0.0.1"], ["127.0.0.2"]]
                async with NameServer({"rebinding.test": answers}) as names:
                    url = f"http://rebinding.test:{site.port}/"
                    text = await WAYS[way](url, ["127.0.0.1"], names.lookup)
                    return text, names.asked, secret.connections

    text, asked, connections = finished(ask())

    assert "public" in text
    assert ["rebinding.test"] == asked
    assert 0 == connections


def test_rebinding_between_redirects(way: str):
    """A name that means something else on the next hop is checked anew."""

    async def ask() -> tuple[list[str], int]:
        async with Site({"/": redirect("/again")}) as site:
            async with Site({"/again": page(b"secret")}, "127.0.0.2") as secret:
                answers = [["127.0.0.1"], ["127.0.0.2"]]
                async with NameServer({"rebinding.test": answers}) as names:
                    url = f"http://rebinding.test:{site.port}/"
                    with pytest.raises(TargetRefused):
                        await WAYS[way](url, ["127.0.0.1"], names.lookup)
                    return names.asked, secret.connections

    assert (["rebinding.test"] * 2, 0) == finished(ask())
