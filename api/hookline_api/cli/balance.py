"""``hookline balance``: who has how much, what limits them, and how they refill."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hookline_api.cli.options import config_option, example, json_option

if TYPE_CHECKING:
    from hookline.administration import Actor, Administration
    from hookline.ledger import Account, LedgerEntry

COLUMNS = ("ACCOUNT", "BALANCE", "CREDITS", "RESERVED", "LIMITS")
ENTRIES = ("AT", "KIND", "DOLLARS", "AGENT", "MODEL", "INPUT", "OUTPUT", "ID", "DETAIL")
UNITS = ("seconds", "minutes", "hours", "days", "weeks", "months")
PER_MINUTE = click.IntRange(min=1)

none_option = click.option("--none", "remove", is_flag=True, help="Only what the config says.")


def account_id(_: click.Context, __: click.Parameter, text: str) -> str:
    """An account's id; a name alone is that of a user."""
    return text if ":" in text else f"user:{text}"


account_argument = click.argument("account", metavar="ACCOUNT", callback=account_id)


@click.group()
@example("hookline balance add alice 5")
def balance() -> None:
    """See and change what users, groups and keys can spend.

    An ACCOUNT is user:ID, group:ID or key:ID; an ID alone is that of a user.
    """


@balance.command("list")
@config_option
@json_option
@example("hookline balance list")
def list_(*, path: Path | None, as_json: bool) -> None:
    """List all accounts."""
    from hookline_api.accounts import document
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_json, print_table

    async def work(office: "Administration", _: "Actor") -> "Sequence[Account]":
        found: list[Account] = []
        while page := await office.store.ledger.accounts(after=found[-1].id if found else ""):
            found += page
        return found

    found = administered(path, work)
    if as_json:
        print_json([document(one) for one in found])
        return
    print_table(COLUMNS, map(_row, found))


@balance.command()
@config_option
@account_argument
@json_option
@example("hookline balance show alice", "hookline balance show group:developers --json")
def show(*, path: Path | None, account: str, as_json: bool) -> None:
    """Show one account."""
    from hookline_api.cli.office import administered

    _print(administered(path, lambda office, _: office.accounts.get(account)), as_json=as_json)


@balance.command(context_settings={"ignore_unknown_options": True})
@config_option
@account_argument
@click.argument("amount", metavar="DOLLARS")
@click.option("--note", default="", help="What it is for.")
@json_option
@example("hookline balance add alice 5", "hookline balance add alice -2.50 --note refund")
def add(*, path: Path | None, account: str, amount: str, note: str, as_json: bool) -> None:
    """Add dollars to an account, or take them away if below zero."""
    from hookline.money import nanos
    from hookline_api.cli.office import administered

    wanted = nanos(amount)
    done = administered(
        path, lambda office, actor: office.accounts.credit(actor, account, wanted, note)
    )
    _print(done, as_json=as_json)


@balance.command()
@config_option
@account_argument
@click.option("--day", metavar="DOLLARS", help="In a day (UTC).")
@click.option("--month", metavar="DOLLARS", help="In a month (UTC).")
@click.option("--requests", type=PER_MINUTE, help="A minute.")
@click.option("--tokens", type=PER_MINUTE, help="A minute.")
@none_option
@json_option
@example(
    "hookline balance limits alice --day 1 --requests 60", "hookline balance limits alice --none"
)
def limits(*, path: Path | None, account: str, remove: bool, as_json: bool, **named: Any) -> None:
    """Give an account limits of its own, in the place of those it had."""
    from hookline.ledger import Limits
    from hookline.money import nanos
    from hookline_api.cli.failures import WrongUse
    from hookline_api.cli.office import administered

    money = {name: named.pop(name) for name in ("day", "month")}
    amounts = {name: None if usd is None else nanos(usd, name) for name, usd in money.items()}
    given = Limits(**amounts, **named)
    if (given == Limits()) is not remove:
        message = "name at least one limit, or say --none"
        raise WrongUse(message)
    wanted = None if remove else given
    done = administered(
        path, lambda office, actor: office.accounts.set_limits(actor, account, wanted)
    )
    _print(done, as_json=as_json)


