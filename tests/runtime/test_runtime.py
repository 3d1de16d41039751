"""The runtime: from a request to a run, and to its end."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from hookline import Credentials, hookimpl
from hookline.errors import (
    AgentNotFound,
    PartUnavailable,
    ProviderBroken,
    ProviderRefused,
    ShuttingDown,
    StoreUnavailable,
    Unauthenticated,
)
from hookline.events import (
    Event,
    Reasoning,
    Refusal,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunStarted,
    Text,
    ToolCallStarted,
    UsageReported,
)
from hookline.permissions import Principal, ResourceFilter
from hookline.providers import ModelFinished, ModelUsage, ToolCallPiece
from hookline.testing import RecordingRecorder, RecordingSink
from hookline.usage import TokenCounts
from hookline.wire.chat import (
    AssistantMessage,
    FunctionDefinition,
    FunctionName,
    FunctionTool,
    NamedToolChoice,
    SystemMessage,
    UserMessage,
)
from support.runtimes import ALICE, STOP, ListedModel, answer, finished, opened, run, start

HELLO = [Text("Hello"), ModelUsage(TokenCounts(input=5, output=1)), STOP]


class Recorded:
    """A plugin with a recorder and a sink."""

    def __init__(self, error: Exception | None = None):
        self.recorder = RecordingRecorder()
        self.sink = RecordingSink(error=error)

    @hookimpl
    def usage_recorder(self) -> RecordingRecorder:
        return self.recorder

    @hookimpl
    def event_sink(self) -> RecordingSink:
        return self.sink


class Backend:
    """A plugin with a permission backend that fails, or lets nobody in."""

    def __init__(self, error: Exception | None = None):
        self.error = error

    @hookimpl
    def permission_backend(self) -> "Backend":
        return self

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        return self._or_fail(None)

    async def allowed(self, principal: Principal, permission: str, kind: str) -> ResourceFilter:
        return self._or_fail(ResourceFilter(frozenset()))

    def _or_fail(self, value: Any) -> Any:
        if self.error is not None:
            raise self.error
        return value


def events_of(model: ListedModel, *plugins: object, **fields: Any) -> Sequence[Event]:
    """What happens in a run of this model."""

    async def work() -> Sequence[Event]:
        async with opened(model, *plugins, **fields.pop("agent", {})) as runtime:
            return await answer(runtime, **fields)

    return run(work)


def test_a_run_says_where_it_begins_and_how_it_ends() -> None:
    """The model's words are between the two."""
    first, *between, last = events_of(ListedModel(HELLO))

    assert isinstance(first, RunStarted)
    assert (first.agent, first.version) == ("helper", 1)
    assert between == [Text("Hello"), UsageReported(0, 5, 1)]
    assert last == RunFinished("stop")


def test_instructions_come_before_the_history() -> None:
    """As a system message; without them there is none."""
    instructed, bare = ListedModel(HELLO), ListedModel(HELLO)

    events_of(instructed, agent={"instructions": "Be brief."})
    events_of(bare)

    assert [SystemMessage("Be brief."), UserMessage("Hi")] == instructed.requests[0].messages
    assert [UserMessage("Hi")] == bare.requests[0].messages


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("EOS", "stop"),
        ("whatever", "stop"),
        ("tool_calls", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("content_filter", "content_filter"),
        ("safety", "content_filter"),
    ],
)
def test_finish_reasons_are_openais(reason: str, expected: str) -> None:
    """Whatever word the upstream has for it."""
    assert events_of(ListedModel([Text("x"), ModelFinished(reason)]))[-1] == RunFinished(expected)


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_calls_that_were_cut_off_are_not_executed(reason: str) -> None:
    """Half an argument is no argument."""
    model = ListedModel([ToolCallPiece(0, "x", "add", '{"a":'), ModelFinished(reason)])

    assert events_of(model)[-1] == RunFinished(reason)
    assert len(model.requests) == 1


def test_a_model_that_does_not_finish_has_failed() -> None:
    """Even if it has said something."""
    ended = events_of(ListedModel([Text("Hel")]))[-1]

    assert isinstance(ended, RunFailed)
    assert ended.code == "provider_broken"


