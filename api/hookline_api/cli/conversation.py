"""A conversation with an agent in the terminal."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

import click

from hookline.access import pinned
from hookline.agents import Agent
from hookline.events import Event, RunFinished
from hookline.permissions import Principal
from hookline.registry import Registry
from hookline.runs import Run
from hookline.runtime import Runtime
from hookline.transcript import Transcript
from hookline.wire.chat import AssistantMessage, ChatCompletionRequest, Message, UserMessage
from hookline_api.cli.failures import Failure
from hookline_api.cli.setup import Setup

PRINCIPAL = Principal(user="cli")
PROMPT = "you> "


class Output(Protocol):
    """Where answers are shown."""

    def show(self, event: Event) -> None:
        """Show what has just happened, or leave it for the end."""

    def end(self, transcript: Transcript) -> None:
        """The turn is over."""


class Chat:
    """Turns of one conversation; what was said before goes with each.

    Args:
        setup: the config and plugins that the agent runs with.
        agent: its id.
        output: where answers are shown.
    """

    def __init__(self, setup: Setup, agent: str, output: Output):
        self._runtime = Runtime(Registry(setup.config, setup.plugins, setup.source))
        self._agent = agent
        self._output = output
        self._history: list[Message] = []

    def hold(self, message: str | None) -> bool:
        """Talk until there is nothing more to say; whether every turn came to its end.

        Args:
            message: the only one; ``-`` stands for all of stdin. ``None`` asks for one after
                the other.

        Raises:
            Failure: there is no such agent.
            HooklineError: a part could not start, or a turn could not begin.
        """
        with asyncio.Runner() as runner:
            runner.run(self._runtime.__aenter__())
            try:
                agent = runner.run(self._find())
                ended = [runner.run(self._turn(agent, said)) for said in _messages(message)]
            finally:
                runner.run(self._runtime.__aexit__())
        return all(ended)

    async def _find(self) -> Agent:
        """The agent, whoever may call it: who reads the store can read this agent, too."""
        agents = self._runtime.agents
        id_, version = pinned(self._agent)
        found = await (agents.get(id_) if version is None else agents.get_version(id_, version))
        if found is None:
            known = await agents.list()
            ids = ", ".join(agent.id for agent in known) or "none"
            message = f"there is no agent {self._agent}; there are: {ids}"
            raise Failure(message)
        return found

    async def _turn(self, agent: Agent, said: str) -> bool:
        messages = [*self._history, UserMessage(said)]
        request = ChatCompletionRequest(model=agent.id, messages=messages)
        run = await self._runtime.start(PRINCIPAL, agent, request)
        transcript = Transcript()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, run.cancel, "operator")
        try:
            await self._follow(run, transcript)
        finally:
            loop.remove_signal_handler(signal.SIGINT)
        self._output.end(transcript)
        if not isinstance(transcript.ended, RunFinished):
            return False
        self._history = [*messages, AssistantMessage("".join(transcript.texts))]
        return True

    async def _follow(self, run: Run, transcript: Transcript) -> None:
        position = 0
        while events := await run.log.read(position):
            position += len(events)
            transcript.add(events)
            for event in events:
                self._output.show(event)


def _messages(only: str | None) -> Iterator[str]:
    """What the user says, one message after the other."""
    if only is not None:
        yield sys.stdin.read() if only == "-" else only
        return
    if not sys.stdin.isatty():
        yield from filter(None, map(str.strip, sys.stdin))
        return
    with suppress(ImportError):
        import readline  # noqa: F401  gives the prompt a history and keys to edit with

    try:
        while True:
            if said := input(PROMPT).strip():
                yield said
    except EOFError:
        click.echo()
