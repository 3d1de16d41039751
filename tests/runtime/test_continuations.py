"""Going on with a run after the caller has executed tools of its own."""

from collections.abc import Sequence

import pytest

from hookline.calls import Call
from hookline.continuations import keep, restore
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


def restored(
    messages: Sequence[Message], *, user: str = "alice", agent: str = "helper"
) -> Sequence[Message]:
    """The history, with what was kept put back."""

    async def work() -> Sequence[Message]:
        store: ContinuationStore = MemoryStore().continuations
        await keep(store, scope(), "helper", PRODUCED, CALLS, hours=1.0)
        return (await restore(store, messages, user=user, agent=agent)).messages

    return run(work)


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
