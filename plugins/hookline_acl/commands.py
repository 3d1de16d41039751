"""``hookline permissions``."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from hookline.offline import opened_store
from hookline.options import config_option, json_option
from hookline_acl.explain import explain as find_out
from hookline_acl.explanation import Explanation, GrantLine


@click.group()
def permissions() -> None:
    """Ask who may do what."""


@permissions.command(epilog="Example: hookline permissions explain --user alice --agent helper")
@config_option
@click.option("--user", required=True, metavar="USER", help="Who would call.")
@click.option("--agent", required=True, metavar="AGENT", help="What would be called.")
@json_option
def explain(*, path: Path | None, user: str, agent: str, as_json: bool) -> None:
    """Say why a user may call an agent, or may not, and what would change it."""

    async def work() -> Explanation:
        async with opened_store(path) as store:
            return await find_out(store, user, agent)

    found = asyncio.run(work())
    if as_json:
        facts = {"verdict": found.verdict, **msgspec.to_builtins(found)}
        click.echo(msgspec.json.encode(facts).decode())
        return
    for line in lines(found):
        click.echo(line)


def lines(found: Explanation) -> Iterator[str]:
    """An explanation as text: the verdict first, then what it follows from."""
    yield f"{found.verdict}."
    for reason in found.reasons[1:]:
        yield f"  also: {reason.what}" + (f"; {reason.remedy}" if reason.remedy else "")
    yield ""
    yield f"user    {found.user}: {found.state}; groups: {_words(found.groups)}"
    if found.role is not None:
        yield f"role    {found.role}: {_words(found.features)}"
    yield f"agent   {found.agent}: {'there' if found.agent_exists else 'not there'}"
    for grant in found.grants:
        yield _grant(grant)
    if found.others.count:
        yield f"others  {found.others.count} for {_words(found.others.grantees)}"
    share = " (who may share an agent may call it)" if found.by_share else ""
    yield f"sum     agent: {_words(found.agent_bits)}"
    yield f"sum     remoteAgent: {_words(found.call_bits)}{share}"


def _grant(grant: GrantLine) -> str:
    text = f"grant   {grant.id} for {grant.grantee} on {grant.kind}: {_words(grant.says)}"
    if not grant.why:
        return text
    return f"{text}; gives {_words(grant.gives)}: {grant.why}"


def _words(words: Sequence[str]) -> str:
    return ", ".join(words) or "none"
