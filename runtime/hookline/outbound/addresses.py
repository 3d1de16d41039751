"""Which addresses belong to the public internet.

The rules are a table of our own: ``ipaddress.is_global`` changes with the version of Python, and
takes tunnels into private networks for public. Source: the IANA special-purpose registries.
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


_LOCAL = _networks(
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",  # behind a carrier's translation
    "::1/128",
    "fc00::/7",
)
"""Where services of one's own may be: this machine, and private networks."""

_SPECIAL = _networks(
    "0.0.0.0/8",
    "169.254.0.0/16",  # link-local
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation, as 198.51.100.0/24 and 203.0.113.0/24
    "192.31.196.0/24",  # AS112, as 192.175.48.0/24
    "192.52.193.0/24",  # multicast tunnels
    "192.88.99.0/24",  # relays of 6to4
    "192.175.48.0/24",
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
    "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",  # documentation
)

_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is given out for the public internet."""

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator, as networks without IPv4 reach it (NAT64)."""

_METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # most clouds
        "169.254.170.2",  # ECS
        "169.254.170.23",  # EKS
        "169.254.42.42",  # Scaleway
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure; a public address otherwise
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # EC2
        "fd00:ec2::23",  # EKS
        "fd00:42::42",  # Scaleway
        "fd20:ce::254",  # Google
    )
)
"""Where clouds hand a machine its secrets."""


def address_of(text: str) -> Address | None:
    """The address that a text is, an IPv4 address inside IPv6 as itself; else ``None``.

    Numbers must be decimal, four, and without leading zeros. A zone id makes it no address.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return None if address.scope_id else _unwrapped(address)


def public(address: Address) -> bool:
    """Whether it is public unicast: what any machine of the internet could reach, too."""
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return not (address in _METADATA or within(address, _SPECIAL) or within(address, _LOCAL))


def local(address: Address) -> bool:
    """Whether a service of one's own may have it: loopback or private, and no cloud's metadata."""
    return address not in _METADATA and within(address, _LOCAL)


def listed(address: Address, networks: Iterable[Network]) -> bool:
    """Whether these networks allow it. A cloud's metadata only counts if it is named alone."""
    if address in _METADATA:
        return ip_network(address) in networks
    return within(address, networks)


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of the networks has the address."""
    return any(address in network for network in networks)


def _unwrapped(address: IPv6Address) -> Address:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