@balance.command()
@config_option
@account_argument
@click.option("--amount", metavar="DOLLARS", help="What is added each time; 0 for never.")
@click.option("--interval", type=click.IntRange(min=1), default=30, show_default=True)
@click.option("--unit", type=click.Choice(UNITS), default="days", show_default=True)
@none_option
@json_option
@example("hookline balance refill alice --amount 5 --interval 1 --unit months")
def refill(*, path: Path | None, account: str, remove: bool, as_json: bool, **named: Any) -> None:
    """Say how an account refills itself once it has run out."""
    from hookline.ledger import Refill
    from hookline.money import nanos
    from hookline_api.cli.failures import WrongUse
    from hookline_api.cli.office import administered

    amount: str | None = named.pop("amount")
    if (amount is None) is not remove:
        message = "give an --amount, or say --none"
        raise WrongUse(message)
    wanted = None
    if amount is not None:
        wanted = Refill(amount=nanos(amount), **named)
    done = administered(
        path, lambda office, actor: office.accounts.set_refill(actor, account, wanted)
    )
    _print(done, as_json=as_json)


@balance.command()
@config_option
@account_argument
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@example("hookline balance entries alice --limit 10")
def entries(*, path: Path | None, account: str, limit: int, as_json: bool) -> None:
    """List what was paid from an account and added to it, newest first."""
    from hookline.ledger import EntryQuery
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_things

    query = EntryQuery(account=account)
    found = administered(path, lambda office, _: office.store.ledger.entries(query, limit=limit))
    print_things(found, ENTRIES, _entry_row, as_json=as_json)


def _print(account: "Account", *, as_json: bool) -> None:
    from hookline_api.accounts import document
    from hookline_api.cli.output import print_json, print_table

    if as_json:
        print_json(document(account))
        return
    print_table(("FIELD", "VALUE"), _facts(account))


def _facts(account: "Account") -> Iterator[tuple[str, str]]:
    from hookline.moments import now
    from hookline.money import credits_of, shown
    from hookline_api.accounts import document

    spent = document(account).spent
    yield "account", account.id
    if account.balance is None:
        yield "balance", "none: nothing is paid from it"
    else:
        yield "balance", f"{shown(account.balance)} ({credits_of(account.balance)} credits)"
        yield "reserved", f"{shown(account.reserved(now()))}"
    yield "spent", f"${spent.day} today, ${spent.month} this month (UTC)"
    yield "limits", _limits(account) or "those of the settings"
    own = account.refill
    if own is None:
        yield "refill", "as in the settings"
    elif own.amount:
        yield "refill", f"{shown(own.amount)} every {own.interval} {own.unit}"
    else:
        yield "refill", "never"


def _row(account: "Account") -> Sequence[str]:
    from hookline.moments import now
    from hookline.money import credits_of, dollars

    if account.balance is None:
        return (account.id, "", "", "", _limits(account))
    reserved = dollars(account.reserved(now()))
    money = (dollars(account.balance), credits_of(account.balance), reserved)
    return (account.id, *money, _limits(account))


def _limits(account: "Account") -> str:
    from hookline.money import shown

    own = account.limits
    if own is None:
        return ""
    words = [
        f"{shown(amount)} a {name}"
        for name, amount in (("day", own.day), ("month", own.month))
        if amount is not None
    ]
    words += [
        f"{count} {name} a minute"
        for name, count in (("requests", own.requests), ("tokens", own.tokens))
        if count is not None
    ]
    return ", ".join(words)


def _entry_row(entry: "LedgerEntry") -> Sequence[str]:
    from hookline.money import dollars
    from hookline_api.cli.output import moment

    return (
        moment(entry.at),
        entry.kind,
        dollars(entry.amount),
        entry.agent or "",
        entry.model or "",
        f"{entry.tokens.input:,}",
        f"{entry.tokens.output:,}",
        entry.id,
        entry.detail,
    )