def test_a_failure_keeps_the_upstreams_status() -> None:
    """What was said before it stays said."""
    error = ProviderRefused("slow down", status=429, reason="rate", retry_after=3.0)

    events = events_of(ListedModel([Text("Hel"), error]))

    assert Text("Hel") in events
    assert events[-1] == RunFailed("provider_refused", "slow down", 429, "rate", 3.0)


def test_texts_of_two_turns_are_separated() -> None:
    """A blank line, once, where the second text begins."""
    call = ToolCallPiece(0, "x", "nobody", "{}")
    model = ListedModel([Text("One"), call, STOP], [Reasoning("hm"), STOP])
    last = [Text("Two"), Text("!"), STOP]

    events = events_of(ListedModel([Text("One"), call, STOP], [call, STOP], last))

    texts = [event.text for event in events if isinstance(event, Text)]
    assert texts == ["One", "\n\n", "Two", "!"]
    assert events_of(model)[-1] == RunFinished("stop")


def test_the_model_reads_what_it_said() -> None:
    """Text, reasoning, refusal and calls, then the results."""
    call = ToolCallPiece(0, "up_1", "nobody", "{}")
    model = ListedModel([Reasoning("hm"), Text("One"), Refusal("no"), call, STOP], HELLO)

    events_of(model)

    said, result = model.requests[1].messages[1:]
    assert isinstance(said, AssistantMessage)
    assert (said.content, said.reasoning_content, said.refusal) == ("One", "hm", "no")
    assert said.tool_calls
    assert said.tool_calls[0].id == result.tool_call_id == "up_1"


def test_indexes_go_on_from_turn_to_turn() -> None:
    """One count per run."""
    turn = [ToolCallPiece(0, "a", "x", "{}"), ToolCallPiece(1, "b", "y", "{}"), STOP]

    events = events_of(ListedModel(turn, turn, HELLO))

    started = [event.index for event in events if isinstance(event, ToolCallStarted)]
    assert started == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("choice", "later"),
    [
        ("none", "none"),
        ("auto", "auto"),
        ("required", "auto"),
        (NamedToolChoice(FunctionName("weather")), "auto"),
    ],
    ids=str,
)
def test_a_forced_choice_holds_for_the_first_turn(choice: Any, later: str) -> None:
    """After it the model may stop calling, else the run would never end."""
    model = ListedModel([ToolCallPiece(0, "x", "nobody", "{}"), STOP], HELLO)
    weather = FunctionTool(FunctionDefinition("weather"))

    events_of(model, tool_choice=choice, tools=[weather])

    assert [choice, later] == [request.tool_choice for request in model.requests]


def test_usage_is_recorded_for_every_call_and_the_run_is_closed() -> None:
    """In order, with an id made of run and step."""
    recorded = Recorded()
    call = [ToolCallPiece(0, "x", "nobody", "{}"), ModelUsage(TokenCounts(input=3)), STOP]

    events_of(ListedModel(call, HELLO), recorded)

    entries = recorded.recorder.entries
    (admission,) = recorded.recorder.admissions
    (closing,) = recorded.recorder.closings
    assert [f"{closing.run}:0", f"{closing.run}:1"] == [entry.id for entry in entries]
    assert [(3, 0), (5, 1)] == [(e.tokens.input, e.tokens.output) for e in entries]
    assert (entries[0].user, entries[0].key, closing.outcome) == ("alice", "key_1", "finished")
    assert admission.scope.run == closing.run


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({}, 1000), ({"max_tokens": 7}, 7), ({"max_completion_tokens": 9}, 9)],
    ids=str,
)
def test_admission_knows_how_large_a_run_may_get(fields: dict[str, int], expected: int) -> None:
    """The limit of tokens or what is expected without one, and an estimate of the input."""
    recorded = Recorded()

    events_of(ListedModel(HELLO), recorded, **fields)

    (admission,) = recorded.recorder.admissions
    assert admission.expected_output == expected
    assert admission.estimated_input > 0


def test_what_nobody_counted_is_estimated() -> None:
    """Also when the call fails after it has begun."""
    recorded = Recorded()

    events_of(ListedModel([Reasoning("hm" * 8), ProviderBroken("cut")]), recorded)

    (entry,) = recorded.recorder.entries
    assert entry.estimated
    assert (entry.tokens.output, entry.tokens.reasoning) == (4, 4)
    assert [closing.outcome for closing in recorded.recorder.closings] == ["failed"]


