"""Going on with a run after the caller has executed tools of its own."""

from collections.abc import Sequence

import pytest

from hookline.calls import Call
from hookline.continuations import Restored, keep, restore
from hookline.store import ContinuationStore
from hookline.wire.chat import (
    AssistantMessage,
    FunctionCall,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from hookline_memory import MemoryStore
from support.runtimes import run, scope

QUESTION = UserMessage("Well?")


def model_call(id_: str, name: str = "weather", arguments: str = "{}") -> ToolCall:
    """A call as it stands in a message."""
    return ToolCall(id=id_, function=FunctionCall(name, arguments))


def handed(public: str, own: str) -> Call:
    """A call that was handed to the caller."""
    return Call(index=0, owner="caller", name="weather", id=own, public_id=public)


PRODUCED: Sequence[Message] = [
    AssistantMessage("Let me see.", tool_calls=[model_call("up_1", "add")]),
    ToolMessage("up_1", "3"),
    AssistantMessage(
        tool_calls=[model_call("up_2"), model_call("up_3", "add"), model_call("up_4")]
    ),
    ToolMessage("up_3", "7"),
]
CALLS = [handed("call_a", "up_2"), handed("call_b", "up_4")]


def gone_on_with(
    messages: Sequence[Message],
    *,
    user: str = "alice",
    agent: str = "helper",
    produced: Sequence[Message] = PRODUCED,
) -> Restored:
    """What is made of a history."""

    async def work() -> Restored:
        store: ContinuationStore = MemoryStore().continuations
        await keep(store, scope(), "helper", produced, CALLS, hours=1.0)
        return await restore(store, messages, user=user, agent=agent)

    return run(work)


def restored(messages: Sequence[Message], **whose: str) -> Sequence[Message]:
    """The history, with what was kept put back."""
    return gone_on_with(messages, **whose).messages


def callers(*calls: ToolCall) -> list[Message]:
    """What the caller sends: its question, the calls that it saw, and their results."""
    results = [ToolMessage(call.id, f"result of {call.id}") for call in calls]
    return [QUESTION, AssistantMessage("Let me see.", tool_calls=list(calls)), *results]


def test_what_the_run_did_is_put_back() -> None:
    """Calls of the server's tools and their results come back, under the model's own ids."""
    messages = restored(callers(model_call("call_a"), model_call("call_b")))

    assert [
        QUESTION,
        *PRODUCED,
        ToolMessage("up_2", "result of call_a"),
        ToolMessage("up_4", "result of call_b"),
    ] == list(messages)


def test_a_caller_may_edit_its_calls() -> None:
    """The arguments count that the caller sends, and a call that it leaves out is gone."""
    messages = restored(callers(model_call("call_a", arguments='{"city":"Rome"}')))

    last = messages[3]
    assert isinstance(last, AssistantMessage)
    assert [
        model_call("up_2", arguments='{"city":"Rome"}'),
        model_call("up_3", "add"),
    ] == last.tool_calls


def test_a_caller_may_add_calls_of_its_own() -> None:
    """They stand among the others, and keep the ids that the caller gave them."""
    added = model_call("mine", "look")
    messages = restored(callers(added, model_call("call_a"), model_call("call_b")))

    last = messages[3]
    assert isinstance(last, AssistantMessage)
    assert [
        model_call("up_2"),
        model_call("up_3", "add"),
        model_call("up_4"),
        added,
    ] == last.tool_calls
    answered = [m.tool_call_id for m in messages if isinstance(m, ToolMessage)]
    assert ["up_1", "up_3", "mine", "up_2", "up_4"] == answered


def test_ids_that_a_model_uses_again_are_of_its_last_turn() -> None:
    """A call of an earlier turn stays what it was, though it has the id of one that is edited."""
    first = AssistantMessage(tool_calls=[model_call("up_2", "add", '{"a":1}')])
    produced = [first, ToolMessage("up_2", "3"), AssistantMessage(tool_calls=[model_call("up_2")])]
    edited = callers(model_call("call_a", arguments='{"city":"Rome"}'))

    messages = gone_on_with(edited, produced=produced).messages

    assert first == messages[1]
    assert (
        AssistantMessage(tool_calls=[model_call("up_2", arguments='{"city":"Rome"}')])
        == messages[3]
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], "run_1"),
        ([UserMessage("And?")], "run_1"),
        ([AssistantMessage("So it is."), UserMessage("And?")], None),
    ],
    ids=["results", "results and a question", "an answer"],
)
def test_what_a_request_goes_on_with(more: list[Message], expected: str | None) -> None:
    """With the run whose calls it answers; once that was answered in turn, it begins anew."""
    found = gone_on_with([*callers(model_call("call_a"), model_call("call_b")), *more])

    assert expected == found.run


def test_an_added_call_at_the_end_does_not_begin_anew() -> None:
    """It is enough that one of the calls is the run's."""
    found = gone_on_with(callers(model_call("call_a"), model_call("mine", "look")))

    assert ("run_1", "helper") == (found.run, found.speaker)


@pytest.mark.parametrize("whose", [{"user": "bob"}, {"agent": "other"}], ids=["user", "agent"])
def test_what_was_kept_is_nobody_elses(whose: dict[str, str]) -> None:
    """Another user, or another agent, goes on with what the request says alone."""
    messages = callers(model_call("call_a"))

    assert messages == restored(messages, **whose)


@pytest.mark.parametrize(
    "messages",
    [[QUESTION], [QUESTION, AssistantMessage("No."), QUESTION], callers(model_call("call_z"))],
    ids=["no answer", "no calls", "unknown calls"],
)
def test_other_histories_stay_as_they_are(messages: list[Message]) -> None:
    """Nothing is put into them."""
    assert messages == restored(messages)
