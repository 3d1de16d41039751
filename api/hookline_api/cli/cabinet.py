"""Files of a config, without a server."""

from collections.abc import Sequence
from pathlib import Path

from hookline.administration import Actor, Administration
from hookline.blobs import Blobs
from hookline.files import FileRecord
from hookline.filing import Files
from hookline_api import logs
from hookline_api.cli.failures import Failure
from hookline_api.cli.office import administered
from hookline_api.cli.output import moment
from hookline_api.cli.setup import load_setup

COLUMNS = ("ID", "USER", "NAME", "TYPE", "BYTES", "PURPOSE", "CREATED", "EXPIRES")


def found(path: Path | None, user: str | None) -> Sequence[FileRecord]:
    """All files, or those of a user; the oldest first.

    Raises:
        HooklineError: the config is wrong or the store does not answer.
    """

    async def work(office: Administration, _: Actor) -> Sequence[FileRecord]:
        files: list[FileRecord] = []
        port = office.store.files
        while page := await port.list(owner=user, after=files[-1].id if files else ""):
            files += page
        return files

    return administered(path, work)


def one(path: Path | None, file: str) -> FileRecord:
    """All that is known of a file.

    Raises:
        Failure: there is no such file.
        HooklineError: the config is wrong or the store does not answer.
    """

    async def work(office: Administration, _: Actor) -> FileRecord:
        return await _known(office, file)

    return administered(path, work)


def remove(path: Path | None, file: str) -> None:
    """Delete a file, and its bytes if no other file has the same.

    Raises:
        Failure: there is no such file.
        HooklineError: the config is wrong or the store does not answer.
    """
    logs.quiet()
    config = load_setup(path).config.files

    async def work(office: Administration, _: Actor) -> None:
        files = Files(
            office.store.files,
            Blobs(config.url, config.options),
            limit=config.limit,
            quota=config.quota,
        )
        await files.delete(await _known(office, file))

    administered(path, work)


def row(file: FileRecord) -> Sequence[str]:
    """A file in a table with ``COLUMNS``."""
    times = map(moment, (file.created_at, file.expires_at))
    size = f"{file.size:,}"
    return (file.id, file.owner, file.name, file.media_type, size, file.purpose, *times)


async def _known(office: Administration, file: str) -> FileRecord:
    known = await office.store.files.get(file)
    if known is None:
        message = f"there is no file {file}; hookline files list shows the ids"
        raise Failure(message)
    return known
