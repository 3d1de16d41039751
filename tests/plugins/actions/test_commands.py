"""``hookline actions``: documents are kept in the store, and seen by servers that run."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from hookline.errors import ConfigError, HooklineError
from hookline.offline import store_of
from hookline.records import Record
from hookline.vault import Vault
from hookline_actions import actions
from hookline_actions.logins import TOKENS
from hookline_actions.stored import DOCUMENTS
from hookline_actions.stored import opened as opened_document
from support.action_documents import document, petstore, text_of
from support.action_servers import HEADER_KEY, PetStore, serving
from support.actions import LOOPBACK, SECRET_KEY, agent, names, opened, run, scope

CONFIG = """
[store]
url = "sqlite:///{folder}/hookline.db"

[secrets]
key = "{key}"

[plugins.actions]
allow_private = ["127.0.0.1"]

[plugins.actions.documents.fixed]
document = "{folder}/fixed.json"
"""

SETTINGS = f"""
prefix = "my_"
security.api_key = {{ type = "api_key", value = "{HEADER_KEY}" }}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a config and documents."""
    (tmp_path / "hookline.toml").write_text(CONFIG.format(folder=tmp_path, key=SECRET_KEY))
    fixed = document(("get", "/x", {"operationId": "x"}))
    (tmp_path / "fixed.json").write_text(text_of(fixed))
    (tmp_path / "pets.yaml").write_text(petstore("https://pets.example.com"))
    (tmp_path / "settings.toml").write_text(SETTINGS)
    return tmp_path


def invoke(folder: Path, *words: str) -> Result:
    """Run ``hookline actions`` with these words."""
    return CliRunner().invoke(actions, [*words, "--config", str(folder / "hookline.toml")])


def kept(folder: Path, collection: str = DOCUMENTS) -> list[Record]:
    """The records of a collection."""

    async def work() -> list[Record]:
        async with store_of(folder / "hookline.toml") as store:
            return [*await store.records.list(collection)]

    return run(work)


def keep(folder: Path, record: Record) -> None:
    """Put a record into the store."""

    async def work() -> None:
        async with store_of(folder / "hookline.toml") as store:
            await store.records.put(record)

    run(work)


def added(folder: Path, name: str = "pets", *more: str) -> Result:
    """Add the pet store with credentials."""
    settings = ("--settings", str(folder / "settings.toml"))
    return invoke(folder, "add", name, str(folder / "pets.yaml"), *settings, *more)


def test_document_is_added_and_listed(folder: Path):
    """What was added is listed beside the documents of the config, with its tools."""
    result = added(folder)
    listed = msgspec.json.decode(invoke(folder, "list", "--json").stdout)
    shown = msgspec.json.decode(invoke(folder, "show", "pets", "--json").stdout)

    assert 0 == result.exit_code, result.output
    assert "my_addPet_action_pets_example_com  POST /pet" in result.output
    assert [("fixed", "config"), ("pets", "store")] == [(d["name"], d["kept_in"]) for d in listed]
    assert ("Pet store", 10, []) == (shown["title"], len(shown["tools"]), shown["problems"])


def test_secrets_are_sealed_and_not_shown(folder: Path):
    """A credential is neither readable in the store nor printed."""
    added(folder)

    texts = [invoke(folder, *words).output for words in (("list",), ("show", "pets", "--json"))]

    assert [False, False] == [HEADER_KEY in text for text in texts]
    assert HEADER_KEY.encode() not in kept(folder)[0].data


def test_document_is_removed_with_its_tokens(folder: Path):
    """Users' tokens go with the document that they are for, and others stay."""
    added(folder)

    for id_ in ("pets/1", "pets/2", "pets2/1"):
        keep(folder, Record(collection=TOKENS, id=id_, data=b""))
    result = invoke(folder, "remove", "pets")

    assert 0 == result.exit_code, result.output
    assert ([], ["pets2/1"]) == (kept(folder), [one.id for one in kept(folder, TOKENS)])


