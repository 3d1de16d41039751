"""What one model of an agent gets to read."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from hookline import Agent, ModelRequest
from hookline.branches import Voice
from hookline.counting import count_tokens
from hookline.errors import ContextTooLong
from hookline.parts import Part
from hookline.providers import ModelDelta, ModelFinished
from hookline.reading import Reader
from hookline.tools import ToolSpec
from hookline.wire.chat import AssistantMessage, Message, UserMessage
from hookline_scripted.provider import ScriptedModel

TOOL = ToolSpec("add", "Adds numbers up.", {"type": "object", "properties": {}})
TALK: list[Message] = [
    message
    for number in range(100)
    for message in (UserMessage(f"Question {number}? " * 10), AssistantMessage("Yes. " * 20))
]
ASKED = [*TALK, UserMessage("And now?")]


class Silent:
    """A model that cannot count."""

    parameters = frozenset[str]()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelDelta, None]:
        yield ModelFinished("stop")


def reader(provider: Any, *tools: ToolSpec, **fields: Any) -> Reader:
    """The reader of an agent with this provider."""
    agent = Agent(id="helper", provider="local", model="small", **fields)
    voice = Voice(
        name="local",
        provider=Part("test", "model_provider", provider, None),
        model="small",
        parameters={},
        expected_output=1_000,
        limited=False,
    )
    return Reader.of(agent, voice, tools)


@pytest.mark.parametrize("provider", [Silent(), ScriptedModel()])
def test_a_model_reads_the_newest(provider: Any) -> None:
    """As much as the agent allows, reckoned as the provider counts, or by bytes."""
    found = reader(provider, max_context_tokens=2_000).fit(ASKED)

    assert ASKED[-1] is found.messages[-1]
    assert ASKED[len(found.dropped) :] == found.messages
    assert found.tokens == count_tokens(provider, "small", found.messages).tokens
    assert 1_800 < found.tokens <= 2_000


def test_what_is_read_does_not_grow() -> None:
    """What is added to the conversation later is not for the call that is under way."""
    messages = list(ASKED)

    found = reader(Silent()).fit(messages)
    messages.append(AssistantMessage("Later."))

    assert ASKED == found.messages


def test_tools_take_their_part() -> None:
    """Tools are read with every call, so messages have less."""
    plain, offered = reader(Silent()), reader(Silent(), TOOL)

    assert plain.limit - offered.limit == count_tokens(Silent(), "small", (), [TOOL]).tokens


def test_a_second_try_has_less() -> None:
    """70 % of what was refused, whatever the model was thought to read."""
    model = reader(Silent())
    first = model.fit(ASKED)

    second = model.fit_again(ASKED, first)

    assert () == first.dropped
    assert second.dropped
    assert 0.6 * first.tokens < second.tokens <= 0.7 * first.tokens


def test_what_cannot_be_less_is_refused_again() -> None:
    """A single long message has nothing to leave out."""
    model, messages = reader(Silent()), [UserMessage("word " * 1_000)]

    with pytest.raises(ContextTooLong):
        model.fit_again(messages, model.fit(messages))
