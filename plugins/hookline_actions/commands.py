"""``hookline actions``."""

import secrets
from pathlib import Path
from typing import Any

import click
import msgspec

from hookline.errors import InvalidRequest, NotFound
from hookline.options import config_option, json_option
from hookline.permissions import Principal
from hookline.resealing import report
from hookline.schemas import InvalidArguments, check_arguments
from hookline.scope import CallScope
from hookline.settings import decode_table, load
from hookline_actions.assembly import Loaded, assemble
from hookline_actions.desk import Desk, work_at
from hookline_actions.settings import DocumentName, DocumentSettings
from hookline_actions.sources import is_url, text_of
from hookline_actions.stored import DOCUMENTS, all_of, described, sealed


class _NameTable(msgspec.Struct, frozen=True):
    name: DocumentName


@click.group()
def actions() -> None:
    """Keep OpenAPI documents whose operations are tools."""


@actions.command(epilog="Example: hookline actions add petstore ./petstore.yaml")
@click.argument("name")
@click.argument("document")
@click.option(
    "--settings",
    "table",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="TOML with the keys of [plugins.actions.documents.<name>]; ${NAME} is expanded.",
)
@config_option
def add(*, name: str, document: str, table: Path | None, path: Path | None) -> None:
    """Keep DOCUMENT, a file or a URL, as NAME; in the place of one of that name."""
    decode_table({"name": name}, _NameTable, "NAME")
    settings = DocumentSettings() if table is None else _settings(table)
    settings = msgspec.structs.replace(settings, document=document)

    async def work(desk: Desk) -> Loaded:
        if name in desk.settings.documents:
            message = f"{name} is the name of a document of the config; take another"
            raise InvalidRequest(message)
        text = await text_of(settings, desk.settings)
        source = document if is_url(document) else ""
        loaded = await assemble(name, text, settings, desk.kit, source=source)
        await desk.refuse_twice(loaded)
        record = sealed(name, text, settings, desk.vault, source=source)
        await desk.store.records.put(record)
        return loaded

    _say(work_at(path, work))


@actions.command("list")
@json_option
@config_option
def list_documents(*, as_json: bool, path: Path | None) -> None:
    """List the documents, those of the config, too."""

    async def work(desk: Desk) -> list[dict[str, str]]:
        found = [
            {"name": name, "kept_in": "config", "source": _shown(settings.document)}
            for name, settings in desk.settings.documents.items()
        ]
        stored = [
            {"name": record.id, "kept_in": "store", "source": described(record).source}
            for record in await all_of(desk.store.records)
        ]
        return found + stored

    documents = work_at(path, work)
    if as_json:
        click.echo(msgspec.json.encode(documents).decode())
        return
    for one in documents:
        click.echo(f"{one['name']}  {one['kept_in']}  {one['source']}".rstrip())


@actions.command()
@click.argument("name")
@json_option
@config_option
def show(*, name: str, as_json: bool, path: Path | None) -> None:
    """Print the tools of document NAME, and what is wrong with it. No secret is printed."""
    loaded = work_at(path, lambda desk: desk.loaded(name))
    if not as_json:
        _say(loaded)
        return
    facts = {
        "name": loaded.name,
        "title": loaded.title,
        "tools": [
            {
                "name": tool,
                "operation": one.operation.label,
                "url": one.operation.base,
                "description": one.spec.description,
                "parameters": one.spec.parameters,
                "repeatable": one.spec.repeatable,
            }
            for tool, one in loaded.tools.items()
        ],
        "problems": list(loaded.problems),
    }
    click.echo(msgspec.json.encode(facts).decode())


@actions.command()
@click.argument("name")
@config_option
def remove(*, name: str, path: Path | None) -> None:
    """Forget the stored document NAME and the tokens that users got for it."""

    async def work(desk: Desk) -> None:
        record = await desk.record(name)
        await desk.store.records.delete(DOCUMENTS, record.id)
        await desk.forget_tokens(name)

    work_at(path, work)
    click.echo(f"{name} is gone.")


@actions.command(epilog="""Example: hookline actions test petstore TOOL '{"petId": 1}'""")
@click.argument("name")
@click.argument("tool")
@click.argument("arguments", default="{}")
@click.option("--user", default="operator", metavar="USER", help="For whom to call it.")
@config_option
def test(*, name: str, tool: str, arguments: str, user: str, path: Path | None) -> None:
    """Call TOOL of document NAME with ARGUMENTS, a JSON object, and print the answer."""
    try:
        given = msgspec.json.decode(arguments, type=dict[str, Any])
    except msgspec.DecodeError as error:
        message = f"ARGUMENTS: a JSON object is expected: {error}"
        raise InvalidRequest(message) from error

    async def work(desk: Desk) -> tuple[str, bool]:
        loaded = await desk.loaded(name)
        if tool not in loaded.tools:
            message = f"{name} has no tool {tool}; see: hookline actions show {name}"
            raise NotFound(message)
        found = loaded.tools[tool]
        try:
            check_arguments(found.spec.parameters, given)
        except InvalidArguments as error:
            raise InvalidRequest(str(error)) from error
        result = await found.call(given, _scope(user))
        return result.text, result.failed

    text, failed = work_at(path, work)
    click.echo(text)
    if failed:
        raise SystemExit(1)


@actions.command("reseal", epilog="Example: hookline actions reseal")
@json_option
@config_option
def reseal_(*, as_json: bool, path: Path | None) -> None:
    """Seal what [secrets] former_keys have sealed with the present key, so that they can go."""
    report(work_at(path, Desk.reseal), as_json=as_json)


def _settings(table: Path) -> DocumentSettings:
    return load(table, DocumentSettings)


def _scope(user: str) -> CallScope:
    once = f"actions-test-{secrets.token_hex(12)}"
    principal = Principal(user=user)
    return CallScope(
        run=once, agent="", principal=principal, deadline=float("inf"), call=once, effect=once
    )


def _shown(document: str) -> str:
    """Where a document comes from, in one line."""
    return "inline" if "\n" in document or document.lstrip().startswith("{") else document


def _say(loaded: Loaded) -> None:
    for tool, one in loaded.tools.items():
        click.echo(f"{tool}  {one.operation.label}")
    for problem in loaded.problems:
        click.echo(f"not offered: {problem}", err=True)
