"""A conversation with an agent in the terminal."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Protocol

import click

from hookline.access import pinned
from hookline.agents import Agent
from hookline.events import Event, PendingCall, RunFinished, RunPaused
from hookline.permissions import Principal
from hookline.registry import Registry
from hookline.runs import Run
from hookline.runtime import Runtime
from hookline.toolbox import Decisions
from hookline.transcript import Transcript
from hookline.wire.chat import AssistantMessage, ChatCompletionRequest, Message, UserMessage
from hookline_api.cli.failures import Failure
from hookline_api.cli.setup import Setup

PRINCIPAL = Principal(user="cli")
PROMPT = "you> "
Ask = Callable[[PendingCall], str | None]
"""Decides on a call of a tool that needs approval: ``None`` approves, a text says why not."""


class Output(Protocol):
    """Where answers are shown."""

    def show(self, event: Event) -> None:
        """Show what has just happened, or leave it for the end."""

    def wait(self) -> None:
        """Somebody is about to be asked something."""

    def end(self, transcript: Transcript) -> None:
        """The turn is over."""


def ask_user(call: PendingCall) -> str | None:
    """Ask who sits at the terminal."""
    question = f"{call.agent} wants to call {call.name} {call.arguments}. May it?"
    return None if click.confirm(question, default=False, err=True) else "the user refused"


def ask_nobody(call: PendingCall) -> str | None:
    """Refuse, because there is no terminal."""
    return "nobody is there to approve of it"


def approve(call: PendingCall) -> str | None:
    """Approve of every call."""
    return None


class Chat:
    """Turns of one conversation; what was said before goes with each.

    Args:
        setup: the config and plugins that the agent runs with.
        agent: its id.
        output: where answers are shown.
        ask: decides on calls that need approval.
    """

    def __init__(self, setup: Setup, agent: str, output: Output, ask: Ask = ask_nobody):
        self._runtime = Runtime(Registry(setup.config, setup.plugins, setup.source))
        self._agent = agent
        self._output = output
        self._ask = ask
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
                ended = [self._turn(runner, agent, said) for said in _messages(message)]
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

    def _turn(self, runner: asyncio.Runner, agent: Agent, said: str) -> bool:
        messages = [*self._history, UserMessage(said)]
        transcript = Transcript()
        runner.run(self._say(agent, messages, transcript))
        while isinstance(transcript.ended, RunPaused):
            paused = transcript.ended
            self._output.wait()
            decisions = {call.id: self._ask(call) for call in paused.calls}
            runner.run(self._go_on(paused.run, decisions, transcript))
        self._output.end(transcript)
        if not isinstance(transcript.ended, RunFinished):
            return False
        self._history = [*messages, AssistantMessage("".join(transcript.texts))]
        return True

    async def _say(self, agent: Agent, messages: Sequence[Message], heard: Transcript) -> None:
        request = ChatCompletionRequest(model=agent.id, messages=list(messages))
        await self._hear(await self._runtime.start(PRINCIPAL, agent, request), heard)

    async def _go_on(self, run: str, decisions: Decisions, heard: Transcript) -> None:
        resumed = await self._runtime.approve(PRINCIPAL, run, decisions)
        if isinstance(resumed, Run):
            await self._hear(resumed, heard)

    async def _hear(self, run: Run, heard: Transcript) -> None:
        """Show a run to its end; an interrupt ends it."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, run.cancel, "operator")
        try:
            await self._follow(run, heard)
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    async def _follow(self, run: Run, transcript: Transcript) -> None:
        position = run.position
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