def test_a_key_is_replaced(folder: Path):
    """What documents and tokens hold needs the former key no longer."""
    added(folder)
    invoke(folder, "add", "bare", str(folder / "fixed.json"), "--settings", prefixed(folder))
    vault = Vault([base64.b64decode(SECRET_KEY)])
    token = vault.seal(b"token", purpose=f"{TOKENS}/pets/1")
    keep(folder, Record(collection=TOKENS, id="pets/1", owner="alice", data=token))
    keep(folder, Record(collection=TOKENS, id="pets/2", owner="alice", data=b"nonsense"))
    config, new = folder / "hookline.toml", base64.b64encode(b"n" * 32).decode()
    text = config.read_text()
    config.write_text(text.replace(f'"{SECRET_KEY}"', f'"{new}"\nformer_keys = ["{SECRET_KEY}"]'))
    first = invoke(folder, "reseal", "--json")
    config.write_text(text.replace(SECRET_KEY, new))
    second = invoke(folder, "reseal")
    shown = invoke(folder, "show", "pets")
    stored = [opened_document(one, Vault([b"n" * 32])) for one in kept(folder)]
    tokens = [one.data for one in kept(folder, TOKENS)]

    assert {"resealed": 2, "unchanged": 1, "broken": ["pets/2"]} == msgspec.json.decode(
        first.stdout
    )
    assert (1, "0 resealed, 3 unchanged\n") == (second.exit_code, second.stdout)
    assert 0 == shown.exit_code, shown.output
    assert [{}, {"api_key"}] == [
        one.settings.security and {*one.settings.security} for one in stored
    ]
    assert b"token" == Vault([b"n" * 32]).open(tokens[0], purpose=f"{TOKENS}/pets/1")
    assert b"nonsense" == tokens[1]


def prefixed(folder: Path) -> str:
    """Settings that only give the tools other names."""
    path = folder / "prefix.toml"
    path.write_text('prefix = "other_"')
    return str(path)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("add", "Pets", "pets.yaml"), "NAME: name"),
        (("add", "fixed", "{folder}/pets.yaml"), "the name of a document of the config"),
        (("add", "pets", "{folder}/missing.yaml"), "cannot be read"),
        (("add", "pets", "{folder}/hookline.toml"), "neither JSON nor YAML"),
        (("add", "twice", "{folder}/fixed.json"), "give one of them a prefix"),
        (("show", "pets"), "there is no stored document pets"),
        (("remove", "pets"), "there is no stored document pets"),
        (("test", "fixed", "x"), "fixed has no tool x"),
        (("test", "fixed", "x", "["), "a JSON object is expected"),
    ],
)
def test_what_cannot_be_done(folder: Path, words: tuple[str, ...], why: str):
    """A command that cannot be obeyed says why, and keeps nothing."""
    result = invoke(folder, *(word.format(folder=folder) for word in words))

    assert isinstance(result.exception, HooklineError)
    assert why in str(result.exception)
    assert [] == kept(folder)


def test_secrets_need_a_key(folder: Path):
    """Without a key nothing secret is kept."""
    config = folder / "hookline.toml"
    config.write_text(config.read_text().replace(SECRET_KEY, ""))

    result = added(folder)

    assert isinstance(result.exception, ConfigError)
    assert "secrets cannot be kept" in str(result.exception)


def test_tool_is_called(folder: Path):
    """``test`` calls a tool and prints what the model would read; a failure is exit code 1."""

    async def body() -> list[Result]:
        store = PetStore()
        async with serving(store.app()) as origin:
            (folder / "pets.yaml").write_text(petstore(origin))
            return await asyncio.to_thread(visit)

    def visit() -> list[Result]:
        added(folder)
        shown = msgspec.json.decode(invoke(folder, "show", "pets", "--json").stdout)
        tool = next(t["name"] for t in shown["tools"] if "getPetById" in t["name"])
        return [invoke(folder, "test", "pets", tool, f'{{"petId": {n}}}') for n in (1, 2, '"x"')]

    good, missing, wrong = run(body)
    assert ('{"id":1,"name":"Rex","status":"available"}\n', 0) == (good.stdout, good.exit_code)
    assert ("HTTP 404", 1) == (missing.stdout[:8], missing.exit_code)
    assert "arguments.petId" in str(wrong.exception)


def test_running_server_sees_what_is_added(folder: Path):
    """Documents come and go while a server runs."""

    async def body() -> list[Any]:
        async with store_of(folder / "hookline.toml") as store:
            settings = {**LOOPBACK, "refresh": 0.02}
            async with opened(store=store, **settings) as loader:
                wanted = agent("sys__all__sys_action_pets", on_tool_failure="degrade")

                async def tools(expected: bool) -> int:
                    while True:
                        found = await loader.definitions(wanted, scope().principal)
                        if bool(found) == expected:
                            return len(found)
                        await asyncio.sleep(0.01)

                counts = [await tools(False)]
                assert 0 == (await asyncio.to_thread(added, folder)).exit_code
                counts.append(await tools(True))
                all_names = sorted(await names(loader, "pets"))
                assert 0 == (await asyncio.to_thread(invoke, folder, "remove", "pets")).exit_code
                counts.append(await tools(False))
                return [counts, all_names[0]]

    assert [[0, 10, 0], "my_addPet"] == run(body)
