"""``hookline balance``: list, show, add, limits, refill and entries."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hookline.ledger import Account, LedgerEntry, Reservation
from hookline.moments import now
from hookline.usage import TokenCounts
from hookline_api.cli import hookline
from hookline_sqlite import SqliteStores

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def call(folder: Path, *words: str) -> Result:
    """Call ``hookline`` with a store in this folder."""
    variables = {"HOOKLINE_STORE__URL": f"sqlite:///{folder}/hookline.db", "HOOKLINE_CONFIG": None}
    return CliRunner(env=variables).invoke(hookline, list(words))


def done(folder: Path, *words: str) -> Any:
    """What ``hookline balance`` prints as JSON when it succeeds."""
    result = call(folder, "balance", *words, "--json")
    assert 0 == result.exit_code, result.output
    return json.loads(result.stdout)


def refusal(folder: Path, *words: str, code: int = 1) -> str:
    """The sentence of a ``hookline balance`` that fails."""
    result = call(folder, "balance", *words)
    assert (code, "", 1) == (result.exit_code, result.stdout, result.stderr.count("\n"))
    return result.stderr


def table(folder: Path, *words: str) -> list[str]:
    """The lines of a table, with one space between words."""
    result = call(folder, "balance", *words)
    assert 0 == result.exit_code, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def with_alice(folder: Path) -> Path:
    """A store with the user alice."""
    assert 0 == call(folder, "users", "create", "alice").exit_code
    return folder


def kept(folder: Path, account: Account, entries: Sequence[LedgerEntry] = ()) -> Path:
    """A store with an account, as a server would have left it."""

    async def work() -> None:
        async with SqliteStores().open(f"sqlite:///{folder}/hookline.db") as store:
            await store.ledger.change(account, entries, expected=0)

    asyncio.run(work())
    return folder


def test_dollars_are_added_and_taken(tmp_path: Path) -> None:
    """A name alone is that of a user; what is printed is the account after it, exactly."""
    with_alice(tmp_path)
    added = done(tmp_path, "add", "alice", "5", "--note", "a gift")
    taken = done(tmp_path, "add", "user:alice", "-2.500000001")

    assert ("user:alice", "5.00", "5000000", 1) == tuple(
        added[name] for name in ("id", "balance", "credits", "version")
    )
    assert ("2.499999999", 2_499_999_999, "2499999.999", "0.00") == tuple(
        taken[name] for name in ("balance", "nanos", "credits", "reserved")
    )
    assert taken == done(tmp_path, "show", "alice")


def test_an_amount_below_zero_needs_no_dashes_before_it(tmp_path: Path) -> None:
    """It is not taken for an option, wherever the note stands."""
    with_alice(tmp_path)

    assert "-0.50" == done(tmp_path, "add", "alice", "-.5")["balance"]
    assert "-1.00" == done(tmp_path, "add", "--note", "x", "alice", "-0.5")["balance"]


def test_what_was_added_is_written_down(tmp_path: Path) -> None:
    """As entries, newest first, and in the audit under the user of the system."""
    with_alice(tmp_path)
    done(tmp_path, "add", "alice", "5", "--note", "a gift")
    done(tmp_path, "add", "alice", "-2")
    newest, oldest = done(tmp_path, "entries", "alice")
    [audited, *_] = json.loads(call(tmp_path, "audit", "list", "--json").stdout)

    assert ("credit", -2_000_000_000, "") == tuple(
        newest[name] for name in ("kind", "amount", "detail")
    )
    assert ("credit", 5_000_000_000, "a gift") == tuple(
        oldest[name] for name in ("kind", "amount", "detail")
    )
    assert [newest] == done(tmp_path, "entries", "alice", "--limit", "1")
    assert ("account", "user:alice", "update", "took $2.00") == tuple(
        audited[name] for name in ("kind", "subject", "action", "detail")
    )
    assert audited["actor"].startswith("cli:")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["add", "eve", "5"], "there is no user eve"),
        (["add", "group:devs", "5"], "there is no group devs"),
        (["add", "key:key_1", "5"], "there is no key key_1"),
        (["add", "role:admin", "5"], "role:admin is no account; write user:ID, group:ID or key:"),
        (["add", "alice", "much"], "amount: much is no amount of dollars"),
        (["add", "alice", "0.0000000001"], "up to nine decimals"),
        (["add", "alice", "1000000001"], "up to a billion"),
        (["add", "alice", "nan"], "amount: nan is no amount of dollars"),
        (["add", "alice", "0"], "amount: 0 changes nothing"),
        (["show", "alice"], "user alice has no account; one comes to be"),
        (["limits", "alice", "--day", "-1"], "day: a limit cannot be below zero"),
        (["limits", "alice", "--month", "x"], "month: x is no amount of dollars"),
        (["limits", "eve", "--none"], "there is no user eve"),
        (["limits", "group:devs", "--day", "1"], "a group can pay, and is not limited"),
        (["refill", "alice", "--amount", "-1"], "the amount must not be below zero"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    """It names what is wrong; no account comes to be by it."""
    with_alice(tmp_path)

    assert sentence in refusal(tmp_path, *words)
    assert [] == done(tmp_path, "list")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["limits", "alice"], "name at least one limit, or say --none"),
        (["limits", "alice", "--none", "--day", "1"], "name at least one limit, or say --none"),
        (["limits", "alice", "--requests", "0"], "0 is not in the range x>=1"),
        (["refill", "alice"], "give an --amount, or say --none"),
        (["refill", "alice", "--none", "--amount", "1"], "give an --amount, or say --none"),
        (["refill", "alice", "--amount", "1", "--unit", "years"], "'years' is not one of"),
        (["add", "alice", "5", "--nota", "x"], "unexpected extra arguments (--nota x)"),
    ],
)
def test_wrong_use_ends_with_two(tmp_path: Path, words: list[str], sentence: str) -> None:
    """Before a store is opened."""
    assert sentence in refusal(tmp_path, *words, code=2)
    assert not (tmp_path / "hookline.db").exists()


def test_limits_are_set_as_a_whole(tmp_path: Path) -> None:
    """Those that are not named again are gone; ``--none`` leaves those of the settings."""
    with_alice(tmp_path)
    first = done(tmp_path, "limits", "alice", "--day", "1", "--month", "0.25", "--tokens", "1000")
    second = done(tmp_path, "limits", "alice", "--day", "0", "--requests", "60")
    shown = table(tmp_path, "show", "alice")
    third = done(tmp_path, "limits", "alice", "--none")

    assert {"day": "1.00", "month": "0.25", "requests": None, "tokens": 1000} == first["limits"]
    assert {"day": "0.00", "month": None, "requests": 60, "tokens": None} == second["limits"]
    assert "limits $0.00 a day, 60 requests a minute" in shown
    assert (None, None) == (third["limits"], third["balance"])


def test_an_account_refills_as_it_is_told(tmp_path: Path) -> None:
    """30 days unless said; an amount of 0 is never, which is not the settings' way."""
    with_alice(tmp_path)
    plain = done(tmp_path, "refill", "alice", "--amount", "5")
    monthly = ("refill", "alice", "--amount", "5", "--interval", "2", "--unit", "months")
    shown = [
        table(tmp_path, *words)[-1]
        for words in (monthly, ("refill", "alice", "--amount", "0"), ("refill", "alice", "--none"))
    ]

    assert {"amount": "5.00", "interval": 30, "unit": "days"} == plain["refill"]
    assert [
        "refill $5.00 every 2 months",
        "refill never",
        "refill as in the settings",
    ] == shown


