"""``hookline usage``: reports, what is parked, and pricing again."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from hookline.ledger import Account, LedgerEntry
from hookline.moments import now
from hookline.outbox import OutboxRun
from hookline.store import Store
from hookline.testing.outbox_suite import with_parked
from hookline.usage import TokenCounts
from hookline_api.cli import hookline
from hookline_sqlite import SqliteStores

AnswerT = TypeVar("AnswerT")
MONDAY = datetime(2026, 3, 30, 12, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
MARCH = ("--since", "2026-03-01", "--until", "2026-04-01")
PRICES = """
[[plugins.ledger.prices]]
model = "small"
input = "{}"
output = "0"
"""


def call(folder: Path, *words: str) -> Result:
    """Call ``hookline usage`` with a store in this folder."""
    variables = {"HOOKLINE_STORE__URL": url(folder), "HOOKLINE_CONFIG": None}
    return CliRunner(env=variables).invoke(hookline, ["usage", *words])


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/hookline.db"


def done(folder: Path, *words: str) -> Any:
    """What a command prints as JSON when it succeeds."""
    result = call(folder, *words, "--json")
    assert 0 == result.exit_code, result.output
    return json.loads(result.stdout)


def table(folder: Path, *words: str) -> list[str]:
    """The lines of a table, with one space between words."""
    result = call(folder, *words)
    assert 0 == result.exit_code, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def stored(folder: Path, work: Callable[[Store], Awaitable[AnswerT]]) -> AnswerT:
    """What comes of work on the store of this folder."""

    async def opened() -> AnswerT:
        async with SqliteStores().open(url(folder)) as store:
            return await work(store)

    return asyncio.run(opened())


def used(run: str, amount: int, at: datetime = MONDAY, **fields: Any) -> LedgerEntry:
    """A model call that somebody paid for."""
    known = {"agent": "helper", "provider": "p", "model": "small", "user": "alice", "key": "key_1"}
    tokens = TokenCounts(input=1000, output=20, cache_read=300, cache_write=100)
    entry = {"id": f"{run}:0", "run": run, "step": 0, "kind": "usage", "tokens": tokens}
    return LedgerEntry(**{**entry, **known, "amount": -amount, "at": at, **fields})


ENTRIES = [
    used("run_1", 1_500_000_000),
    used("run_2", 1, at=TUESDAY, model="large", estimated=True),
    used("run_3", 250_000_000, at=TUESDAY, user="bob", key=None, agent="coder"),
    used("run_4", 0, at=TUESDAY, model="=new", unpriced=True),
    used(
        "run_5",
        10_000_000,
        id="run_5:0:0",
        kind="tool",
        tool="search",
        tokens=TokenCounts(),
    ),
    LedgerEntry(id="credit_1", kind="credit", account="user:alice", amount=5, at=MONDAY),
]


def march(folder: Path, entries: Sequence[LedgerEntry] = ENTRIES) -> Path:
    """A store in which something was used in March."""
    stored(folder, lambda store: store.ledger.add(entries))
    return folder


def test_usage_is_told_day_by_day(tmp_path: Path) -> None:
    """A line for each day, and the total in the last; amounts are exact."""
    assert [
        "DAY CALLS INPUT CACHED OUTPUT ESTIMATED UNPRICED DOLLARS",
        "2026-03-30 1 1,000 400 20 0 0 1.51",
        "2026-03-31 3 3,000 1,200 60 1 1 0.250000001",
        "total 4 4,000 1,600 80 1 1 1.760000001",
    ] == table(march(tmp_path), *MARCH)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("user", [("alice", "1.510000001"), ("bob", "0.25")]),
        ("key", [(None, "0.25"), ("key_1", "1.510000001")]),
        ("agent", [("coder", "0.25"), ("helper", "1.510000001")]),
        ("provider", [("p", "1.760000001")]),
        ("model", [("=new", "0.00"), ("large", "0.000000001"), ("small", "1.76")]),
        ("tool", [(None, "1.750000001"), ("search", "0.01")]),
        ("account", [(None, "1.760000001")]),
    ],
)
def test_usage_is_grouped(tmp_path: Path, by: str, expected: list[tuple[str | None, str]]) -> None:
    """By whatever is asked for."""
    found = done(march(tmp_path), "--by", by, *MARCH)

    assert expected == [(row["group"][by], row["amount"]) for row in found["data"]]
    assert "1.760000001" == found["total"]["amount"]


def test_usage_is_grouped_by_several(tmp_path: Path) -> None:
    """There is a column for each; nobody's is empty."""
    assert [
        "USER MODEL CALLS INPUT CACHED OUTPUT ESTIMATED UNPRICED DOLLARS",
        "alice =new 1 1,000 400 20 0 1 0.00",
        "alice large 1 1,000 400 20 1 0 0.000000001",
        "alice small 1 1,000 400 20 0 0 1.51",
        "bob small 1 1,000 400 20 0 0 0.25",
        "total 4 4,000 1,600 80 1 1 1.760000001",
    ] == table(march(tmp_path), "--by", "user,model", *MARCH)


