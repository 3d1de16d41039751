"""Attachments on their way to the caller: in JSON, in a stream, and as files to download."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hookline import Artifact, StaticTools, ToolLoader, ToolResult, hookimpl, tool
from support.server import KEY, RunningServer, running_server

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
SECONDS = 30
ASKED = {"authorization": f"Bearer {KEY}", "hookline-include": "attachments"}
SOURCES = [
    {"type": "file", "fileId": "gone", "fileName": "a.pdf", "relevance": relevance}
    for relevance in (0.2, 0.9)
]
ARTIFACTS = [
    Artifact(kind="image", name="draw", data={"data": PNG}),
    Artifact(
        kind="files",
        data={
            "files": [{"name": "plot.png", "content": PNG}, {"name": "a.csv", "content": b"1,2"}]
        },
    ),
    Artifact(kind="file_search", data={"sources": SOURCES, "fileCitations": True}),
    Artifact(kind="web_search", data={"organic": []}),
    Artifact(kind="ui_resources", data=[{"uri": "ui://a"}]),
    Artifact(kind="image", name="broken", data={"data": "%%%"}),
]


class Maker:
    """A plugin with a tool that makes artifacts of every kind."""

    @hookimpl
    def tool_loader(self) -> ToolLoader:
        @tool
        async def make() -> ToolResult:
            """Make everything."""
            return ToolResult("All was made.", ARTIFACTS)

        return StaticTools(make)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with an agent that makes artifacts when it is told to."""
    tables = {
        "files": {"url": f"file://{tmp_path}/files"},
        "providers": {"script": {"kind": "scripted"}},
        "agents": {"maker": {"provider": "script", "model": "m", "tools": ["make"]}},
    }
    with running_server(tables, {"maker": Maker()}) as server:
        yield server


def ask(site: RunningServer, *, stream: bool = False, dialect: str = "openai") -> httpx.Response:
    body = {
        "model": "maker",
        "messages": [{"role": "user", "content": "make"}],
        "stream": stream,
        "conversation_id": "c",
    }
    headers = {**ASKED, "hookline-dialect": dialect}
    url = f"{site.url}/chat/completions"
    return httpx.post(url, json=body, headers=headers, timeout=SECONDS).raise_for_status()


def told(attachments: list[dict[str, Any]]) -> list[tuple[str, str | None, str | None]]:
    """Kind, media type and error of attachments."""
    found = ((one["kind"], one.get("data"), one.get("error")) for one in attachments)
    return [
        (kind, data.get("media_type") if isinstance(data, dict) else None, error)
        for kind, data, error in found
    ]


EXPECTED: list[tuple[str, str | None, str | None]] = sorted(
    [
        ("image", "image/png", None),
        ("image", "image/png", None),
        ("file", "text/csv", None),
        ("file_search", None, None),
        ("web_search", None, None),
        ("ui_resources", None, None),
        ("image", None, "its content is no Base64"),
    ],
    key=str,
)


@pytest.mark.parametrize("dialect", ["openai", "librechat"])
def test_attachments_are_in_a_json_answer(site: RunningServer, dialect: str) -> None:
    """All of them, as they are awaited; what leads to a file can be downloaded."""
    attachments = ask(site, dialect=dialect).json()["hookline"]["attachments"]

    assert EXPECTED == sorted(told(attachments), key=str)
    assert 1 == len({one["tool_call"] for one in attachments})
    [table] = [one for one in attachments if one["kind"] == "file"]
    [cited] = [one for one in attachments if one["kind"] == "file_search"]
    url = f"{site.origin}{table['data']['url']}"
    assert b"1,2" == httpx.get(url, headers=ASKED, timeout=SECONDS).content
    assert SOURCES[1:] == cited["data"]["sources"]


def test_attachments_are_in_a_stream(site: RunningServer) -> None:
    """Each before the end of the stream."""
    events = [
        json.loads(line.removeprefix("data: "))
        for line in ask(site, stream=True).text.splitlines()
        if line.startswith("data: {")
    ]
    extensions = [event["hookline"] for event in events if "hookline" in event]
    attachments = [one for found in extensions for one in found.get("attachments", [])]

    assert EXPECTED == sorted(told(attachments), key=str)


def test_a_second_answer_replaces_the_file_of_the_first(site: RunningServer) -> None:
    """In the same conversation, under the same name; images without a name are new."""

    def ids() -> dict[str, str]:
        made = ask(site).json()["hookline"]["attachments"]
        return {
            one["name"]: one["data"]["file_id"]
            for one in made
            if one["kind"] in {"image", "file"} and not one.get("error")
        }

    first, second = ids(), ids()

    assert (first["a.csv"], first["plot.png"]) == (second["a.csv"], second["plot.png"])
    assert 4 == len({*first.values(), *second.values()})
