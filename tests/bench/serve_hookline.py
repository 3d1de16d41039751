"""Hookline as it is served, with one key in its store."""

import argparse
import asyncio
import os
from pathlib import Path

from hookline.keys import new_key
from hookline.plugins import Plugins
from hookline.registry import Registry
from hookline.runtime import Runtime
from hookline.settings import load
from hookline.users import ADMIN, User
from hookline_api.config import Config
from hookline_api.server import serve


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config")
    parser.add_argument("key")
    parser.add_argument("--port", required=True)
    options = parser.parse_args()
    variables = {**os.environ, "HOOKLINE_SERVER__PORT": options.port}
    config = load(Path(options.config), Config, variables)
    found = Plugins(config.plugins, options.config)
    found.discover(disabled=config.runtime.disabled_plugins)
    runtime = Runtime(Registry(config, found, options.config))
    tasks = []

    def ready(_host: str, _port: int) -> None:
        tasks.append(asyncio.get_running_loop().create_task(_let_in(runtime, options.key)))

    return serve(runtime, config, ready)


async def _let_in(runtime: Runtime, text: str) -> None:
    store = runtime.registry.store
    key, _ = new_key("bench", text=text)
    await store.users.put(User(id="bench", role=ADMIN))
    await store.keys.add(key)


if __name__ == "__main__":
    raise SystemExit(main())
