"""The server that ``hookline demo`` runs: its agents, its key, and how to talk to it."""

import asyncio
import errno
import json
from collections.abc import Mapping
from typing import Any

import click
import msgspec

from hookline.keys import ApiKey, new_key
from hookline.registry import Registry
from hookline.runtime import Runtime
from hookline.users import ADMIN, User
from hookline_api import logs, server
from hookline_api.cli.output import console, print_json
from hookline_api.cli.setup import discover
from hookline_api.config import Config
from hookline_api.errors import AddressUnavailable
from hookline_api.origin import origin_of

USER = "demo"
QUESTION = "Use the calculator: 6 * 7"
AGENTS: Mapping[str, Mapping[str, Any]] = {
    "demo": {
        "name": "Demo",
        "description": "Uses the calculator and the clock when a message mentions them.",
        "instructions": "Answer in few words.",
        "tools": ["calculator", "current_time"],
    },
    "echo": {
        "name": "Echo",
        "description": "Says what you said.",
    },
    "slow": {
        "name": "Slow",
        "description": "Says what you said, five tokens a second, so that a stream can be seen.",
        "model_parameters": {"scripted": {"delay": 0.2}},
    },
}


def demo_config(port: int) -> Config:
    """A config with scripted agents, and a store that is gone when the process ends."""
    scripted = {"provider": "scripted", "model": "scripted"}
    tables = {
        "server": {"port": port},
        "store": {"url": "memory://"},
        "providers": {"scripted": {"kind": "scripted"}},
        "agents": {id_: {**scripted, **agent} for id_, agent in AGENTS.items()},
    }
    return msgspec.convert(tables, Config)


def run(port: int | None, api_key: str | None, *, as_json: bool) -> None:
    """Serve the demo until a signal ends it.

    Args:
        port: 0 for any that is free; ``None`` for the default one, or any if that is taken.
        api_key: the text of the key; ``None`` for a random one.
        as_json: whether to print JSON.

    Raises:
        AddressUnavailable: the port is taken.
    """
    config = demo_config(8000 if port is None else port)
    try:
        _serve(config, api_key, as_json=as_json)
    except AddressUnavailable as error:
        if port is not None or not _taken(error):
            raise
        if not as_json:
            click.echo(f"Port {config.server.port} is taken, so a free one was chosen.")
        _serve(demo_config(0), api_key, as_json=as_json)


def _taken(error: AddressUnavailable) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE


def _serve(config: Config, api_key: str | None, *, as_json: bool) -> None:
    logs.quiet()  # a plugin that is set aside is no matter for a demo
    setup = discover(config, "demo")
    runtime = Runtime(Registry(config, setup.plugins, setup.source))
    key, text = new_key(USER, name="demo", text=api_key)
    asyncio.run(_let_in(runtime, key))
    logs.configure(config.server.log_level)

    def ready(host: str, port: int) -> None:
        origin = origin_of(host, port)
        if as_json:
            print_json({"url": f"{origin}/v1", "key": text, "agents": list(config.agents)})
            return
        _welcome(origin, text)

    server.serve(runtime, config, ready)


async def _let_in(runtime: Runtime, key: ApiKey) -> None:
    """Have a user who may do everything, so that everything can be tried."""
    store = runtime.registry.store
    await store.users.put(User(id=USER, role=ADMIN))
    await store.keys.add(key)


def _welcome(origin: str, key: str) -> None:
    out = console()

    def say(line: str = "", style: str = "") -> None:
        out.print(line, style=style, soft_wrap=True)

    say(f"Hookline is ready on {origin}/v1", "bold green")
    say()
    say(f"  key      {key}")
    say(f"  agents   {', '.join(AGENTS)}")
    say(f"  docs     {origin}/docs")
    say()
    say("Paste this into another terminal:", "bold")
    say()
    say(_curl(origin, key))
    say()
    say("Or use any OpenAI client:", "bold")
    say()
    say(_python(origin, key))
    say()
    say("Ctrl-C ends it.", "dim")


def _curl(origin: str, key: str) -> str:
    body = json.dumps({"model": "demo", "messages": [{"role": "user", "content": QUESTION}]})
    headers = f"-H 'Authorization: Bearer {key}' -H 'Content-Type: application/json'"
    return f"curl {origin}/v1/chat/completions {headers} -d '{body}'"


def _python(origin: str, key: str) -> str:
    return "\n".join(
        (
            "from openai import OpenAI",
            "",
            f'client = OpenAI(base_url="{origin}/v1", api_key="{key}")',
            f'question = [{{"role": "user", "content": "{QUESTION}"}}]',
            'answer = client.chat.completions.create(model="demo", messages=question)',
            "print(answer.choices[0].message.content)",
        )
    )