def test_a_call_that_never_began_costs_nothing() -> None:
    """The upstream refused it."""
    recorded = Recorded()

    events_of(ListedModel([ProviderRefused("no", status=400)]), recorded)

    assert recorded.recorder.entries == []


def test_sinks_see_every_event() -> None:
    """In order and without gaps; one that fails harms nobody."""
    seeing, failing = Recorded(), Recorded(error=OSError("full"))

    events = events_of(ListedModel(HELLO), seeing, failing)

    (run_id,) = {batch.scope.run for batch in seeing.sink.batches}
    assert list(seeing.sink.events_of(run_id)) == list(events)


def test_a_cancelled_run_closes_the_model_and_is_billed() -> None:
    """What was consumed counts."""
    recorded = Recorded()
    model = ListedModel([Text("Hel"), asyncio.Event().wait])

    async def work() -> None:
        async with opened(model, recorded) as runtime:
            begun = await start(runtime)
            await begun.log.read(1)
            assert [begun] == list(runtime.running)
            begun.cancel("operator")

            assert (await finished(begun))[-1] == RunCancelled("operator")
            assert list(runtime.running) == []

    run(work)
    assert model.closed == 1
    assert len(recorded.recorder.entries) == 1
    assert [closing.outcome for closing in recorded.recorder.closings] == ["cancelled"]


def test_shutdown_ends_what_still_runs() -> None:
    """And takes nothing new."""

    async def work() -> None:
        async with opened(ListedModel([asyncio.Event().wait])) as runtime:
            begun = await start(runtime)
            runtime.drain()
            with pytest.raises(ShuttingDown):
                await start(runtime)
            assert runtime.closing

        assert begun.ended == RunCancelled("shutdown")

    run(work)


def test_logs_are_released() -> None:
    """A run that has ended can still be read by those who have its log."""

    async def work() -> None:
        async with opened(ListedModel(HELLO)) as runtime:
            begun = await start(runtime)
            assert await runtime.registry.event_logs.find(begun.id) is begun.log
            assert (await finished(begun))[-1] == RunFinished("stop")
            await asyncio.sleep(0)

            assert await runtime.registry.event_logs.find(begun.id) is None

    run(work)


def test_agents_are_found_and_listed() -> None:
    """Those of the config are there from the start."""

    async def work() -> None:
        async with opened(ListedModel(HELLO)) as runtime:
            assert ["helper"] == [agent.id for agent in await runtime.access.list_agents(ALICE)]
            with pytest.raises(AgentNotFound):
                await runtime.access.find_agent(ALICE, "nobody")

    run(work)


def test_a_caller_is_known_to_any_backend_or_to_none() -> None:
    """Backends are asked in turn, and what any of them allows is allowed."""

    async def work() -> None:
        async with opened(ListedModel(HELLO), Backend()) as runtime:
            assert await runtime.access.authenticate(Credentials("alice")) == ALICE
            assert "helper" in await runtime.access.allowed(ALICE)
            with pytest.raises(Unauthenticated):
                await runtime.access.authenticate(Credentials("mallory"))

    run(work)


@pytest.mark.parametrize(
    ("error", "expected"),
    [(OSError("x"), PartUnavailable), (StoreUnavailable("the store is away"), StoreUnavailable)],
    ids=["backend", "store"],
)
def test_permissions_fail_closed(error: Exception, expected: type[Exception]) -> None:
    """A backend that fails lets nobody in, and nobody further."""

    async def work() -> None:
        async with opened(ListedModel(HELLO), Backend(error)) as runtime:
            with pytest.raises(expected):
                await runtime.access.authenticate(Credentials("mallory"))
            with pytest.raises(expected):
                await runtime.access.allowed(ALICE)

    run(work)


def test_an_agent_whose_provider_is_gone_fails() -> None:
    """The message names both."""

    async def work() -> None:
        tables = {"providers": {}}
        async with opened(ListedModel(HELLO), tables=tables) as runtime:
            with pytest.raises(ProviderBroken, match="helper needs the provider local"):
                await start(runtime)

    run(work)