@pytest.mark.parametrize(
    ("words", "amount"),
    [
        (["--user", "bob"], "0.25"),
        (["--key", "key_1"], "1.510000001"),
        (["--agent", "coder"], "0.25"),
        (["--model", "large"], "0.000000001"),
        (["--user", "alice", "--model", "small"], "1.51"),
        (["--since", "2026-03-31"], "0.250000001"),
        (["--until", "2026-03-31"], "1.51"),
        (["--since", "2026-03-30T14:00+02:00"], "1.760000001"),
        (["--since", "2026-03-30T12:00:00.000001"], "0.250000001"),
        (["--user", "eve"], "0.00"),
    ],
)
def test_usage_is_chosen(tmp_path: Path, words: list[str], amount: str) -> None:
    """Only what all the options ask for; a time without a zone is one of UTC."""
    found = done(march(tmp_path), *MARCH, *words)

    assert amount == found["total"]["amount"]


def test_usage_is_of_the_last_days_unless_said(tmp_path: Path) -> None:
    """Of thirty days until now."""
    recent = used("run_9", 7, at=now() - timedelta(days=29))
    older = used("run_8", 5, at=now() - timedelta(days=31))
    found = done(march(tmp_path, [recent, older]))

    assert 7 == found["total"]["nanos"]


def test_usage_is_written_as_csv(tmp_path: Path) -> None:
    """Every number; a name that a spreadsheet would take for a formula is no formula."""
    printed = call(march(tmp_path), "--by", "model", "--csv", *MARCH).stdout
    rows = list(csv.DictReader(io.StringIO(printed)))
    [total] = csv.DictReader(io.StringIO(call(tmp_path, "--by", "", "--csv", *MARCH).stdout))

    assert ["'=new", "large", "small"] == [row["model"] for row in rows]
    assert ("0.000000001", "1", "300", "100") == tuple(
        rows[1][name] for name in ("amount", "nanos", "cache_read_tokens", "cache_write_tokens")
    )
    assert ("1.760000001", "4", "1") == (total["amount"], total["calls"], total["tool_calls"])


def test_nothing_used_is_a_total_of_nothing(tmp_path: Path) -> None:
    """In the table, and in JSON."""
    assert "total 0 0 0 0 0 0 0.00" == table(tmp_path)[-1]
    assert [] == done(tmp_path)["data"]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--by", "colour"], 1, "by: 'colour' cannot stand there; name each once of day, user"),
        (["--by", "day,day"], 1, "by: 'day' cannot stand there"),
        (["--since", "2026-04-01", "--until", "2026-03-01"], 1, "since: it must lie before until"),
        (["--until", "0001-01-01"], 1, "since: it must lie before until"),
        (["--since", "yesterday"], 2, "'yesterday' is no ISO date such as 2026-11-21"),
        (["--since", "0001-01-01T00:00+14:00"], 2, "is no ISO date such as"),
        (["--config", "x.toml", "parked"], 2, "--config stands before parked; write it after"),
        (["--by", "user", "retry", "--all"], 2, "--by stands before retry; write it after retry"),
        (["retry"], 2, "name the runs, or say --all"),
        (["retry", "run_1", "--all"], 2, "name the runs, or say --all"),
        (["reprice"], 2, "Missing option '--since'"),
    ],
)
def test_wrong_use_is_one_sentence(
    tmp_path: Path, words: list[str], code: int, sentence: str
) -> None:
    """It says what is wrong."""
    result = call(tmp_path, *words)

    assert (code, "", 1) == (result.exit_code, result.stdout, result.stderr.count("\n"))
    assert sentence in result.stderr


def test_a_report_may_end_when_time_begins(tmp_path: Path) -> None:
    """Thirty days before that there was no day."""
    assert 0 == done(tmp_path, "--until", "0001-01-05")["total"]["calls"]


