"""Credentials: the variables that users give for MCP servers, sealed and kept. Source: seed 9.6."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from hookline.errors import InvalidRequest, StoreUnavailable, VersionConflict
from hookline.records import Record, RecordStore
from hookline.resealing import Resealed, reseal
from hookline.vault import Vault
from hookline_mcp.naming import auth_key
from hookline_mcp.placeholders import VARIABLE

COLLECTION = "mcp.credentials"
LONGEST = 8_192
"""Characters of a value."""

ATTEMPTS = 10
PAGE = 1000
_ENTITLED = Annotated[str, Meta(pattern=VARIABLE)]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, bytes]).decode


class Credentials:
    """What users gave for servers. Values are sealed for one user, server and name.

    Args:
        records: where they are kept.
        vault: seals them.
    """

    def __init__(self, records: RecordStore, vault: Vault):
        self._records = records
        self._vault = vault

    async def of(self, user: str, server: str) -> Mapping[str, str]:
        """A user's variables of a server, by name.

        Raises:
            ConfigError: there is no key to open them with.
            SealBroken: the key does not open them.
            StoreUnavailable: the store does not answer.
        """
        record = await self._records.get(COLLECTION, _id(user, server))
        if record is None or record.owner != user:
            return {}
        return {
            name: self._vault.open(sealed, purpose=_purpose(user, server, name)).decode()
            for name, sealed in _decode(record.data).items()
        }

    async def names(self, user: str, server: str) -> Sequence[str]:
        """The names of the variables that a user has given. Needs no key."""
        record = await self._records.get(COLLECTION, _id(user, server))
        return [] if record is None else sorted(_decode(record.data))

    async def owned(self, user: str) -> Mapping[str, Sequence[str]]:
        """All that a user has given: the names by server. Needs no key."""
        records = await self._records.list(COLLECTION, owner=user)
        return {_server(record): sorted(_decode(record.data)) for record in records}

    async def put(self, user: str, server: str, name: str, value: str) -> None:
        """Keep a variable, in the place of the one there is.

        Raises:
            InvalidRequest: the name or the value cannot be used. The message has no value.
            ConfigError: there is no key to seal it with.
            StoreUnavailable: the store does not answer.
        """
        _check(name, value)
        sealed = self._vault.seal(value.encode(), purpose=_purpose(user, server, name))
        await self._change(user, server, lambda values: {**values, name: sealed})

    async def remove(self, user: str, server: str, name: str | None = None) -> bool:
        """Forget a variable, or all of them; whether there was one."""
        there = await self.names(user, server)
        if name is None:
            return await self._records.delete(COLLECTION, _id(user, server))
        await self._change(
            user, server, lambda values: {k: v for k, v in values.items() if k != name}
        )
        return name in there

    async def remove_all(self, server: str) -> int:
        """Forget what every user gave for a server; of how many users there was something."""
        prefix, removed = _id("", server), 0
        after = prefix
        while page := await self._records.list(COLLECTION, after=after, limit=PAGE):
            for record in page:
                if not record.id.startswith(prefix):
                    return removed
                removed += await self._records.delete(COLLECTION, record.id)
            after = page[-1].id
        return removed

    async def reseal(self) -> Resealed:
        """Seal what former keys have sealed with the present one, for all users.

        Raises:
            ConfigError: there is no key.
            StoreUnavailable: the store does not answer.
        """

        def anew(record: Record) -> bytes:
            server, user = _server(record), record.owner
            values = _decode(record.data)
            sealed = {
                name: self._vault.reseal(value, purpose=_purpose(user, server, name))
                for name, value in values.items()
            }
            return record.data if sealed == values else _encode(sealed)

        return await reseal(self._records, COLLECTION, anew)

    async def _change(
        self, user: str, server: str, change: Callable[[dict[str, bytes]], dict[str, bytes]]
    ) -> None:
        id_ = _id(user, server)
        for _ in range(ATTEMPTS):
            found = await self._records.get(COLLECTION, id_)
            values = change({} if found is None else _decode(found.data))
            version = 0 if found is None else found.version
            record = Record(collection=COLLECTION, id=id_, owner=user, data=_encode(values))
            try:
                if values:
                    await self._records.put(record, expected=version)
                elif version:
                    await self._records.delete(COLLECTION, id_, expected=version)
            except VersionConflict:
                continue
            return
        message = f"the credentials of {user} for {server} change all the time; try again"
        raise StoreUnavailable(message)


def _id(user: str, server: str) -> str:
    return f"{auth_key(server)}/{user}"


def _server(record: Record) -> str:
    return record.id.partition("/")[0].removeprefix(auth_key(""))


def _purpose(user: str, server: str, name: str) -> str:
    return f"{COLLECTION}/{server}/{name}/{user}"


def _check(name: str, value: str) -> None:
    try:
        msgspec.convert(name, _ENTITLED)
    except msgspec.ValidationError as error:
        message = "the name of a variable has letters, digits and _, and no digit at first"
        raise InvalidRequest(message, param="name") from error
    if not value or len(value) > LONGEST:
        message = f"the value of {name} must have 1 to {LONGEST} characters"
        raise InvalidRequest(message, param="value")
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        message = f"the value of {name} has a line break or another control character"
        raise InvalidRequest(message, param="value")
