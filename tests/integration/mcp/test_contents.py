"""What real servers give back, kind by kind: for the model, and as artifacts. Source: seed 9.6."""

import base64
import hashlib
from typing import Any

import mcp_types as types
import pytest

from hookline import Artifact
from hookline.wire.chat import ImagePart, ImageUrl, TextPart
from support.mcp_server import PNG, made
from support.mcp_servers import endpoint, opened, run, served

ENCODED = base64.b64encode(PNG).decode()


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """What every tool of the test server that takes no argument gives back."""
    names = ["paragraphs", "nothing", "refusal", "structured", "fail"]
    names += ["picture", "sound", "page_ui", "file"]

    async def work() -> dict[str, Any]:
        with served() as url:
            async with opened({"here": endpoint(url)}) as tools:
                return {name: await tools.call(f"{name}_mcp_here") for name in names}

    return run(work)


@pytest.mark.parametrize(
    ("tool", "content"),
    [
        ("paragraphs", "one\n\ntwo"),
        ("nothing", "(No response)"),
        ("structured", '{"a":[2],"b":1}'),
    ],
)
def test_text(results: dict[str, Any], tool: str, content: str):
    """Texts are joined by a blank line; structured content counts where there is none."""
    assert content == results[tool].content
    assert not results[tool].failed


def test_server_says_that_it_failed(results: dict[str, Any]):
    """``isError`` is a failed call; its text is what the server says."""
    assert ("no such page", True) == (results["refusal"].content, results["refusal"].failed)
    assert results["fail"].failed
    assert "Error executing tool fail" in results["fail"].text


def test_image(results: dict[str, Any]):
    """An image is shown to the model, and is an artifact for the caller."""
    image = ImagePart(ImageUrl(f"data:image/png;base64,{ENCODED}"))
    data = {"data": ENCODED, "media_type": "image/png"}

    assert [TextPart("a dot"), image] == list(results["picture"].content)
    assert [Artifact(kind="image", data=data)] == list(results["picture"].artifacts)


def test_audio(results: dict[str, Any]):
    """Sound is an artifact; the model reads that there was some."""
    data = {"data": "UklGRg==", "media_type": "audio/wav"}

    assert "Audio (audio/wav) was given to the user." == results["sound"].content
    assert [Artifact(kind="audio", data=data)] == list(results["sound"].artifacts)


def test_ui_resource(results: dict[str, Any]):
    """A resource of the scheme ``ui`` is an artifact with an id, and a marker for the model."""
    (artifact,) = results["page_ui"].artifacts
    (resource,) = artifact.data
    id_ = resource["resourceId"]

    assert "ui_resources" == artifact.kind
    assert ("ui://page", "text/html", "<p>Hi</p>") == (
        resource["uri"],
        resource["mimeType"],
        resource["text"],
    )
    canonical = b'{"mimeType":"text/html","text":"<p>Hi</p>","uri":"ui://page"}'
    assert hashlib.sha256(canonical).hexdigest()[:10] == id_
    assert results["page_ui"].text.startswith(
        f"a page\n\nUI resource: ui://page\nId: {id_}\nMarker: \\ui{{{id_}}}\n"
    )


def test_other_resources(results: dict[str, Any]):
    """Other resources and links are described."""
    assert results["file"].content == (
        "Resource: file:///notes.txt\nType: text/plain\nText:\nremember\n\n"
        "Resource: file:///a.bin\nSize: 3 bytes, not shown\n\n"
        "Link to a resource: https://example.com/x\nName: x\nDescription: a link"
    )


def test_unknown_kind_becomes_json():
    """An item of a kind that nobody knows is text that has it as JSON."""
    server = made()

    @server.middleware.append
    async def invent(context: Any, call_next: Any) -> Any:
        result = await call_next(context)
        if context.method == "tools/call":
            content = [{"type": "smell", "of": "roses"}, {"type": "text", "text": "x"}]
            return {
                **types.CallToolResult(content=[]).model_dump(by_alias=True),
                "content": content,
            }
        return result

    async def work() -> Any:
        with served(server.streamable_http_app()) as url:
            async with opened({"here": endpoint(url)}) as tools:
                return (await tools.call("add_mcp_here", a=1, b=1)).content

    assert '{"type":"smell","of":"roses"}\n\nx' == run(work)
