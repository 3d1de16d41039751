"""``hookline store``: prepare it, look at it, copy it."""

from pathlib import Path
from typing import Any

import click

from hookline_api.cli.options import config_option, example, json_option


@click.group()
@example("hookline store status")
def store() -> None:
    """Look at the store, prepare it, and copy it into another."""


@store.command()
@config_option
@json_option
@example("hookline store status --json")
def status(*, path: Path | None, as_json: bool) -> None:
    """Say what state the store is in, and how much it holds."""
    from hookline_api.cli.output import print_json, print_table
    from hookline_api.cli.stores import state

    found = state(path)
    if as_json:
        print_json(found)
        return
    facts = {
        "store": found.name,
        "schema": f"version {found.version} of {found.current}",
        "missing": ", ".join(found.missing) or "nothing",
        **found.facts,
        **{kind: f"{count:,}" for kind, count in found.counts.items()},
    }
    print_table(("FACT", "VALUE"), facts.items())
    if not found.ready:
        click.echo("hookline: it is not ready; mend it with: hookline store migrate", err=True)


@store.command()
@config_option
@json_option
@example("hookline store migrate")
def migrate(*, path: Path | None, as_json: bool) -> None:
    """Bring the store up to date. Servers may run meanwhile, and others may do the same."""
    from hookline_api.cli.output import print_json
    from hookline_api.cli.stores import bring_up_to_date

    done = bring_up_to_date(path)
    if as_json:
        print_json({"done": done})
        return
    click.echo("\n".join(done) if done else "The store is up to date.")


@store.command()
@config_option
@click.argument("origin", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option(
    "--into-existing", is_flag=True, help="Copy into a store that holds something else, too."
)
@json_option
@example("hookline store copy config mongodb://127.0.0.1/hookline")
def copy(
    *, path: Path | None, origin: str, target: str, into_existing: bool, as_json: bool
) -> None:
    """Copy all that one store holds into another, and compare them.

    FROM and TO are URLs; config stands for the store of the config. Nobody may write into either
    of them meanwhile: stop the servers first. A copy that was interrupted is begun again with the
    same command; what is there already is not written again.
    """
    from hookline_api.cli.failures import Failure
    from hookline_api.cli.output import print_json, print_table
    from hookline_api.cli.stores import copied

    done = copied(path, origin, target, into_existing=into_existing)
    if as_json:
        print_json(done)
    else:
        columns = ("KIND", "HELD", "WRITTEN", "SHA-256", "STATE")
        print_table(columns, map(_row, done))
    different = [kind.kind for kind in done if not kind.equal]
    if different:
        message = f"the stores differ in {', '.join(different)}; stop all servers and copy again"
        raise Failure(message)


def _row(kind: Any) -> tuple[str, ...]:
    state = "ok" if kind.equal else "error"
    return (kind.kind, f"{kind.count:,}", f"{kind.written:,}", kind.digest[:16], state)