def test_accounts_are_listed(tmp_path: Path) -> None:
    """With what they have, in dollars and credits, and what calls under way may need."""
    with_alice(tmp_path)
    day = timedelta(days=1)
    reservations = {
        "run_1:0": Reservation(amount=250_000_000, until=now() + day),
        "run_2:0": Reservation(amount=10**9, until=now() - day),
    }
    times = {"created_at": NOON, "updated_at": NOON}
    account = Account(id="group:devs", version=1, balance=-42, reservations=reservations, **times)
    kept(tmp_path, account)
    done(tmp_path, "limits", "alice", "--day", "1")

    assert [
        "ACCOUNT BALANCE CREDITS RESERVED LIMITS",
        "group:devs -0.000000042 -0.042 0.25",
        "user:alice $1.00 a day",
    ] == table(tmp_path, "list")
    assert [("group:devs", "-0.000000042"), ("user:alice", None)] == [
        (one["id"], one["balance"]) for one in done(tmp_path, "list")
    ]


def test_an_account_is_shown(tmp_path: Path) -> None:
    """In words, on a terminal; one without a balance says so."""
    with_alice(tmp_path)
    done(tmp_path, "limits", "alice", "--tokens", "1000", "--month", "20")
    without = table(tmp_path, "show", "alice")
    done(tmp_path, "add", "alice", "5.25")

    assert [
        "FIELD VALUE",
        "account user:alice",
        "balance none: nothing is paid from it",
        "spent $0.00 today, $0.00 this month (UTC)",
        "limits $20.00 a month, 1000 tokens a minute",
        "refill as in the settings",
    ] == without
    assert [
        "balance $5.25 (5250000 credits)",
        "reserved $0.00",
    ] == table(tmp_path, "show", "alice")[2:4]


def test_an_account_of_somebody_who_is_gone_can_be_seen(tmp_path: Path) -> None:
    """What was left stays to be accounted for; nothing more is added to it."""
    with_alice(tmp_path)
    done(tmp_path, "add", "alice", "5")
    assert 0 == call(tmp_path, "users", "delete", "alice").exit_code

    assert "5.00" == done(tmp_path, "show", "alice")["balance"]
    assert "there is no user alice" in refusal(tmp_path, "add", "alice", "1")


def test_entries_say_what_was_paid_for(tmp_path: Path) -> None:
    """A row for each, with the model, its tokens and its price."""
    entry = LedgerEntry(
        id="run_1:0",
        kind="usage",
        account="user:alice",
        amount=-1_234,
        at=NOON,
        agent="helper",
        model="m",
        tokens=TokenCounts(input=1200, output=7),
        detail="a word",
    )
    times = {"created_at": NOON, "updated_at": NOON}
    kept(tmp_path, Account(id="user:alice", version=1, balance=-1_234, **times), [entry])

    assert [
        "AT KIND DOLLARS AGENT MODEL INPUT OUTPUT ID DETAIL",
        "2026-11-21T12:00:00Z usage -0.000001234 helper m 1,200 7 run_1:0 a word",
    ] == table(tmp_path, "entries", "alice")
    assert [] == done(tmp_path, "entries", "group:devs")
