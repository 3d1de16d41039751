"""What models are given of long conversations, in runs."""

from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from hookline.counting import estimated
from hookline.errors import ContextOverflow, ProviderBroken
from hookline.events import Event, RunFailed
from hookline.summaries import OPENING
from hookline.wire.chat import AssistantMessage, Message, SystemMessage, UserMessage
from support.runtimes import Recorder, answer, run
from support.teams import AgentsModel, end, heard, says, team

TOO_LONG = ContextOverflow("prompt is too long", status=400, reason="context_length_exceeded")
RULES = SystemMessage("Be brief.")


def talk(turns: int) -> list[Message]:
    """A conversation of turns with about 100 tokens each, and a last question."""
    messages: list[Message] = []
    for number in range(turns):
        messages += [UserMessage(f"{number}? ".ljust(180)), AssistantMessage("Yes.".ljust(180))]
    return [*messages, UserMessage("And now?")]


def asked(
    model: AgentsModel, messages: Sequence[Message], *plugins: object, **fields: Any
) -> Sequence[Event]:
    """The events of a run of an agent that can read 1,500 tokens."""
    helper = {"model": "main", "instructions": "Be brief.", "max_context_tokens": 1_500, **fields}

    async def work() -> Sequence[Event]:
        async with team(model, {"helper": helper}, *plugins) as runtime:
            return await answer(runtime, messages=list(messages))

    return run(work)


def test_short_conversations_are_read_whole() -> None:
    """As they came."""
    model = AgentsModel(main=[says("Yes.")])

    asked(model, talk(5))

    assert [RULES, *talk(5)] == model.requests[0].messages


def test_the_oldest_turns_of_long_ones_are_left_out() -> None:
    """The instructions and the newest stay; the log says how much is gone."""
    model, messages = AgentsModel(main=[says("Yes.")]), talk(50)

    with capture_logs() as logs:
        events = asked(model, messages)

    rules, *rest = model.requests[0].messages
    assert (RULES, messages[-len(rest) :]) == (rules, rest)
    assert isinstance(rest[0], UserMessage)
    assert 1_350 < estimated(model.requests[0].messages) <= 1_500
    (found,) = [entry for entry in logs if entry["event"] == "context.pruned"]
    assert len(messages) - len(rest) == found["dropped"]
    assert "Yes." == heard(events)


def test_a_prompt_that_was_too_long_is_tried_again_with_less() -> None:
    """Once: 70 % of it, and the run goes on as if nothing had been."""
    model = AgentsModel(main=[[TOO_LONG], says("Yes.")])

    events = asked(model, talk(50))

    first, second = (estimated(request.messages) for request in model.requests)
    assert 0.6 * first < second <= 0.7 * first
    assert "Yes." == heard(events)


def test_it_is_tried_again_once() -> None:
    """Then it is the caller's to send less: 400 with OpenAI's code."""
    model = AgentsModel(main=[[TOO_LONG]])

    ended = end(asked(model, talk(50)))

    assert isinstance(ended, RunFailed)
    assert ("context_length_exceeded", 400) == (ended.code, ended.status)
    assert 2 == len(model.requests)


def test_nothing_is_sent_again_that_cannot_be_less() -> None:
    """A single message is refused once, in the upstream's words."""
    model = AgentsModel(main=[[TOO_LONG]])

    ended = end(asked(model, [UserMessage("word " * 900)]))

    assert isinstance(ended, RunFailed)
    assert "prompt is too long" == ended.message
    assert 1 == len(model.requests)


def test_a_message_that_is_too_long_is_not_sent() -> None:
    """What has to stay does not fit: nobody is asked, and the caller is told both numbers."""
    model = AgentsModel(main=[says("Yes.")])

    ended = end(asked(model, [UserMessage("word " * 9_000)]))

    assert isinstance(ended, RunFailed)
    assert "context_length_exceeded" == ended.code
    assert "the model can read 1500" in ended.message
    assert [] == model.requests


def test_a_model_with_a_larger_window_may_stand_in() -> None:
    """What is too long for one model is another one's to read."""
    model = AgentsModel(main=[[TOO_LONG]], large=[says("Yes.")])
    spare = [{"provider": "local", "model": "large"}]

    events = asked(model, [UserMessage("word " * 900)], fallbacks=spare)

    assert ["main", "large"] == model.order
    assert "Yes." == heard(events)


SUMMARY = {"provider": "local", "model": "author", "threshold": 0.5}


def test_old_turns_are_summed_up() -> None:
    """From the threshold on, by the named model, with usage of its own; nobody hears of it."""
    model = AgentsModel(main=[says("Yes.")], author=[says("It was about numbers.")])
    recorder = Recorder()

    events = asked(model, talk(10), recorder, summary=SUMMARY)

    assert ["author", "main"] == model.order
    expected = [RULES, UserMessage(OPENING + "It was about numbers."), *talk(10)[-3:]]
    assert expected == model.requests[1].messages
    assert "Yes." == heard(events)
    found = [(entry.model, entry.usage_type) for entry in recorder.recorder.entries]
    assert [("author", "summarization"), ("main", "message")] == found


def test_a_long_summary_leaves_room() -> None:
    """It has a quarter of what can be read at most: a model that does not stop does no harm."""
    model = AgentsModel(main=[says("Yes.")], author=[says("word " * 9_000)])

    events = asked(model, talk(10), summary=SUMMARY)

    _, request = model.requests
    assert talk(10)[-3:] == request.messages[2:]
    assert 300 < estimated(request.messages[1:2]) < 420
    assert "Yes." == heard(events)


def test_below_the_threshold_nothing_is_summed_up() -> None:
    """Half of what can be read, here."""
    model = AgentsModel(main=[says("Yes.")])

    asked(model, talk(6), summary=SUMMARY)

    assert ["main"] == model.order


@pytest.mark.parametrize("failure", [[ProviderBroken("gone")], [TOO_LONG], says("")])
def test_without_a_summary_old_turns_are_left_out(failure: Any) -> None:
    """A model that cannot sum up does not keep the other one from answering."""
    model, messages = AgentsModel(main=[says("Yes.")], author=[failure]), talk(50)

    events = asked(model, messages, summary=SUMMARY)

    *_, request = model.requests
    assert messages[1 - len(request.messages) :] == request.messages[1:]
    assert "Yes." == heard(events)
