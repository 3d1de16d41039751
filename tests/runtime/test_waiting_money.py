"""What runs cost that wait: each part is admitted, billed and closed on its own."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs

import hookline_ledger
from hookline import CallScope, StaticTools, ToolLoader, UsageEntry, hookimpl, tool
from hookline.errors import AdmissionRefused
from hookline.events import RunFinished
from hookline.ledger import Account, EntryQuery, LedgerEntry
from hookline.money import DOLLAR
from hookline.providers import ModelUsage
from hookline.runtime import Runtime
from hookline.testing import RecordingRecorder
from hookline.usage import TokenCounts
from support.approvals import ASKING, LOOK, PAY, Bank, approved, paused, refusal
from support.runtimes import ALICE, ListedModel, Step, finished, opened, run
from support.teams import calls, says

USED = ModelUsage(TokenCounts(input=1_000, output=1_000))
TURNS: Sequence[Sequence[Step]] = [
    [*calls(LOOK, PAY), USED],
    [*calls(PAY), USED],
    [*says("Paid."), USED],
]
COST = DOLLAR // 100
"""Of each model call: 1,000 tokens in and 1,000 out."""

LEDGER: Mapping[str, Any] = {
    "enforce_balance": True,
    "start_balance": "1",
    "cache_seconds": 0.0,
    "prices": [{"model": "*", "input": "3", "output": "7"}],
}


@asynccontextmanager
async def banked(model: ListedModel, *plugins: object, **ledger: Any) -> AsyncIterator[Runtime]:
    """A runtime with a ledger, whose tools have to ask."""
    settings = {**LEDGER, **ledger}
    tables = {"plugins": {"plugin0": settings}}
    async with opened(model, hookline_ledger, Bank(), *plugins, tables=tables, **ASKING) as it:
        yield it


async def account(runtime: Runtime) -> Account:
    """What alice has, once the recorders have been told of everything."""
    store = runtime.registry.store
    while (await store.outbox.counts()).runs:
        await asyncio.sleep(0.01)
    found = await store.ledger.account("user:alice")
    assert found is not None
    return found


async def entries(runtime: Runtime) -> list[LedgerEntry]:
    """What was charged."""
    found = await runtime.registry.store.ledger.entries(EntryQuery(kinds=["usage"]))
    return sorted(found, key=lambda entry: entry.id)


def test_each_part_is_billed_on_its_own() -> None:
    """Every model call is charged once, and while the run waits nothing is reserved for it."""

    async def work() -> None:
        async with banked(ListedModel(*TURNS)) as runtime:
            first, _ = await paused(runtime)
            one = await account(runtime)
            await approved(runtime, first.id)
            two = await account(runtime)
            await approved(runtime, first.id)
            three = await account(runtime)
            charged = await entries(runtime)

        assert [{}, {}, {}] == [each.reservations for each in (one, two, three)]
        assert [DOLLAR - n * COST for n in (1, 2, 3)] == [a.balance for a in (one, two, three)]
        ids = [f"{first.id}:0", f"{first.id}.1:1", f"{first.id}.2:2"]
        assert sorted(ids) == [entry.id for entry in charged]

    run(work)


def test_recorders_hear_of_each_part() -> None:
    """Each part is admitted, recorded and closed; the ids of entries and of ends are distinct."""
    recorder = RecordingRecorder()

    class Recorder:
        @hookimpl
        def usage_recorder(self) -> RecordingRecorder:
            return recorder

    async def work() -> str:
        async with opened(ListedModel(*TURNS), Bank(), Recorder(), **ASKING) as runtime:
            first, _ = await paused(runtime)
            await approved(runtime, first.id)
            await approved(runtime, first.id)
        return first.id

    id_ = run(work)
    parts = [id_, f"{id_}.1", f"{id_}.2"]
    assert parts == [admission.scope.run for admission in recorder.admissions]
    assert parts == [closing.run for closing in recorder.closings]
    assert ["finished"] * 3 == [closing.outcome for closing in recorder.closings]
    models = [entry for entry in recorder.entries if entry.tool is None]
    assert [(part, step) for step, part in enumerate(parts)] == [(e.run, e.step) for e in models]
    assert len(recorder.entries) == len({entry.id for entry in recorder.entries})


def test_who_has_no_money_left_keeps_the_run() -> None:
    """It is refused as any other run would be, waits, and goes on once there is money."""

    async def work() -> None:
        async with banked(ListedModel(*TURNS), start_balance="0.02") as runtime:
            ledger = runtime.registry.store.ledger
            first, ended = await paused(runtime)
            await account(runtime)
            await _set(ledger, -COST)
            errors = [await refusal(runtime.approve(ALICE, first.id, None)) for _ in range(2)]
            found = await runtime.look_up(ALICE, first.id)
            poor = await account(runtime)
            await _set(ledger, DOLLAR)
            await approved(runtime, first.id)
            last = await approved(runtime, first.id)
            events = await finished(last)
            rich = await account(runtime)

        assert [AdmissionRefused] * 2 == [type(error) for error in errors]
        assert ("waiting", ended.calls) == (found.record.state, list(found.approvals))
        assert ({}, -COST) == (poor.reservations, poor.balance)
        assert ({}, DOLLAR - 2 * COST) == (rich.reservations, rich.balance)
        assert RunFinished("stop") == events[-1]

    run(work)


async def _set(ledger: Any, balance: int) -> None:
    """Let alice have so much."""
    found = await ledger.account("user:alice")
    changed = attrs.evolve(found, balance=balance, version=found.version + 1)
    await ledger.change(changed, expected=found.version)


def test_a_server_that_dies_while_tools_work_charges_no_model_call() -> None:
    """What would be settled then is nothing: the model of this part has not been asked yet."""
    recorder, noted = RecordingRecorder(), list[UsageEntry]()

    class Plugin:
        """A recorder, and a tool that looks at what the outbox has of the run it is called in."""

        runtime: Runtime

        @hookimpl
        def usage_recorder(self) -> RecordingRecorder:
            return recorder

        @hookimpl
        def tool_loader(self) -> ToolLoader:
            @tool
            async def pay(amount: int, scope: CallScope) -> str:
                """Pay somebody."""
                registry = self.runtime.registry
                owned = await registry.store.outbox.owned(registry.delivery.server)
                noted.extend(e for run in owned if run.id == f"{scope.run}.1" for e in run.open)
                return "paid"

            return StaticTools(pay)

    async def work() -> None:
        plugin = Plugin()
        fields = {**ASKING, "tools": ["pay"]}
        turns = [calls(PAY), TURNS[2]]
        async with opened(ListedModel(*turns), plugin, **fields) as runtime:
            plugin.runtime = runtime
            first, _ = await paused(runtime)
            await approved(runtime, first.id)

    run(work)
    assert [TokenCounts()] == [entry.tokens for entry in noted]
    assert 1_000 == recorder.entries[-1].tokens.input
