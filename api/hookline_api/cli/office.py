"""The administration of a config's store, for the commands that work on it directly."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from hookline.administration import Actor, Administration
from hookline.config import PermissionsConfig, PolicyConfig
from hookline.offline import config_path, opened_store
from hookline.settings import load
from hookline.store import Store
from hookline_api import logs

ResultT = TypeVar("ResultT")


class _Tables(Struct, frozen=True):
    """What of a config limits an administration; the rest of it is passed over."""

    policy: PolicyConfig = PolicyConfig()


Work = Callable[[Administration, Actor], Awaitable[ResultT]]


def administered(
    path: Path | None, work: Work[ResultT], permissions: PermissionsConfig | None = None
) -> ResultT:
    """Do work on the store of a config; changes are written down under the system's user.

    Raises:
        HooklineError: the config is wrong, the store does not answer, or the work failed.
    """
    logs.quiet()
    keys_per_user = (permissions or PermissionsConfig()).keys_per_user
    policy = load(config_path(path), _Tables).policy

    async def opened() -> ResultT:
        async with opened_store(path) as store:
            office = Administration(store, keys_per_user=keys_per_user, policy=policy)
            return await work(office, Actor(user=f"cli:{_user()}", known=False))

    return asyncio.run(opened())


def listed(path: Path | None, port: Callable[[Store], Any]) -> Sequence[Any]:
    """All that one port of a config's store lists, page by page.

    Raises:
        HooklineError: the config is wrong or the store does not answer.
    """

    async def work(office: Administration, _: Actor) -> Sequence[Any]:
        found: list[Any] = []
        while page := await port(office.store).list(after=found[-1].id if found else ""):
            found += page
        return found

    return administered(path, work)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
