"""A name server on 127.0.0.1, and lookups that ask it: names that mean something else each time."""

import asyncio
import itertools
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

A, AAAA, INTERNET = 1, 28, 1
PATIENCE = 10.0


class NameServer(asyncio.DatagramProtocol):
    """Answers questions over UDP, with a time to live of 0.

    ``names`` gives each name a list of answers, of which the last one stays; an answer is a list
    of addresses. ``asked`` has the names that were asked for, once for each lookup.
    """

    def __init__(self, names: Mapping[str, Sequence[Sequence[str]]]):
        self.asked: list[str] = []
        self._answers: dict[str, Iterator[Sequence[str]]] = {
            name: itertools.chain(answers, itertools.repeat(answers[-1]))
            for name, answers in names.items()
        }
        self._current: Sequence[str] = ()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self._address = self._transport.get_extra_info("sockname")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, kind, end = _question(data)
        if kind == A:  # the first of the two questions of a lookup
            self.asked.append(name)
            self._current = next(self._answers.get(name, iter(())), ())
        family = socket.AF_INET if kind == A else socket.AF_INET6
        records = b"".join(
            struct.pack("!HHHIH", 0xC00C, kind, INTERNET, 0, len(packed)) + packed
            for packed in (_packed(family, address) for address in self._current)
            if packed
        )
        size = 4 if kind == A else 16
        count = len(records) // (12 + size)
        head = data[:2] + struct.pack("!HHHHH", 0x8180, 1, count, 0, 0)
        self._transport.sendto(head + data[12:end] + records, addr)

    async def lookup(self, host: str) -> Sequence[str]:
        """The addresses of a name: a ``Lookup`` that asks this server."""
        found = [*await self._ask(host, A), *await self._ask(host, AAAA)]
        if not found:
            raise OSError(f"{host} is not known")
        return found

    async def _ask(self, host: str, kind: int) -> list[str]:
        loop = asyncio.get_running_loop()
        labels = b"".join(bytes([len(label)]) + label.encode() for label in host.split("."))
        query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\x00"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(self._address)
            async with asyncio.timeout(PATIENCE):
                await loop.sock_sendall(client, query + struct.pack("!HH", kind, INTERNET))
                answer = await loop.sock_recv(client, 4096)
        return list(_addresses(answer))


def _packed(family: socket.AddressFamily, address: str) -> bytes:
    try:
        return socket.inet_pton(family, address)
    except OSError:
        return b""


def _question(data: bytes) -> tuple[str, int, int]:
    """The name and the kind of a question, and where it ends."""
    labels = []
    position = 12
    while size := data[position]:
        labels.append(data[position + 1 : position + 1 + size].decode())
        position += 1 + size
    (kind,) = struct.unpack_from("!H", data, position + 1)
    return ".".join(labels), kind, position + 5


def _addresses(answer: bytes) -> Iterator[str]:
    """The addresses in an answer of ours."""
    _, _, position = _question(answer)
    (count,) = struct.unpack_from("!H", answer, 6)
    for _ in range(count):
        _, kind, _, _, size = struct.unpack_from("!HHHIH", answer, position)
        position += 12
        family = socket.AF_INET if kind == A else socket.AF_INET6
        yield socket.inet_ntop(family, answer[position : position + size])
        position += size
