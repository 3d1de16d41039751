"""Agents in files, and what applying them changes."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
import msgspec

from hookline.access import pinned
from hookline.administration import Actor, Administration
from hookline.administration.agents import check_team, refuse_managed
from hookline.agents import Agent
from hookline.errors import ConfigError, NotFound
from hookline.policy import check_provider
from hookline.settings import decode_table
from hookline.specs import AGENT_ID, AgentSpec, agent_of, spec_of
from hookline_api.cli.office import administered

Change = Literal["created", "changed", "unchanged"]
_ID = re.compile(AGENT_ID)


@attrs.frozen(kw_only=True)
class Applied:
    """What applying one agent does. ``difference`` is a unified diff, line by line."""

    id: str
    change: Change
    version: int
    difference: Sequence[str]


def apply_text(
    path: Path | None, text: str, name: str, *, author: str | None, dry_run: bool
) -> Sequence[Applied]:
    """Create or change the agents that a text describes, or only say what would be done.

    Args:
        path: of the config.
        text: TOML or JSON.
        name: of the file, for messages.
        author: the user who gets all bits on agents that are created; ``None`` for nobody.
        dry_run: whether nothing is written.

    Raises:
        ConfigError: the text is no description of agents.
        NotFound: there is no such user.
        HooklineError: a provider is not allowed, an edge leads nowhere, the config manages one,
            the store does not answer.
    """
    found = agents_in(text, name).values()
    wanted = {agent.id: attrs.evolve(agent, author=author) for agent in found}

    async def work(office: Administration, actor: Actor) -> Sequence[Applied]:
        if author is not None:
            await office.users.find(author)
        current = {id_: await office.store.agents.get(id_) for id_ in wanted}
        for id_, agent in wanted.items():
            there = current[id_]
            if there is not None:
                refuse_managed(there)
            check_provider(office.policy, agent)
            await check_team(office.store, agent, wanted)
        return [
            await _apply(office, actor, agent, current[id_], wanted, dry_run=dry_run)
            for id_, agent in wanted.items()
        ]

    return administered(path, work)


def found(path: Path | None, model: str) -> Agent:
    """The agent with this id, or one version of it.

    Raises:
        NotFound: there is none.
    """
    id_, version = pinned(model)

    async def work(office: Administration, _: Actor) -> Agent:
        if version is None:
            return await office.agents.find(id_)
        agent = await office.store.agents.find_version(id_, version)
        if agent is None:
            message = f"there is no agent {model}; hookline agents versions {id_} lists what is"
            raise NotFound(message)
        return agent

    return administered(path, work)


def versions_of(path: Path | None, id_: str) -> Sequence[Agent]:
    """All versions of an agent, newest first.

    Raises:
        NotFound: there is none.
    """

    async def work(office: Administration, _: Actor) -> Sequence[Agent]:
        versions = [await office.agents.find(id_)]
        while page := await office.store.agents.versions(id_, before=versions[-1].version):
            versions += page
        return versions

    return administered(path, work)


def agents_in(text: str, name: str) -> Mapping[str, Agent]:
    """The agents that a text describes, by id.

    It is TOML or JSON: tables ``agents.<id>`` as in the config, or one agent with its ``id``.

    Raises:
        ConfigError: it is not; the message names what is wrong.
    """
    tables = _read(text, name)
    tables = tables if "agents" in tables else {"agents": _alone(tables, name)}
    rest = sorted(tables.keys() - {"agents"})
    if rest or not isinstance(tables["agents"], dict):
        what = f"there is no key {rest[0]!r} beside agents" if rest else "agents is not a table"
        message = f"{name}: {what}; a file holds tables [agents.<id>], or one agent with its id"
        raise ConfigError(message)
    return {id_: _agent(id_, table, name) for id_, table in tables["agents"].items()}


def _read(text: str, name: str) -> dict[str, Any]:
    try:
        is_json = text.lstrip().startswith("{")
        tables = msgspec.json.decode(text) if is_json else tomllib.loads(text)
    except (msgspec.DecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{name}: neither TOML nor JSON: {error}"
        raise ConfigError(message) from error
    return dict(tables)


def _alone(table: dict[str, Any], name: str) -> dict[str, Any]:
    rest = dict(table)
    id_ = rest.pop("id", None)
    if not isinstance(id_, str):
        message = f"{name}: a file holds tables [agents.<id>], or one agent with its id"
        raise ConfigError(message)
    return {id_: rest}


def _agent(id_: str, table: Any, name: str) -> Agent:
    where = f"{name}: agents.{id_}"
    if not _ID.match(id_):
        message = f"{where}: an id has letters, digits and . _ : / -, at most 256 characters"
        raise ConfigError(message)
    return agent_of(id_, decode_table(table, AgentSpec, where))


async def _apply(
    office: Administration,
    actor: Actor,
    agent: Agent,
    current: Agent | None,
    wanted: Mapping[str, Agent],
    *,
    dry_run: bool,
) -> Applied:
    difference = _difference(current, agent)
    if current is None:
        kept = (
            agent
            if dry_run
            else await office.agents.create(actor, agent, together_with=wanted.keys())
        )
        change: Change = "created"
    elif not difference:
        kept, change = current, "unchanged"
    else:
        change = "changed"
        kept = (
            agent
            if dry_run
            else await office.agents.replace(
                actor, agent, expected=current.version, together_with=wanted.keys()
            )
        )
    return Applied(id=agent.id, change=change, version=kept.version, difference=difference)


def _difference(current: Agent | None, agent: Agent) -> Sequence[str]:
    before = [] if current is None else _lines(current)
    names = (f"{agent.id} (now)", f"{agent.id} (file)")
    return list(difflib.unified_diff(before, _lines(agent), *names, lineterm=""))


def _lines(agent: Agent) -> list[str]:
    """The agent as it would be written down, a line for each value; long texts line by line."""
    encoded = msgspec.json.encode(spec_of(agent), order="deterministic")
    text = msgspec.json.format(encoded, indent=2).decode()
    return [part for line in text.splitlines() for part in line.replace("\\n", "\\n\n").split("\n")]
