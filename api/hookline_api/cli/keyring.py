"""Keys in the store of a config, without a server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from hookline.administration import Actor, Administration
from hookline.errors import NotFound
from hookline.keys import ApiKey
from hookline.moments import now
from hookline.roles import USE, default_role
from hookline.users import ADMIN, USER, User
from hookline_api import logs
from hookline_api.cli.failures import Failure
from hookline_api.cli.office import administered
from hookline_api.cli.output import moment
from hookline_api.cli.setup import Setup, load_setup

COLUMNS = ("ID", "USER", "NAME", "KEY", "STATE", "AGENTS", "CREATED", "EXPIRES", "LAST USED")


@attrs.frozen(kw_only=True)
class Added:
    """What is worth knowing of a key that was just made.

    Args:
        unknown: those of its agents that nobody knows yet.
        role: of its user.
        usable: whether that role may call agents.
    """

    unknown: Sequence[str]
    role: str
    usable: bool


def add(path: Path | None, key: ApiKey, *, admin: bool) -> Added:
    """Keep a new key. Its user is created if there is none.

    Raises:
        Failure: it should be an administrator's, and its user has another role.
        HooklineError: the config is wrong, the store does not answer, the user has too many keys.
    """
    setup = _setup(path)
    config = setup.config

    async def work(office: Administration, actor: Actor) -> Added:
        wanted = User(id=key.user, role=ADMIN if admin else USER)
        user = await office.users.ensure(actor, wanted)
        if admin and user.role != ADMIN:
            message = (
                f"{key.user} has the role {user.role}; make it an administrator with: "
                f"hookline users update {key.user} --role {ADMIN}"
            )
            raise Failure(message)
        await office.keys.create(actor, key)
        agents = sorted((key.agents or frozenset()) - config.agents.keys())
        unknown = [agent for agent in agents if await office.store.agents.get(agent) is None]
        role = await office.roles.store.get(user.role) or default_role(user.role)
        configured = config.plugins.get("acl", {}).get("roles", {}).get(user.role)
        features = role.features if configured is None else configured
        return Added(unknown=unknown, role=user.role, usable=USE in features)

    return administered(path, work, config.permissions)


def found(path: Path | None, user: str | None) -> Sequence[ApiKey]:
    """All keys, or those of a user; newest first.

    Raises:
        HooklineError: the config is wrong or the store does not answer.
    """
    _setup(path)

    async def work(office: Administration, _: Actor) -> Sequence[ApiKey]:
        keys: list[ApiKey] = []
        while page := await office.store.keys.list(user=user, after=keys[-1].id if keys else ""):
            keys += page
        return keys

    return administered(path, work)


def end(path: Path | None, key: str) -> None:
    """Make a key invalid.

    Raises:
        Failure: there is no such key.
        HooklineError: the config is wrong or the store does not answer.
    """
    _setup(path)

    async def work(office: Administration, actor: Actor) -> ApiKey:
        return await office.keys.revoke(actor, key)

    try:
        administered(path, work)
    except NotFound as error:
        message = f"{error}; hookline keys list shows the ids"
        raise Failure(message) from error


def state(key: ApiKey) -> str:
    """Whether the key is ``valid``, ``expired`` or ``revoked``."""
    if key.revoked_at is not None:
        return "revoked"
    return "valid" if key.valid(now()) else "expired"


def summary(key: ApiKey) -> dict[str, Any]:
    """A key as JSON, without its hash."""
    return {
        "id": key.id,
        "user": key.user,
        "name": key.name,
        "shown": key.shown,
        "state": state(key),
        "agents": None if key.agents is None else sorted(key.agents),
        "read_only": key.read_only,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def row(key: ApiKey) -> Sequence[str]:
    """A key in a table with ``COLUMNS``."""
    agents = "all" if key.agents is None else ", ".join(sorted(key.agents))
    agents += " (read-only)" if key.read_only else ""
    times = map(moment, (key.created_at, key.expires_at, key.last_used_at))
    return (key.id, key.user, key.name, f"{key.shown}…", state(key), agents, *times)


def _setup(path: Path | None) -> Setup:
    logs.quiet()
    return load_setup(path)
