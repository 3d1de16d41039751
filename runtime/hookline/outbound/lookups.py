"""Lookups: how names become addresses."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Protocol


class Lookup(Protocol):
    """Looks up names."""

    async def __call__(self, host: str) -> Sequence[str]:
        """The addresses of a name, as text.

        Raises:
            OSError: there are none, or nobody knows.
        """


async def system_lookup(host: str) -> Sequence[str]:
    """The addresses of a name as the system knows them, IPv6 and IPv4."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
