"""The seed's table of expected results (its section 11.2), through a whole run.

What is the same: each model call is recorded once and in full, with its cached tokens, and the
output of a run is the sum of its calls. What differs on purpose:

- One entry per call, where the seed writes one for the input and one for the output.
- The input of a run is the sum of what its calls were given, because that is what is paid for. The
  seed returns the first call's alone, and bills all of them: two truths (its section 14.A).
- Cached tokens are part of the input (``TokenCounts``), where the seed's structured spend keeps
  them apart; the provider has made them so. The figures are those of a vendor that adds them.
- A call without usage is estimated and flagged, where the seed skips ``null``.
"""

import asyncio
from collections.abc import Sequence

import pytest

import hookline_ledger
from hookline.events import Text, UsageReported
from hookline.ledger import EntryQuery, LedgerEntry
from hookline.providers import ModelUsage, ToolCallPiece
from hookline.transcript import Transcript
from hookline.usage_blocks import of_anthropic
from support.runtimes import STOP, ListedModel, Step, answer, opened, run

Call = tuple[int, int, int, int]
"""Input, output, cache creation and cache read, as a vendor that adds them reports them."""

TABLE: list[tuple[Sequence[Call], int, int]] = [
    # calls, the seed's input (of the first call), the seed's output (of all)
    ([(100, 50, 0, 0)], 100, 50),
    ([(100, 50, 0, 0), (200, 60, 0, 0)], 100, 110),
    ([(100, 50, 0, 0), (150, 30, 0, 0), (180, 20, 0, 0)], 100, 100),
    ([(100, 50, 0, 0), (80, 40, 0, 0)], 100, 90),
    ([(200, 100, 0, 0), (50, 30, 0, 0)], 200, 130),
    ([(100, 50, 0, 0), (120, 60, 0, 0), (80, 40, 0, 0)], 100, 150),
    ([(100, 50, 20, 10)], 130, 50),
    ([(100, 50, 25, 15)], 140, 50),
    ([(100, 50, 0, 0), (150, 30, 10, 5), (200, 20, 0, 0)], 100, 100),
    (
        [
            (31_596, 151, 0, 0),
            (35_368, 150, 0, 0),
            (58_362, 295, 0, 0),
            (112_604, 193, 0, 0),
            (257_440, 2217, 0, 0),
        ],
        31_596,
        3006,
    ),
    (
        [(788, 163, 30_808, 0), (3802, 149, 768, 30_808), (26_808, 225, 0, 31_576)],
        31_596,
        537,
    ),
]


def turns(calls: Sequence[Call]) -> Sequence[Sequence[Step]]:
    """A model that makes these calls: all but the last one ask for a tool that is not there."""
    made: list[Sequence[Step]] = []
    for number, (given, said, written, read) in enumerate(calls):
        block = {
            "input_tokens": given,
            "output_tokens": said,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
        }
        asks = number + 1 < len(calls)
        piece = ToolCallPiece(0, f"call{number}", "none", "{}") if asks else Text("done")
        made.append([piece, ModelUsage(of_anthropic(block)), STOP])
    return made


async def recorded(calls: Sequence[Call]) -> tuple[list[LedgerEntry], Transcript]:
    """What the ledger holds after such a run, and what the run's log says."""
    model = ListedModel(*turns(calls))
    async with opened(model, hookline_ledger, recursion_limit=50) as runtime:
        transcript = Transcript()
        transcript.add(await answer(runtime))
        ledger = runtime.registry.store.ledger
        while len(found := await ledger.entries(EntryQuery())) < len(calls):
            await asyncio.sleep(0.005)
        return sorted(found, key=lambda entry: entry.step or 0), transcript


@pytest.mark.parametrize(("calls", "first_input", "output"), TABLE)
def test_every_call_is_recorded_in_full(
    calls: Sequence[Call], first_input: int, output: int
) -> None:
    """Once each, with its cached tokens; the run's output is their sum."""
    entries, transcript = run(lambda: recorded(calls))

    counted = [
        (e.tokens.input - e.tokens.cache_write - e.tokens.cache_read, e.tokens.output)
        for e in entries
    ]
    cached = [(e.tokens.cache_write, e.tokens.cache_read) for e in entries]
    assert [(given, said) for given, said, _, _ in calls] == counted
    assert [(written, read) for _, _, written, read in calls] == cached
    assert first_input == entries[0].tokens.input
    assert output == transcript.usage.completion_tokens
    assert sum(e.tokens.input for e in entries) == transcript.usage.prompt_tokens


def test_a_call_without_usage_is_estimated() -> None:
    """The seed skips it: it is billed for nothing."""

    async def work() -> tuple[LedgerEntry, Sequence[UsageReported]]:
        async with opened(ListedModel([Text("x" * 40), STOP]), hookline_ledger) as runtime:
            events = await answer(runtime)
            ledger = runtime.registry.store.ledger
            while not (found := await ledger.entries(EntryQuery())):
                await asyncio.sleep(0.005)
            return found[0], [event for event in events if isinstance(event, UsageReported)]

    entry, (told,) = run(work)

    assert (True, 10) == (entry.estimated, entry.tokens.output)
    assert (True, 10) == (told.estimated, told.output_tokens)
