"""What ``hookline store`` does."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import attrs
import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from hookline import copying
from hookline.archive import KINDS
from hookline.offline import store_of
from hookline.store import Store
from hookline_api import logs
from hookline_api.cli.failures import WrongUse
from hookline_api.cli.output import console

CONFIGURED = "config"
"""What stands for the store of the config, in place of a URL."""


@attrs.frozen(kw_only=True)
class State:
    """A store's state, and how many records of each kind it holds; none if it is not ready."""

    name: str
    ready: bool
    version: int
    current: int
    missing: Sequence[str]
    facts: Mapping[str, str]
    counts: Mapping[str, int]


def state(path: Path | None) -> State:
    """The state of the store of a config.

    Raises:
        HooklineError: the config is wrong or the store does not answer.
    """
    logs.quiet()

    async def work() -> State:
        store = store_of(path)
        status = await store.status()
        counts: Mapping[str, int] = {}
        if status.ready:
            async with store:
                counts = {kind: await store.archive.count(kind) for kind in KINDS}
        return State(
            name=status.name,
            ready=status.ready,
            version=status.version,
            current=status.current,
            missing=status.missing,
            facts=status.facts,
            counts=counts,
        )

    return asyncio.run(work())


def bring_up_to_date(path: Path | None) -> Sequence[str]:
    """Migrate the store of a config; what was done.

    Raises:
        HooklineError: the config is wrong or the store does not answer.
    """
    logs.quiet()

    async def work() -> Sequence[str]:
        return await store_of(path).migrate()

    return asyncio.run(work())


def copied(
    path: Path | None, origin: str, target: str, *, into_existing: bool
) -> Sequence[copying.Copied]:
    """Copy one store into another.

    Raises:
        HooklineError: the config or a URL is wrong, a store does not answer, or it was refused.
        WrongUse: both are the same.
    """
    logs.quiet()
    if origin == target:
        message = f"FROM and TO are both {origin}; name two stores"
        raise WrongUse(message)

    async def work() -> Sequence[copying.Copied]:
        async with _opened(path, origin) as one, _opened(path, target) as other:
            with _shown() as progress:
                return await copying.copy(
                    one.archive, other.archive, into_existing=into_existing, progress=progress
                )

    return asyncio.run(work())


@asynccontextmanager
async def _opened(path: Path | None, url: str) -> AsyncIterator[Store]:
    async with store_of(path, None if url == CONFIGURED else url) as store:
        yield store


@contextmanager
def _shown() -> Iterator[copying.Progress]:
    """Progress on stderr: a bar on a terminal, else a line for each kind."""
    if not sys.stderr.isatty():
        yield _line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console(stderr=True)) as bars:

        def show(kind: str, done: int, total: int) -> None:
            if kind not in tasks:
                tasks[kind] = bars.add_task(kind, total=total)
            bars.update(tasks[kind], completed=done, total=total)

        yield show


def _line(kind: str, done: int, total: int) -> None:
    if done == total:
        click.echo(f"hookline: {kind}: {done:,} of {total:,}", err=True)
