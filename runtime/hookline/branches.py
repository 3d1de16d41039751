"""Branches: one agent at work in a run, with what it needs and what it reads.

Most runs have one. Where agents hand over to each other, each has its own history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import attrs

from hookline.agents import Agent
from hookline.calls import Call
from hookline.events import Event, StopReason
from hookline.parts import Part
from hookline.providers import ModelProvider
from hookline.summaries import Digest
from hookline.toolbox import Toolbox
from hookline.wire.chat import AssistantMessage, Message
from hookline.wire.completion import FinishReason


class Appending(Protocol):
    """Takes events: the log of a run, or a channel that waits for its turn to speak."""

    def append(self, event: Event) -> None:
        """Take an event. Never blocks."""


class Silence:
    """Takes events that nobody shall hear."""

    def append(self, event: Event) -> None:
        """Forget it."""


@attrs.frozen(kw_only=True)
class Voice:
    """A model of a provider, and what it is asked with.

    Args:
        name: of the provider, in the config.
        provider: its part.
        model: the model's name.
        parameters: OpenAI's request fields.
        expected_output: tokens that a call may have.
        limited: whether the provider was told so.
    """

    name: str
    provider: Part[ModelProvider]
    model: str
    parameters: Mapping[str, Any]
    expected_output: int
    limited: bool


@attrs.frozen(kw_only=True, eq=False)
class Member:
    """An agent that may have its turn in a run, with all that it needs for it.

    ``voices`` are its model and, after it, those asked when it fails. ``preface`` are the messages
    that it reads before the conversation: its instructions. ``limit`` is how many turns it may
    have, of the model and of tools. ``summary`` is the model that sums up what it cannot read.
    """

    agent: Agent
    voices: Sequence[Voice]
    toolbox: Toolbox
    preface: Sequence[Message] = ()
    limit: int
    summary: Voice | None = None

    @property
    def may_wait(self) -> bool:
        """Whether a run may have to wait until somebody approves of a call."""
        return any(options.require_approval for options in self.agent.tool_options.values())


@attrs.frozen(kw_only=True)
class Turn:
    """What the model did: why it stopped, and what the server has to execute."""

    finish_reason: FinishReason
    stop_reason: StopReason | None = None
    server_calls: Sequence[Call] = ()
    caller_calls: Sequence[Call] = ()


@dataclass(kw_only=True, slots=True)
class Branch:
    """One agent at work.

    Args:
        id: counts the branches of a run from 0.
        member: who works.
        messages: what it reads: the conversation, and what it has made itself.
        preface: how many of them come before the conversation.
        read: how many of them the caller knows, the preface counted.
        channel: where its events go.
        produced: the messages that it has made.
        alone: whether nobody works beside it, so that it may call the caller's tools.
        call_count: how many calls of tools were made before; the next has this index.
        spoke: whether anybody has said anything before.
        steps: turns of the model and of tools so far.
        step: the number of its last model call in the run.
        turn: its last turn.
        offered: the names of the tools with which it could hand over in that turn.
        before: the ids of the agents that worked before it.
        ended: whether it has ended.
        final: whether nobody went on after it.
        digest: what stands for the oldest of the messages.
    """

    id: int
    member: Member
    messages: list[Message]
    preface: int = 0
    read: int = 0
    channel: Appending
    produced: list[Message] = field(default_factory=list)
    alone: bool = True
    call_count: int = 0
    spoke: bool = False
    steps: int = 0
    step: int = 0
    turn: Turn | None = None
    offered: Sequence[str] = ()
    before: tuple[str, ...] = ()
    ended: bool = False
    final: bool = False
    digest: Digest | None = None

    def add(self, message: Message) -> None:
        """It made a message, and reads it next time."""
        self.messages.append(message)
        self.produced.append(message)

    @property
    def words(self) -> str:
        """What it has said last."""
        said = (m.content for m in reversed(self.produced) if isinstance(m, AssistantMessage))
        return next((words for words in said if isinstance(words, str)), "")
