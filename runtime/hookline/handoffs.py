"""Handoffs: a model hands the conversation over to another agent by calling a tool. Seed 13.4."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence

import attrs
import msgspec

from hookline.agents import Agent, Edge
from hookline.calls import Call
from hookline.tools import ToolSpec
from hookline.wire.chat import AssistantMessage, Message, SystemMessage, ToolMessage

PREFIX = "lc_transfer_to_"
NAME_LENGTH = 64
"""Characters of a tool's name. Source: OpenAI's ``FunctionObject``."""

INSTRUCTIONS = "instructions"
"""How the argument of a handoff is called, unless its edge says."""


@attrs.frozen
class Handoff:
    """A way over to another agent, and the tool that goes it."""

    edge: Edge
    target: str
    spec: ToolSpec

    @property
    def key(self) -> str:
        """How the argument is called."""
        return self.edge.prompt_key or INSTRUCTIONS

    def told(self, call: Call) -> str:
        """What the call says to the other agent; empty if it says nothing."""
        if not self.edge.prompt:
            return ""
        try:
            said = msgspec.json.decode(call.text(), type=dict[str, object]).get(self.key)
        except (msgspec.DecodeError, RecursionError):
            return ""
        return said if isinstance(said, str) else ""


def tool_name(prefix: str, agent: str, taken: Collection[str] = ()) -> str:
    """A name for a tool that stands for an agent; not every id may be one."""
    name = prefix + re.sub(r"[^A-Za-z0-9_-]", "_", agent)
    if len(name) <= NAME_LENGTH and name == prefix + agent and name not in taken:
        return name
    mark = hashlib.sha256(agent.encode()).hexdigest()[:8]
    return f"{name[: NAME_LENGTH - len(mark) - 1]}_{mark}"


def handoff(edge: Edge, target: Agent) -> Handoff:
    """The way along an edge to one of its targets."""
    name = target.name or target.id
    about = f": {target.description}" if target.description else ""
    description = edge.description or f"Hand the conversation over to {name}{about}"
    parameters: dict[str, object] = {"type": "object", "properties": {}}
    if edge.prompt:
        key = edge.prompt_key or INSTRUCTIONS
        parameters["properties"] = {key: {"type": "string", "description": edge.prompt}}
    return Handoff(edge, target.id, ToolSpec(tool_name(PREFIX, target.id), description, parameters))


def answer(way: Handoff, target: Agent, told: str) -> str:
    """What the model that hands over reads as the result of its call."""
    text = f"Successfully transferred to {target.name or target.id}"
    return f"{text}\n\n{way.key.capitalize()}: {told}" if told else text


def without_transfers(messages: Sequence[Message], names: Collection[str]) -> list[Message]:
    """Messages without the calls of handoffs and their results; of no use to who takes over."""
    transfers = {
        call.id
        for message in messages
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls or ()
        if call.function.name in names
    }
    kept: list[Message] = []
    for message in messages:
        match message:
            case ToolMessage(tool_call_id=id_) if id_ in transfers:
                continue
            case AssistantMessage(tool_calls=list(calls)) if any(c.id in transfers for c in calls):
                left = [call for call in calls if call.id not in transfers]
                if left or message.content:
                    changed = left or msgspec.UNSET
                    kept.append(msgspec.structs.replace(message, tool_calls=changed))
            case _:
                kept.append(message)
    return kept


def introduction(source: Agent, siblings: Sequence[Agent]) -> SystemMessage:
    """What an agent is told of the one that handed over to it, and of those at work beside it."""
    text = f"{source.name or source.id} has handed this conversation over to you."
    if siblings:
        names = ", ".join(agent.name or agent.id for agent in siblings)
        text += f" At work beside you: {names}."
    return SystemMessage(text)


def taken_over(preface: Sequence[Message], note: SystemMessage) -> list[Message]:
    """An agent's preface with a note at the end of its instructions."""
    if preface and isinstance(preface[0], SystemMessage) and isinstance(preface[0].content, str):
        text = f"{preface[0].content}\n\n{note.content}"
        return [SystemMessage(text), *preface[1:]]
    return [note, *preface]


Handoffs = Mapping[str, Handoff]
"""By the name of the tool."""
