"""The session of one run: a sandbox that is made for the first call and kept for the next ones."""

import asyncio
from collections.abc import Sequence

from hookline import PluginContext
from hookline.errors import NotFound, StoreUnavailable
from hookline.filenames import clean_name
from hookline.scope import CallScope
from hookline_code.sandbox import Done, Job, Sandbox, SandboxFailed
from hookline_code.settings import Settings

TOOL = "execute_code"
"""The tool, and what files for it are named by in ``resources``."""

LOST = "The session was lost, and its files with it; it has begun anew."


class Session:
    """One call at a time; the files that a call leaves behind are there for the next one.

    Args:
        places: how many calls may run at the same time, of all sessions.
        plugin: where the files of a run are read from.
    """

    def __init__(self, settings: Settings, places: asyncio.Semaphore, plugin: PluginContext):
        self._settings = settings
        self._places = places
        self._plugin = plugin
        self._turn = asyncio.Lock()
        self._sandbox: Sandbox | None = None

    async def run(self, job: Job, scope: CallScope) -> tuple[Done, Sequence[str]]:
        """Run a job when it is its turn; what became of it, and remarks for the model.

        Raises:
            SandboxFailed: it could not be run.
        """
        async with self._turn, self._places:
            scope.progress()
            sandbox, remarks = await self._ready(scope)
            return await sandbox.run(job, scope.progress), remarks

    async def close(self) -> None:
        """End it; its processes and its files are gone."""
        if self._sandbox is not None:
            await self._sandbox.close()

    async def _ready(self, scope: CallScope) -> tuple[Sandbox, Sequence[str]]:
        """The sandbox, with the files of the run if it is new."""
        if self._sandbox is not None and self._sandbox.alive:
            return self._sandbox, ()
        remarks = [] if self._sandbox is None else [LOST]
        self._sandbox = await Sandbox.start(self._settings)
        remarks += await self._place(self._sandbox, scope)
        return self._sandbox, remarks

    async def _place(self, sandbox: Sandbox, scope: CallScope) -> Sequence[str]:
        placed: list[str] = []
        remarks: list[str] = []
        for id_ in dict.fromkeys(scope.resources.get(TOOL, ())):
            file = await self._plugin.files.get(id_)
            if file is None:
                remarks.append(f"The file {id_} is not there any more.")
                continue
            name = _free(clean_name(file.name), placed)
            if file.size > self._settings.disk:
                remarks.append(f"The file {name} is larger than a session may be.")
                continue
            try:
                await sandbox.put(name, await self._plugin.files.read(file))
            except (NotFound, StoreUnavailable, SandboxFailed) as error:
                self._plugin.logger.warning(
                    "code.file_not_placed", file=id_, run=scope.run, error=str(error)
                )
                remarks.append(f"The file {name} could not be placed: {error}.")
                continue
            placed.append(name)
        if placed:
            remarks.append(f"Files that were given: {', '.join(placed)}")
        return remarks


def _free(name: str, taken: Sequence[str]) -> str:
    """The name, or one like it that is not taken yet."""
    stem, dot, ending = name.rpartition(".")
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{stem} ({number}).{ending}" if dot and stem else f"{name} ({number})"
    return candidate
