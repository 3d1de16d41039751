"""``hookline usage``: what was used, what it cost, and what recorders could not take."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hookline_api.cli.options import config_option, example, json_option

if TYPE_CHECKING:
    from hookline.administration import Actor, Administration
    from hookline.outbox import OutboxRun
    from hookline.repricing import Repriced
    from hookline_api.reports import UsageReport

SHOWN = ("CALLS", "INPUT", "CACHED", "OUTPUT", "ESTIMATED", "UNPRICED", "DOLLARS")
PARKED = ("RUN", "RECORDER", "ITEM", "ATTEMPTS", "SINCE", "ERROR")


def moment(_: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    """A date or a time; one without a zone is one of UTC."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = f"{text!r} is no ISO date such as 2026-11-21"
        raise click.BadParameter(message) from error


@click.group(invoke_without_command=True)
@config_option
@click.option(
    "--by",
    metavar="WORDS",
    default="day",
    show_default=True,
    help="What to group by: day, user, key, agent, provider, model, tool, account.",
)
@click.option("--since", callback=moment, metavar="DATE", help="From then on; the last 30 days.")
@click.option("--until", callback=moment, metavar="DATE", help="Before then; now unless given.")
@click.option("--user", metavar="ID", help="Only this user's.")
@click.option("--key", metavar="ID", help="Only with this API key.")
@click.option("--agent", metavar="ID", help="Only of this agent.")
@click.option("--model", metavar="NAME", help="Only of this model.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@json_option
@click.pass_context
@example("hookline usage --by user,model --since 2026-11-01", "hookline usage --csv > usage.csv")
def usage(
    context: click.Context,
    /,
    *,
    path: Path | None,
    by: str,
    as_csv: bool,
    as_json: bool,
    **only: Any,
) -> None:
    """Say what was used and what it cost."""
    if context.invoked_subcommand is not None:
        _refuse_options(context, context.invoked_subcommand)
        return
    from hookline.ledger import EntryQuery
    from hookline.moments import now
    from hookline_api import reports
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_json

    wanted = reports.dimensions(by)
    query = EntryQuery(**only)
    found = administered(
        path, lambda office, _: reports.report(office.store.ledger, query, wanted, now())
    )
    if as_json:
        print_json(found)
    elif as_csv:
        click.echo(reports.as_csv(found), nl=False)
    else:
        _print_report(found)


def _refuse_options(context: click.Context, subcommand: str) -> None:
    """An option before the subcommand is not its own; passed over, it might be another config's."""
    from hookline_api.cli.failures import WrongUse

    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is click.core.ParameterSource.COMMANDLINE:
            message = f"{parameter.opts[0]} stands before {subcommand}; write it after {subcommand}"
            raise WrongUse(message)


def _print_report(found: "UsageReport") -> None:
    from hookline_api.cli.output import print_table

    def numbers(row: Any) -> Sequence[str]:
        cached = row.cache_read_tokens + row.cache_write_tokens
        counts = (row.calls, row.input_tokens, cached, row.output_tokens, row.estimated)
        return (*(f"{count:,}" for count in (*counts, row.unpriced)), row.amount)

    rows = [(*(row.group[name] or "" for name in found.by), *numbers(row)) for row in found.data]
    total = ("total", *("" for _ in found.by[1:])) if found.by else ()
    columns = (*(name.upper() for name in found.by), *SHOWN)
    print_table(columns, [*rows, (*total, *numbers(found.total))])
    if found.truncated:
        click.echo("hookline: there are more groups; ask for a shorter period", err=True)


@usage.command()
@config_option
@json_option
@example("hookline usage parked")
def parked(*, path: Path | None, as_json: bool) -> None:
    """List what a recorder could not take; it waits until you say: hookline usage retry."""
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import moment as shown
    from hookline_api.cli.output import print_json, print_table

    found = administered(path, _parked)
    items = [(run.id, one) for run in found for one in run.parked]
    if as_json:
        print_json([{"run": run, **_fields(one)} for run, one in items])
        return
    print_table(
        PARKED,
        (
            (run, one.recorder, one.item, str(one.attempts), shown(one.at), _one_line(one.error))
            for run, one in items
        ),
    )


@usage.command()
@config_option
@click.argument("runs", metavar="RUN...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that is parked.")
@json_option
@example("hookline usage retry run_0123456789abcdef01234567", "hookline usage retry --all")
def retry(*, path: Path | None, runs: Sequence[str], every: bool, as_json: bool) -> None:
    """Have what is parked told again, by a server that runs or by the next one that starts."""
    from hookline_api.cli.failures import WrongUse
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_json

    if bool(runs) == every:
        message = "name the runs, or say --all"
        raise WrongUse(message)

    async def work(office: "Administration", actor: "Actor") -> dict[str, bool]:
        ids = [run.id for run in await _parked(office, actor)] if every else runs
        return {run: await office.store.outbox.retry(run) for run in ids}

    done = administered(path, work)
    if as_json:
        print_json(done)
        return
    for run, found in done.items():
        click.echo(f"{run} is told again." if found else f"{run} has nothing parked.")


@usage.command()
@config_option
@click.option("--since", callback=moment, metavar="DATE", required=True, help="From then on.")
@click.option("--dry-run", is_flag=True, help="Only say what would be corrected.")
@json_option
@example("hookline usage reprice --since 2026-11-01 --dry-run")
def reprice(*, path: Path | None, since: datetime, dry_run: bool, as_json: bool) -> None:
    """Price again what was used, and correct what it cost. A second time nothing is left to do."""
    from hookline.money import shown
    from hookline_api.cli.output import print_json
    from hookline_api.cli.pricing import repriced

    def told(done: "Repriced") -> None:
        if not as_json:
            click.echo(f"{done.entries:,} entries, {done.corrected:,} corrected", err=True)

    done = repriced(path, since, keep=not dry_run, told=told)
    if as_json:
        print_json({**_fields(done), "dry_run": dry_run})
        return
    word = "would change" if dry_run else "changed"
    click.echo(
        f"{done.corrected:,} of {done.entries:,} entries {word}, by {shown(done.amount)}; "
        f"{done.unpriced:,} have no price."
    )


async def _parked(office: "Administration", _: "Actor") -> "Sequence[OutboxRun]":
    found: list[OutboxRun] = []
    while page := await office.store.outbox.parked(after=found[-1].id if found else ""):
        found += page
    return found


def _one_line(text: str) -> str:
    """What a recorder said, so that it stays in its row."""
    return " ".join(text.split())


def _fields(thing: Any) -> dict[str, Any]:
    import attrs

    return attrs.asdict(thing)
