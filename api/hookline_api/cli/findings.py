"""What ``hookline check`` finds, in the order in which a server would come upon it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import attrs
from msgspec import Struct

from hookline.administration.agents import check_team
from hookline.agents import Agent
from hookline.config import agents_of
from hookline.errors import (
    ConfigError,
    HooklineError,
    InvalidRequest,
    ProviderForbidden,
    StoreUnavailable,
    ToolUnavailable,
)
from hookline.keys import ApiKey
from hookline.moments import now
from hookline.offers import ask_loaders
from hookline.permissions import Principal
from hookline.plugins import Plugins
from hookline.policy import check_provider
from hookline.registry import Registry
from hookline.roles import USE, Role, default_role
from hookline.tool_calls import ToolLimits
from hookline.toolbox import open_toolbox
from hookline.users import USER
from hookline_api.cli.setup import Setup, discover, load_config

Status = Literal["ok", "warning", "error"]
PRINCIPAL = Principal(user="cli")


class Finding(Struct, frozen=True):
    """How something is; ``remedy`` says what to do about it."""

    name: str
    status: Status
    message: str
    remedy: str | None = None


def examine(path: Path | None) -> Sequence[Finding]:
    """Look at everything. What cannot be looked at because of an error before it is left out."""
    return asyncio.run(_examine(path))


async def _examine(path: Path | None) -> Sequence[Finding]:
    try:
        config, source = load_config(path)
    except ConfigError as error:
        return [Finding("config", "error", str(error))]
    setup = discover(config, source)
    try:
        registry = Registry(config, setup.plugins, source)
    except HooklineError as error:
        what = "config" if isinstance(error, ConfigError) else "plugins"
        return [Finding(what, "error", str(error)), *_plugins(setup.plugins)]
    findings: list[Finding] = []
    try:
        async with registry:
            async for finding in _parts(setup, registry):
                findings.append(finding)  # noqa: PERF401  what came before an error is kept
    except HooklineError as error:
        what = "store" if isinstance(error, StoreUnavailable) else "start"
        findings.append(Finding(what, "error", str(error)))
    # Only now is it known which plugins could be started.
    return [Finding("config", "ok", _where(source)), *_plugins(setup.plugins), *findings]


def _where(source: str) -> str:
    return "there is no file; defaults are used" if source == "defaults" else f"{source} is valid"


def _plugins(plugins: Plugins) -> Iterator[Finding]:
    for plugin in plugins:
        name = f"plugin {plugin.name}"
        if plugin.error is not None:
            yield Finding(name, "warning", f"it is set aside: {plugin.error}", plugin.remedy)
            continue
        yield Finding(name, "ok", f"it offers {', '.join(plugin.hooks) or 'nothing'}")


async def _parts(setup: Setup, registry: Registry) -> AsyncIterator[Finding]:
    url = _without_password(setup.config.store.url)
    await registry.store.ping()
    yield Finding("store", "ok", f"{url} answers, and its schema is up to date")
    log_url = _without_password(setup.config.event_log.url)
    yield Finding("event_log", "ok", f"{log_url} is served")
    yield await _keys(registry)
    yield await _usage(registry)
    for name, part in registry.providers.items():
        yield Finding(f"provider {name}", "ok", f"it is opened by the plugin {part.plugin}")
    agents = await _agents(registry)
    if not agents:
        remedy = "add a table [agents.NAME] to the config"
        yield Finding("agents", "warning", "there is none that could be called", remedy)
    for agent in agents:
        problems = [problem async for problem in _problems(agent, registry)]
        for problem in problems or [_sound(agent)]:
            yield problem


async def _keys(registry: Registry) -> Finding:
    at, store = now(), registry.store
    users: Counter[str] = Counter()
    page: Sequence[ApiKey] = ()
    while page := await store.keys.list(after=page[-1].id if page else ""):
        users.update(key.user for key in page if key.valid(at))
    if not users:
        remedy = "hookline keys create --user NAME"
        return Finding("keys", "warning", "there is no valid key, so nobody is let in", remedy)
    known = [await store.users.get(user) for user in users]
    roles = {user.role for user in known if user is not None and not user.disabled}
    if not any([USE in (await _role(registry, role)).features for role in roles]):
        message = f"{users.total()} valid, and none of a user whose role may call agents"
        remedy = f"hookline roles allow {min(roles, default=USER)} {USE}"
        return Finding("keys", "warning", message, remedy)
    return Finding("keys", "ok", f"{users.total()} valid")


async def _usage(registry: Registry) -> Finding:
    """Whether recorders have taken what runs have consumed."""
    names = ", ".join(part.plugin for part in registry.delivery.parts)
    counts = await registry.store.outbox.counts()
    if counts.parked:
        what = "1 item is" if counts.parked == 1 else f"{counts.parked} items are"
        message = f"{what} parked that a recorder could not take"
        return Finding("usage", "warning", message, "hookline usage parked, then usage retry")
    if not names:
        return Finding("usage", "ok", "no plugin records it")
    return Finding("usage", "ok", f"it is recorded by {names}; {counts.runs} runs are on their way")


async def _role(registry: Registry, name: str) -> Role:
    return await registry.store.roles.get(name) or default_role(name)


async def _agents(registry: Registry) -> Sequence[Agent]:
    """The agents of the config, then those that only the store has."""
    agents = {agent.id: agent for agent in agents_of(registry.config)}
    kept: Sequence[Agent] = ()
    while kept := await registry.store.agents.list(after=kept[-1].id if kept else ""):
        for agent in kept:
            agents.setdefault(agent.id, agent)
    return list(agents.values())


def _sound(agent: Agent) -> Finding:
    tools = f" with {', '.join(agent.tools)}" if agent.tools else ""
    message = f"it runs {agent.model} of the provider {agent.provider}{tools}"
    return Finding(f"agent {agent.id}", "ok", message)


async def _problems(agent: Agent, registry: Registry) -> AsyncIterator[Finding]:
    name = f"agent {agent.id}"
    if agent.provider not in registry.providers:
        known = ", ".join(sorted(registry.providers)) or "none"
        message = f"there is no provider {agent.provider}; there are: {known}"
        yield Finding(name, "error", message, f"add a table [providers.{agent.provider}]")
    for wrong in await _refused(agent, registry):
        yield wrong
    limits = ToolLimits(deadline=1, result=1, concurrency=1)
    strict = attrs.evolve(agent, on_tool_failure="fail")
    status: Status = "error" if agent.on_tool_failure == "fail" else "warning"
    try:
        await open_toolbox(registry.tool_loaders, strict, PRINCIPAL, limits=limits)
    except ToolUnavailable as error:
        remedy = "install a plugin that offers them, or remove them from the agent's tools"
        yield Finding(name, status, str(error), remedy)
    else:
        async for finding in _contested(agent, registry):
            yield finding
    for parameter in _missing(agent.locked, agent.model_parameters):
        message = f"{parameter} is locked, and model_parameters do not set it"
        yield Finding(name, "warning", message, f"set model_parameters.{parameter}")


async def _refused(agent: Agent, registry: Registry) -> Sequence[Finding]:
    """Why it would not be taken if it were saved now."""
    name, found = f"agent {agent.id}", list[Finding]()
    try:
        check_provider(registry.config.policy, agent)
    except ProviderForbidden as error:
        remedy = "allow it there, or give the agent another provider"
        found.append(Finding(name, "error", str(error), remedy))
    try:
        await check_team(registry.store, agent, registry.config.agents)
    except InvalidRequest as error:
        remedy = "correct the agent, or create whom it names"
        found.append(Finding(name, "error", str(error), remedy))
    return found


async def _contested(agent: Agent, registry: Registry) -> AsyncIterator[Finding]:
    """Tools that two plugins offer: the first one is used."""
    offers = await ask_loaders(registry.tool_loaders, agent, PRINCIPAL)
    for tool, plugins in offers.contested.items():
        others = ", ".join(plugins[1:])
        message = f"the tool {tool} comes from the plugin {plugins[0]}, and {others} offers it too"
        remedy = "disable one of them: [runtime] disabled_plugins"
        yield Finding(f"agent {agent.id}", "warning", message, remedy)


def _missing(wanted: Iterable[str], known: Iterable[str]) -> list[str]:
    return sorted(set(wanted) - set(known))


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
