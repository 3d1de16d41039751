"""Targets: which servers requests may go to.

A model, or a page that it reads, may name any URL. What it names must not reach this machine, the
network that it stands in, or the cloud that it runs on.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import NoReturn
from unicodedata import normalize
from urllib.parse import quote

import attrs

from hookline.outbound.addresses import Address, Network, address_of, listed, local, public
from hookline.outbound.failures import TargetRefused

PORTS = {"http": 80, "https": 443}
URL_LIMIT = 16_384
"""Characters of a URL."""

_URL = re.compile(r"(?P<scheme>[a-z]+)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(:(?P<port>[0-9]{0,5}))?")
_ODD = re.compile(r"[\x00-\x20\x7f-\x9f]|[^\S ]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_HOST_LIMIT = 253
_DEVIATIONS = frozenset("ßςẞ\u200c\u200d")
"""What the two versions of IDNA make different names of."""
_KEPT = "/?%:@!$&'()*+,;=-._~[]"
"""Characters of a path or a query that are sent as they are."""


@attrs.frozen
class Target:
    """A server and what is asked of it, in the one spelling that is checked and then used.

    ``host`` is a name in ASCII, or an address without brackets. ``rest`` is path and query.
    """

    scheme: str
    host: str
    port: int
    rest: str = attrs.field(default="/", repr=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port, which may be shown and logged."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        """The whole URL, which may hold secrets."""
        return f"{self.origin}{self.rest}"

    @property
    def address(self) -> Address | None:
        """The address, where the host is one."""
        return address_of(self.host)


def _names(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(_pattern(value) for value in values)


def _pattern(value: str) -> str:
    """A name as hosts are compared with it. Raises ``ValueError`` for what is none."""
    star, name = ("*.", value[2:]) if value.startswith("*.") else ("", value)
    try:
        return star + _host(name.strip("[]"))
    except TargetRefused as error:
        message = f"{value!r} is no host; use a name, *.name or an address"
        raise ValueError(message) from error


def _private(values: Iterable[str]) -> tuple[str | Network, ...]:
    return tuple(_network(value) or _pattern(value) for value in values)


def _network(value: str) -> Network | None:
    try:
        return ip_network(value.replace("%", " ").strip("[]"))  # a zone is no part of a network
    except ValueError:
        if "/" in value:
            message = f"{value!r} is no network; write the first address of it, such as 10.0.0.0/8"
            raise ValueError(message) from None
        return None


@attrs.frozen
class Targets:
    """The policy: which URLs may be asked for, and which addresses connections may go to.

    Only public addresses are, unless the policy names others.

    Args:
        allowed_domains: names such as ``example.com``, or ``*.example.com`` for every name below
            it; nothing else may be asked for. Empty allows every name.
        allow_private: addresses and networks that are not public and yet allowed, such as
            ``127.0.0.1`` or ``10.0.0.0/8``, and names that may stand for loopback and private
            addresses, such as ``localhost``. Where a cloud keeps secrets must be named alone.
        ports: the only ports to connect to. Empty allows every port.

    Raises:
        ValueError: a name or a network is none.
    """

    allowed_domains: Sequence[str] = attrs.field(default=(), converter=_names)
    allow_private: Sequence[str | Network] = attrs.field(default=(), converter=_private)
    ports: Sequence[int] = attrs.field(default=(), converter=tuple)

    def check_url(self, url: str) -> Target:
        """The target of a URL: all that can be decided before its name is looked up.

        Raises:
            TargetRefused: it is not allowed, or has no one meaning; one sentence says why.
        """
        target = _parsed(url)
        if self.allowed_domains and not _matches(target.host, self.allowed_domains):
            _refuse(f"{target.host} is not among the domains that may be asked for")
        if self.ports and target.port not in self.ports:
            _refuse(f"port {target.port} is not among the ports that may be connected to")
        if target.address is not None:
            self.check_address(target.host, host=target.host)
        return target

    def check_address(self, address: str, *, host: str = "") -> None:
        """Let an address pass that may be connected to.

        Args:
            address: as a resolver gives it.
            host: the name that it was looked up for.

        Raises:
            TargetRefused: it is no public address, and not allowed otherwise.
        """
        parsed = address_of(address)
        if parsed is not None and (public(parsed) or self._allowed(parsed, host)):
            return
        if host in ("", address):
            _refuse(f"{address} is not an address of the public internet")
        _refuse(f"{host} does not stand for an address of the public internet")

    def _allowed(self, address: Address, host: str) -> bool:
        networks = [entry for entry in self.allow_private if not isinstance(entry, str)]
        names = [entry for entry in self.allow_private if isinstance(entry, str)]
        return listed(address, networks) or (local(address) and _matches(host, names))


def _parsed(url: str) -> Target:
    if len(url) > URL_LIMIT:
        _refuse(f"the URL has more than {URL_LIMIT} characters")
    if _ODD.search(url):
        _refuse("the URL has a space or a control character; write it as %20")
    parts = _URL.fullmatch(url)
    if parts is None or parts["scheme"].lower() not in PORTS:
        _refuse("only URLs that begin with http:// or https:// are asked for")
    host, port = _authority(parts["authority"])
    scheme = parts["scheme"].lower()
    rest = quote(parts["rest"].partition("#")[0], safe=_KEPT, errors="replace")
    if not rest.startswith("/"):
        rest = f"/{rest}"
    return Target(scheme, host, PORTS[scheme] if port is None else port, rest)


def _authority(text: str) -> tuple[str, int | None]:
    if "@" in text:
        _refuse("a URL with a user or a password in it is not asked for")
    parts = _AUTHORITY.fullmatch(text)
    if parts is None:
        _refuse("the host of the URL cannot be read")
    host = parts["host"]
    if not host.startswith("["):
        return _name(host), _port(parts["port"])
    if ":" not in host:
        _refuse("what stands in brackets is no IPv6 address")
    return _literal(host[1:-1]), _port(parts["port"])


def _port(text: str | None) -> int | None:
    if not text:
        return None
    port = int(text)
    if not 0 < port < 2**16:
        _refuse(f"{port} is no port")
    return port


def _host(text: str) -> str:
    return _literal(text) if ":" in text else _name(text)


def _literal(text: str) -> str:
    address = address_of(text)
    if address is None:
        _refuse("the IPv6 address of the URL cannot be read, or has a zone")
    return str(address)


def _name(text: str) -> str:
    """A name as it is looked up, or an IPv4 address in its one spelling.

    A name that ends in a number is an address to the system's resolver, however it is written
    (``0x7f.1``, ``2130706433``), and such spellings only serve to get past checks.
    """
    name = _ascii(text).removesuffix(".")
    labels = name.split(".")
    if len(name) > _HOST_LIMIT or not all(_LABEL.fullmatch(label) for label in labels):
        _refuse("the host of the URL is neither a name nor an address")
    if _NUMBER.fullmatch(labels[-1]) and address_of(name) is None:
        _refuse(f"{name} is an odd spelling of an address; write four decimal numbers")
    return name


def _ascii(text: str) -> str:
    if text.isascii():
        return text.lower()
    if len(text) > _HOST_LIMIT or _DEVIATIONS.intersection(text):
        _refuse("the host of the URL can be read in two ways; write it in ASCII, as xn--…")
    last = normalize("NFKC", text).removesuffix(".").rpartition(".")[2]
    if last.isdigit() and not last.isascii():
        _refuse("the host of the URL is an odd spelling of a number")
    try:
        return text.encode("idna").decode("ascii").lower()
    except UnicodeError:
        _refuse("the host of the URL is no name; write it in ASCII, as xn--…")


def _matches(host: str, patterns: Iterable[str]) -> bool:
    return any(
        host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
        for pattern in patterns
    )


def _refuse(message: str) -> NoReturn:
    raise TargetRefused(message)
