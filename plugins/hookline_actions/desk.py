"""The desk: the config and the store, as the commands need them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import attrs

from hookline.errors import HooklineError, InvalidRequest, NotFound
from hookline.offline import opened_plugin
from hookline.records import Record
from hookline.resealing import Resealed, reseal
from hookline.store import Store
from hookline.vault import Vault
from hookline_actions.assembly import Loaded, assemble
from hookline_actions.kit import Kit
from hookline_actions.logins import TOKENS
from hookline_actions.settings import Settings
from hookline_actions.sources import is_url, text_of
from hookline_actions.stored import DOCUMENTS, StoredDocument, all_of, opened, resealed

ResultT = TypeVar("ResultT")
_SECONDS = 120.0


@attrs.frozen
class Desk:
    """What a command works with."""

    store: Store
    vault: Vault
    settings: Settings
    kit: Kit

    async def find(self, name: str) -> StoredDocument:
        """A stored document, with its secrets.

        Raises:
            NotFound: there is none of this name.
        """
        return opened(await self.record(name), self.vault)

    async def record(self, name: str) -> Record:
        """The record of a stored document.

        Raises:
            NotFound: there is none of this name.
        """
        record = await self.store.records.get(DOCUMENTS, name)
        if record is None:
            message = f"there is no stored document {name}; see: hookline actions list"
            raise NotFound(message)
        return record

    async def loaded(self, name: str) -> Loaded:
        """A document, stored or of the config, as tools."""
        if name in self.settings.documents:
            settings = self.settings.documents[name]
            text = await text_of(settings, self.settings)
            source = settings.document if is_url(settings.document) else ""
            return await assemble(name, text, settings, self.kit, source=source)
        found = await self.find(name)
        return await assemble(name, found.text, found.settings, self.kit, source=found.source)

    async def refuse_twice(self, loaded: Loaded) -> None:
        """Raise ``InvalidRequest`` if another document has a tool of a name that this one has."""
        names = [*self.settings.documents, *(one.id for one in await all_of(self.store.records))]
        for name in names:
            if name == loaded.name:
                continue
            try:
                other = await self.loaded(name)
            except HooklineError:  # it has no tools now, whatever the reason
                continue
            twice = sorted(other.tools.keys() & loaded.tools.keys())
            if twice:
                message = f"{name} has {', '.join(twice)}, too; give one of them a prefix"
                raise InvalidRequest(message)

    async def forget_tokens(self, name: str) -> None:
        """Forget what users got for a document."""
        records, start = self.store.records, f"{name}/"
        while True:
            found = await records.list(TOKENS, after=start, limit=100)
            mine = [one.id for one in found if one.id.startswith(f"{name}/")]
            for id_ in mine:
                await records.delete(TOKENS, id_)
            if not mine:
                return

    async def reseal(self) -> Resealed:
        """Seal with the present key what documents and tokens hold.

        Logins that are under way are left alone: they last for minutes.

        Raises:
            ConfigError: there is no key.
        """
        records = self.store.records
        documents = await reseal(records, DOCUMENTS, lambda one: resealed(one, self.vault))
        return documents + await reseal(
            records,
            TOKENS,
            lambda one: self.vault.reseal(one.data, purpose=f"{TOKENS}/{one.id}"),
        )


@asynccontextmanager
async def _opened_desk(path: Path | None) -> AsyncIterator[Desk]:
    async with opened_plugin(path, "actions", Settings) as plugin, AsyncExitStack() as stack:
        kit = Kit(
            settings=plugin.settings,
            records=plugin.store.records,
            vault=plugin.vault,
            clock=plugin.clock,
            logger=plugin.logger,
            stack=stack,
        )
        yield Desk(plugin.store, plugin.vault, plugin.settings, kit)


def work_at(path: Path | None, work: Callable[[Desk], Awaitable[ResultT]]) -> ResultT:
    """What a coroutine function makes of the desk of a config.

    Raises:
        ConfigError: the config is wrong.
        StoreUnavailable: the store does not answer.
    """

    async def bounded() -> ResultT:
        async with asyncio.timeout(_SECONDS), _opened_desk(path) as desk:
            return await work(desk)

    return asyncio.run(bounded())
