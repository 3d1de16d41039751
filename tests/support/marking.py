"""Servers that are killed while they call a tool, and clients that try again until they know."""

import http.client
import json
import os
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import attrs

from support.forks import Fleet, zygote
from support.process import installed

SECONDS = 30
PATIENCE = 60
"""Seconds in which a client gets its answer, however often it has to ask."""

MARKER = '''
import asyncio, json, os, random
import msgspec
from hookline import ProviderKind, StaticTools, hookimpl, tool
from hookline.events import Text
from hookline.providers import ModelFinished, ToolCallPiece
from hookline.scope import CallScope
from hookline.wire.chat import AssistantMessage, ToolMessage

class Settings(msgspec.Struct, frozen=True):
    pass

class Player:
    """Does what the first message says, then tells what came of it."""
    parameters = frozenset()

    async def stream(self, request):
        play = json.loads(request.messages[0].content)
        done = sum(isinstance(message, AssistantMessage) for message in request.messages)
        if done >= len(play):
            told = [m.content for m in request.messages if isinstance(m, ToolMessage)]
            yield Text(json.dumps(told))
            yield ModelFinished("stop")
            return
        for index, (name, word) in enumerate(play[done]):
            yield ToolCallPiece(index, f"c{index}", name, json.dumps({"word": word}))
        yield ModelFinished("tool_calls")

@tool
async def mark(word: str, scope: CallScope) -> str:
    """Mark a word."""
    await asyncio.sleep(random.random() * 0.1)
    fd = os.open(os.environ["MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, f"{scope.effect} {word}\\n".encode())
    os.fsync(fd)
    os.close(fd)
    await asyncio.sleep(random.random() * 0.1)
    return f"marked {word}"

@hookimpl
def model_provider():
    return ProviderKind("player", Settings, lambda name, settings: Player())

@hookimpl
def tool_loader():
    return StaticTools(mark)
'''
"""A model that plays, and a tool whose effect is a line in a file."""

CONFIG = """
[server]
port = 0
access_log = false
log_level = "error"

[store]
url = "{store}"

[providers.player]
kind = "player"

[agents.helper]
provider = "player"
model = "m"
tools = ["mark"]
"""
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
"""The caller's tool."""


@attrs.define
class Ask:
    """A conversation.

    Args:
        words: that it has marked, in order; ``None`` stands for a call of the caller's tool.
        told: what came of each, as the model read it.
        tries: how many requests it took.
    """

    play: list[list[tuple[str, str]]]
    told: list[str] | None = None
    tries: int = 0

    @property
    def words(self) -> list[str | None]:
        calls = [call for turn in self.play for call in turn]
        return [word if name == "mark" else None for name, word in calls]


@attrs.define
class Works(Fleet):
    """Two servers on one store, and those who ask them."""

    asks: list[Ask] = attrs.field(factory=list)
    pool: ThreadPoolExecutor = attrs.field(factory=lambda: ThreadPoolExecutor(24))
    _asking: list[Future[None]] = attrs.field(factory=list)

    def kill(self) -> None:
        """Kill one of the servers, and start another one."""
        self.kill_one()
        self.start()

    def ask(self) -> None:
        """Have somebody ask in the background, until they know."""
        number = len(self.asks)
        play = [
            [
                (self.random.choice(["mark", "mark", "mark", "look"]), f"w{number}-{turn}-{place}")
                for place in range(self.random.randrange(1, 3))
            ]
            for turn in range(self.random.randrange(1, 4))
        ]
        ask = Ask(play)
        self.asks.append(ask)
        self._asking.append(self.pool.submit(self._do, ask))

    def wait(self) -> None:
        """Wait for all who ask."""
        for asking in self._asking:
            asking.result()

    def marks(self) -> list[tuple[str, str]]:
        """What the tool has done: effects and words."""
        path = self.folder / "marks"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(effect, word) for effect, word in map(str.split, lines)]

    def _do(self, ask: Ask) -> None:
        messages: list[Any] = [{"role": "user", "content": json.dumps(ask.play)}]
        key: str | None = secrets.token_hex(8)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            ask.tries += 1
            reply = self._try({"model": "helper", "messages": messages, "tools": [LOOK]}, key)
            if reply is None:
                time.sleep(0.05)
                continue
            message = reply["choices"][0]["message"]
            if not message.get("tool_calls"):
                ask.told = json.loads(message["content"])
                return
            messages.append({"role": "assistant", "tool_calls": message["tool_calls"]})
            for call in message["tool_calls"]:
                result = {"role": "tool", "tool_call_id": call["id"], "content": "seen"}
                messages.append(result)
            key = None  # what it goes on with says which request it is

    def _try(self, body: Any, key: str | None) -> Any:
        """Send a request to one of the servers; ``None`` if nobody knows what came of it."""
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        if key is not None:
            headers["idempotency-key"] = key
        try:
            address = urlsplit(self.random.choice(self.servers).origin)
            connection = http.client.HTTPConnection(address.hostname, address.port, timeout=SECONDS)
            try:
                connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
                reply = connection.getresponse()
                text = reply.read()
            finally:
                connection.close()
        except (OSError, IndexError, http.client.HTTPException):
            return None
        if reply.status == 503:  # the store does not answer
            return None
        assert reply.status == 200, (reply.status, text)
        return json.loads(text)


@contextmanager
def works(folder: Path, store: str, key: str, seed: int) -> Iterator[Works]:
    """Works without servers yet, whose store has a user with this key."""
    (folder / "hookline.toml").write_text(CONFIG.format(store=store))
    environment = {
        "PYTHONPATH": installed(folder / "packages", {"marker": MARKER}),
        "MARKS": os.fspath(folder / "marks"),
    }
    with zygote(environment) as forks:
        made = Works(folder, key, forks, Random(seed))
        try:
            yield made
        finally:
            made.pool.shutdown(wait=True, cancel_futures=True)
            made.stop()
