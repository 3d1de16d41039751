"""Models that are asked when others fail before their first token."""

from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from hookline import ProviderKind, hookimpl
from hookline.errors import (
    ContextOverflow,
    ProviderBroken,
    ProviderError,
    ProviderRefused,
    ProviderTimeout,
)
from hookline.events import Event, Reasoning, RunFailed, RunFinished, Text
from hookline.fallbacks import worth_another
from hookline.providers import ModelFinished, ModelUsage
from hookline.usage import TokenCounts
from support.runtimes import STOP, ListedModel, Recorder, Settings, answer, run
from support.teams import AgentsModel, end, heard, says, team

BUSY = ProviderRefused("busy", status=503)
SPARE = [{"provider": "local", "model": "spare"}, {"provider": "local", "model": "last"}]


class Entries(Recorder):
    """A plugin that records usage, and tells of it in short."""

    @property
    def entries(self) -> list[tuple[str, int, int, bool]]:
        """Which model was asked in which step, for how much output, and whether it broke off."""
        return [
            (entry.model, entry.step, entry.tokens.output, entry.incomplete)
            for entry in self.recorder.entries
        ]


def asked(model: AgentsModel, *plugins: object, **fields: Any) -> Sequence[Event]:
    """The events of a run of an agent with two models that stand in for its own."""
    helper = {"model": "main", "fallbacks": SPARE, "instructions": "Be brief.", **fields}

    async def work() -> Sequence[Event]:
        async with team(model, {"helper": helper}, *plugins) as runtime:
            return await answer(runtime, temperature=0.5)

    return run(work)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        *((ProviderRefused("no", status=s), True) for s in (401, 402, 403, 404, 408, 409, 425)),
        *((ProviderRefused("no", status=s), True) for s in (429, 500, 502, 503, 504, 529)),
        *((ProviderRefused("no", status=s), False) for s in (400, 405, 413, 415, 422)),
        (ContextOverflow("long", status=400), True),
        (ProviderTimeout("late"), True),
        (ProviderBroken("gone"), True),
        (ProviderError("odd"), True),
    ],
)
def test_what_another_model_may_do_better(error: ProviderError, *, expected: bool) -> None:
    """Load, time, keys and models differ between providers; a wrong request is wrong everywhere."""
    assert expected == worth_another(error)


def test_the_next_one_is_asked_with_everything() -> None:
    """The whole prompt, the tools and the parameters; the caller sees nothing of the failures."""
    model = AgentsModel(main=[[BUSY]], spare=[[ProviderTimeout("late")]], last=[says("Hello.")])

    events = asked(model, tools=["calculator"], on_tool_failure="degrade")

    assert ["main", "spare", "last"] == model.order
    first, second, third = model.requests
    for request in (second, third):
        assert (first.messages, first.tools) == (request.messages, request.tools)
        assert (first.parameters, first.tool_choice) == (request.parameters, request.tool_choice)
    assert "Hello." == heard(events)
    assert RunFinished("stop") == end(events)


def test_a_failure_is_logged_where_another_one_stands_in() -> None:
    """With the provider, the model and what was wrong."""
    model = AgentsModel(main=[[BUSY]], spare=[says("Hello.")])

    with capture_logs() as logs:
        asked(model)

    (found,) = [entry for entry in logs if entry["event"] == "provider.stood_in_for"]
    assert ("local", "main", "busy") == (found["provider"], found["model"], found["error"])


def test_the_last_failure_is_the_runs() -> None:
    """Once nobody is left to ask."""
    gone = ProviderRefused("gone", status=502)
    model = AgentsModel(main=[[BUSY]], spare=[[BUSY]], last=[[gone]])

    ended = end(asked(model))

    assert isinstance(ended, RunFailed)
    assert ("gone", 502) == (ended.message, ended.status)


@pytest.mark.parametrize("said", [Text("Hel"), Reasoning("Hm")])
def test_nobody_else_is_asked_after_the_first_token(said: Any) -> None:
    """The caller has seen some of it; another model would begin anew."""
    model = AgentsModel(main=[[said, ProviderBroken("gone")]], spare=[says("Hello.")])

    ended = end(asked(model))

    assert isinstance(ended, RunFailed)
    assert ["main"] == model.order


def test_a_wrong_request_is_not_sent_elsewhere() -> None:
    """It would be refused there, too."""
    model = AgentsModel(main=[[ProviderRefused("odd", status=400)]], spare=[says("Hello.")])

    ended = end(asked(model))

    assert isinstance(ended, RunFailed)
    assert 400 == ended.status
    assert ["main"] == model.order


def test_each_call_is_recorded_for_who_was_asked() -> None:
    """A call that failed after it had consumed something is paid for, one that did not is not."""
    usage = ModelUsage(TokenCounts(input=7, output=0))
    told = ModelUsage(TokenCounts(input=7, output=3))
    model = AgentsModel(
        main=[[BUSY]],
        spare=[[usage, ProviderBroken("gone")]],
        last=[[Text("Hello."), ModelFinished("stop"), told]],
    )
    recorder = Entries()

    asked(model, recorder)

    steps = [step for _, step, _, _ in recorder.entries]
    assert [("spare", 0, True), ("last", 3, False)] == [
        (name, output, incomplete) for name, _, output, incomplete in recorder.entries
    ]
    assert sorted(set(steps)) == steps


class Plain:
    """A plugin with a model that honours no parameters, as the kind ``plain``."""

    def __init__(self, model: ListedModel):
        self._model = model
        model.parameters = frozenset()

    @hookimpl
    def model_provider(self) -> ProviderKind:
        return ProviderKind("plain", Settings, lambda name, settings: self._model)


def test_parameters_that_are_not_honoured_are_left_out() -> None:
    """A model that stands in does what it can; what it cannot is named in the log."""
    plain = ListedModel([Text("Hello."), STOP])
    model = AgentsModel(main=[[BUSY]])
    providers = {"local": {"kind": "listed"}, "far": {"kind": "plain"}}
    helper = {"model": "main", "fallbacks": [{"provider": "far", "model": "other"}]}

    async def work() -> Sequence[Event]:
        tables = {"providers": providers}
        async with team(model, {"helper": helper}, Plain(plain), tables=tables) as runtime:
            return await answer(runtime, temperature=0.5, max_tokens=9)

    with capture_logs() as logs:
        events = run(work)

    (request,) = plain.requests
    assert ("other", {}) == (request.model, dict(request.parameters))
    assert "Hello." == heard(events)
    (found,) = [entry for entry in logs if entry["event"] == "provider.parameters_left_out"]
    assert ("far", ["max_tokens", "temperature"]) == (found["provider"], found["parameters"])