def parking(folder: Path) -> Path:
    """A store with three parked items, of two runs, and with a run that waits."""
    runs = [
        with_parked("run_a", times=2),
        with_parked("run_b"),
        OutboxRun(id="run_c", server="one", recorders=["ledger"], closing=with_parked("c").closing),
    ]
    stored(folder, lambda store: store.outbox.put(runs, durable=True))
    return folder


def test_what_is_parked_is_listed(tmp_path: Path) -> None:
    """A row for each item, with who could not take it and what it said, in however many lines."""
    found = done(parking(tmp_path), "parked")
    head, *rows = table(tmp_path, "parked")

    assert ["run_a", "run_a", "run_b"] == [one["run"] for one in found]
    assert {"run", "recorder", "item", "error", "attempts", "at"} == set(found[0])
    assert "RUN RECORDER ITEM ATTEMPTS SINCE ERROR" == head
    assert [f"{one['run']} {one['recorder']} {one['item']}" for one in found] == [
        " ".join(row.split()[:3]) for row in rows
    ]
    assert "\n" in found[0]["error"]
    assert all(row.endswith('"so"') for row in rows)


def test_what_is_parked_is_told_again(tmp_path: Path) -> None:
    """The run is nobody's then, so that the next server tells of it; others stay parked."""
    retried = done(parking(tmp_path), "retry", "run_a", "run_c", "run_d")
    left = [one["run"] for one in done(tmp_path, "parked")]
    claimed = stored(tmp_path, lambda store: store.outbox.claim("two", now()))

    assert {"run_a": True, "run_c": False, "run_d": False} == retried
    assert ["run_b"] == left
    assert 2 == len(next(run for run in claimed if run.id == "run_a").waiting("ledger"))


def test_all_that_is_parked_is_told_again(tmp_path: Path) -> None:
    """The second time there is nothing."""
    printed = call(parking(tmp_path), "retry", "--all").stdout

    assert "run_a is told again.\nrun_b is told again.\n" == printed
    assert {} == done(tmp_path, "retry", "--all")
    assert "run_a has nothing parked.\n" == call(tmp_path, "retry", "run_a").stdout


def priced(folder: Path, usd: str) -> Path:
    """A config with this price for a million tokens of input."""
    path = folder / f"price-{usd}.toml"
    path.write_text(PRICES.format(usd))
    return path


def test_usage_is_priced_again(tmp_path: Path) -> None:
    """A dry run says what would be; then the balance is right, and again nothing is left to do."""
    entry = used("run_1", 0, account="user:alice", unpriced=True)
    account = Account(
        id="user:alice", version=1, balance=10**9, created_at=MONDAY, updated_at=MONDAY
    )
    stored(tmp_path, lambda store: store.ledger.change(account, [entry], expected=0))
    march(tmp_path, [used("run_2", 0, model="unknown", unpriced=True)])
    config = ("--config", str(priced(tmp_path, "3")))
    words = ("reprice", *config, "--since", "2026-03-30")
    dry, dry_again = done(tmp_path, *words, "--dry-run"), done(tmp_path, *words, "--dry-run")
    kept, again = done(tmp_path, *words), call(tmp_path, *words)
    found = stored(tmp_path, lambda store: store.ledger.account("user:alice"))

    assert {"entries": 2, "corrected": 1, "amount": 3_000_000, "unpriced": 1} == {
        name: dry[name] for name in ("entries", "corrected", "amount", "unpriced")
    }
    assert dry == dry_again
    assert {**dry, "dry_run": False} == kept
    assert "0 of 2 entries changed, by $0.00; 1 have no price.\n" == again.stdout
    assert found is not None
    assert 10**9 - 3_000_000 == found.balance
    assert "0.003" == done(tmp_path)["total"]["amount"]


def test_a_price_that_fell_gives_back(tmp_path: Path) -> None:
    """The difference is told with its sign; it counts on the day of the correction."""
    march(tmp_path, [used("run_1", 3_000_000)])
    words = ("reprice", "--config", str(priced(tmp_path, "1")), "--since", "2026-03-30")

    assert -2_000_000 == done(tmp_path, *words)["amount"]
    assert ["0.003", "-0.002"] == [
        done(tmp_path, *period)["total"]["amount"] for period in (MARCH, ())
    ]


def test_without_a_price_list_nothing_is_priced_again(tmp_path: Path) -> None:
    """The sentence says what is missing."""
    path = tmp_path / "without.toml"
    path.write_text('[runtime]\ndisabled_plugins = ["ledger"]\n')
    result = call(tmp_path, "reprice", "--config", str(path), "--since", "2026-03-30")

    assert 1 == result.exit_code
    assert "no plugin says what anything costs; is the ledger disabled?" in result.stderr
