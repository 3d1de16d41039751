"""Agents that work together, that wait, and whose tools make artifacts, as the wire shows them."""

from collections.abc import Iterator, Mapping
from typing import Any

from hookline import Artifact, StaticTools, Tool, ToolLoader, ToolResult, ToolSpec, hookimpl
from hookline.scope import CallScope
from support.wire_parts import call, scripted

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
PAGES = [
    {"type": "file", "fileId": "file-a", "fileName": "a.pdf", "relevance": 0.9, "pages": [3]},
    {"type": "file", "fileId": "file-a", "fileName": "a.pdf", "relevance": 0.2, "pages": [4]},
]
MADE: Mapping[str, tuple[str, Artifact]] = {
    "image": ("I drew it.", Artifact(kind="image", name="drawing", data={"content": PNG})),
    "broken-image": ("I drew it.", Artifact(kind="image", name="drawing", data={"data": "%"})),
    "citations": (
        "It is on page 3.",
        Artifact(kind="file_search", data={"sources": PAGES, "fileCitations": True}),
    ),
    "web-search": (
        "I found one page.",
        Artifact(
            kind="web_search",
            data={"turn": 0, "organic": [{"title": "A", "link": "https://a.example/"}]},
        ),
    ),
    "ui-resources": (
        "Look at it.",
        Artifact(
            kind="ui_resources",
            data=[{"uri": "ui://a", "mimeType": "text/html", "text": "<b>A</b>"}],
        ),
    ),
    "code-output": (
        "It wrote a plot and a table.",
        Artifact(
            kind="files",
            name="execute_code",
            data={
                "files": [
                    {"name": "plot.png", "content": PNG},
                    {"name": "table.csv", "content": b"1,2\n"},
                ]
            },
        ),
    ),
}
"""What tools give back: a text and an artifact, by the name of the case."""


class Making(Tool):
    """A tool that makes an artifact."""

    def __init__(self, kind: str):
        self.spec = ToolSpec(f"make_{kind}".replace("-", "_"), f"Make something: {kind}.")
        self._kind = kind

    async def call(self, arguments: Mapping[str, Any], scope: CallScope) -> ToolResult:
        text, artifact = MADE[self._kind]
        return ToolResult(text, [artifact])


class Makers:
    """A plugin with a tool for each kind of artifact."""

    @hookimpl
    def tool_loader(self) -> ToolLoader:
        return StaticTools(*map(Making, MADE))


def _makers() -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in MADE:
        tool = f"make_{kind}".replace("-", "_")
        yield (
            kind,
            scripted(
                {"tool_calls": [call(tool)]},
                {"turn": 2, "first_delay": 0.2, "reply": "That is all."},
                tools=[tool],
            ),
        )


def _direct(from_: Any, to: Any, **fields: Any) -> dict[str, Any]:
    return {"from": from_, "to": to, "edge_type": "direct", **fields}


WORKING = [
    _direct("planner", ["left", "right"]),
    _direct(["left", "right"], "writer", prompt="Sum up:\n{results}"),
]
AGENTS: Mapping[str, dict[str, Any]] = {
    **dict(_makers()),
    "front": scripted(
        {
            "reply": "One moment.",
            "tool_calls": [call("lc_transfer_to_expert", instructions="Be kind.")],
        },
        name="Front desk",
        edges=[{"from": "front", "to": "expert", "prompt": "What the expert has to know."}],
    ),
    "expert": scripted({"reply": "I am the expert."}, name="Expert"),
    "planner": scripted({"reply": "Here is the plan."}, edges=WORKING),
    "secretive": scripted(
        {"reply": "Here is the plan."},
        edges=[
            _direct("secretive", ["left", "right"]),
            _direct(["left", "right"], "writer", prompt="Sum up:\n{results}"),
        ],
        hide_sequential_outputs=True,
    ),
    "left": scripted(
        {"reply": "Left adds.", "tool_calls": [call("add", a=1, b=2)]},
        {"turn": 2, "reply": "It is 3."},
        name="Left",
        tools=["add"],
    ),
    "right": scripted(
        {"reply": "Right shouts.", "tool_calls": [call("shout", text="hey")]},
        {"turn": 2, "reply": "It is HEY."},
        name="Right",
        tools=["shout"],
    ),
    "writer": scripted({"reply": "In all, 3 and HEY."}, name="Writer"),
    "asking": scripted(
        {"tool_calls": [call("ask_expert", task="Who are you?")]},
        {"turn": 2, "reply": "It is an expert."},
        subagents=["expert"],
    ),
    "mixed-success": scripted(
        {"tool_calls": [call("add", a=1, b=2), call("explode"), call("teleport", to="Mars")]},
        {"turn": 2, "reply": "One of three did."},
        tools=["add", "explode"],
    ),
    "careful": scripted(
        {
            "reply": "May I?",
            "tool_calls": [call("shout", text="hey"), call("add", a=1, b=2)],
        },
        {"turn": 2, "reply": "I have done what I may."},
        tools=["add", "shout"],
        tool_options={"shout": {"require_approval": True}},
    ),
}
TABLES: Mapping[str, Any] = {
    "providers": {"script": {"kind": "scripted"}},
    "agents": AGENTS,
    "runs": {"tool_deadline": 5.0, "artifact_patience": 5.0},
}
