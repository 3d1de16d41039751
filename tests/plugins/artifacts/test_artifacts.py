"""Artifacts of every kind become attachments, and what is wrong with one is said."""

import asyncio
import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import attrs
import pytest

from hookline import Artifact, Attachment, Principal, RunScope
from hookline.blobs import Blobs
from hookline.errors import StoreUnavailable
from hookline.filing import Files
from hookline.outbound import GuardedClient
from hookline_artifacts import Settings
from hookline_artifacts.contents import Contents
from hookline_artifacts.processor import KINDS, Processor
from hookline_memory.records import MemoryFiles

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF"
WAV = b"RIFF\x24\0\0\0WAVEfmt "
PNG_64 = base64.b64encode(PNG).decode()
SECONDS = 20


@attrs.define
class Desk:
    """The processor, over files in a folder."""

    folder: Path
    settings: Settings = attrs.field(factory=Settings)
    records: MemoryFiles = attrs.field(factory=MemoryFiles)
    quota: int = 0
    conversation: str | None = "c"

    @property
    def files(self) -> Files:
        blobs = Blobs(f"file://{self.folder}", {})
        return Files(self.records, blobs, limit=1_000, quota=self.quota)

    def process(self, *artifacts: Artifact) -> list[Attachment]:
        """What becomes of artifacts, one after the other."""
        scope = RunScope(
            run="run_1",
            agent="helper",
            principal=Principal(user="alice"),
            deadline=0.0,
            conversation=self.conversation,
        )

        async def work() -> list[Attachment]:
            contents = Contents(GuardedClient(self.settings.targets()), self.settings)
            async with Processor(self.files, contents, self.settings) as processor:
                made: list[Attachment] = []
                for artifact in artifacts:
                    if processor.accepts(artifact):
                        made += await processor.process(artifact, scope)
                return made

        return asyncio.run(asyncio.wait_for(work(), SECONDS))

    def content(self, attachment: Attachment) -> bytes:
        """The bytes of the file that an attachment leads to."""

        async def work() -> bytes:
            file = await self.files.get(attachment.data["file_id"])
            assert file is not None
            assert {"run": "run_1", "agent": "helper"} == file.metadata
            assert "alice" == file.owner
            return await self.files.read(file)

        return asyncio.run(asyncio.wait_for(work(), SECONDS))


@contextmanager
def pictures() -> Iterator[str]:
    """A server of another's, with a picture, a redirect to it, and a page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("location", "/cat.png")
                self.end_headers()
                return
            content = {"/cat.png": PNG, "/page": b"<html>", "/large": bytes(2_000)}.get(self.path)
            self.send_response(200 if content else 404)
            self.end_headers()
            self.wfile.write(content or b"no")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(SECONDS)


def image(data: Any, **known: Any) -> Artifact:
    return Artifact(kind="image", data=data, **known)


def files(*given: Mapping[str, Any]) -> Artifact:
    return Artifact(kind="files", name="execute_code", data={"files": given})


@pytest.mark.parametrize(
    "data",
    [
        {"data": PNG_64, "media_type": "text/html"},
        {"data": PNG},
        {"content": f"{PNG_64[:8]}\n{PNG_64[8:]}"},
        {"url": f"data:image/png;base64,{PNG_64}"},
        {"data": f"data:image/png;base64,{PNG_64}"},
        {"content": [{"type": "image_url", "image_url": {"url": f"data:;base64,{PNG_64}"}}]},
        [{"data": PNG_64}],
        PNG,
        PNG_64,
        f"data:image/png;base64,{PNG_64}",
    ],
)
def test_an_image_is_stored(tmp_path: Path, data: Any) -> None:
    """However the tool gave it; the attachment says what it is and where."""
    desk = Desk(tmp_path)

    [made] = desk.process(image(data, name="draw"))

    assert PNG == desk.content(made)
    file = made.data["file_id"]
    assert made.name.startswith("draw_ima_")
    assert made.name.endswith(".png")
    assert made == Attachment(
        kind="image",
        name=made.name,
        data={
            "file_id": file,
            "url": f"/v1/files/{file}/content",
            "filename": made.name,
            "bytes": len(PNG),
            "media_type": "image/png",
        },
    )


def test_parts_of_content_give_an_image_each(tmp_path: Path) -> None:
    """Parts that are no images are none; one that cannot be read does not keep the others."""
    parts: Sequence[Any] = [
        {"type": "text", "text": "Here."},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG_64}"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,%%%"}},
        {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}},
        {"type": "image_url", "image_url": base64.b64encode(JPEG).decode().join(["data:,", ""])},
    ]
    desk = Desk(tmp_path)

    made = desk.process(Artifact(kind="content", data={"content": parts}))

    assert ["image"] * 4 == [one.kind for one in made]
    assert [
        None,
        "its content is no Base64",
        "its URL is none of the web",
        "it is no image, but text/plain",
    ] == [one.error for one in made]


def test_audio_is_stored(tmp_path: Path) -> None:
    """As MCP's tools give it."""
    desk = Desk(tmp_path)
    data = base64.b64encode(WAV).decode()

    [made] = desk.process(Artifact(kind="audio", data={"data": data, "media_type": "audio/wav"}))

    assert ("audio", "audio/wav") == (made.kind, made.data["media_type"])
    assert made.name.endswith(".wav")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"data": "%%%"}, "its content is no Base64"),
        ({"data": b"<html>"}, "it is no image, but text/html"),
        ({"data": 5}, "it has neither content nor a URL"),
        ({}, "it has neither content nor a URL"),
        (5, "its data is no object"),
        ({"url": "data:image/png"}, "its data URL has no data"),
        ({"url": "http://127.0.0.1:9/x"}, "127.0.0.1"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "169.254.169.254"),
        ({"data": PNG + bytes(1_000)}, "a file may have 1,000 bytes"),
    ],
)
def test_what_is_no_image_is_said(tmp_path: Path, data: Any, error: str) -> None:
    """The attachment has an error, and nothing is kept."""
    desk = Desk(tmp_path)

    [made] = desk.process(image(data, name="draw"))

    assert ("image", "draw", None) == (made.kind, made.name, made.data)
    assert error in str(made.error)
    assert [] == asyncio.run(desk.records.list())


def test_images_are_fetched(tmp_path: Path) -> None:
    """From where the settings allow it, through redirects, up to a size."""
    with pictures() as origin:
        allowed = Settings(allow_private=["127.0.0.1"], fetch_limit=1_000)
        paths = ("cat.png", "moved", "page", "large", "nothing")
        made = Desk(tmp_path, allowed).process(*(image({"url": f"{origin}/{p}"}) for p in paths))
        off = Desk(tmp_path, Settings(fetch=False, allow_private=["127.0.0.1"]))
        [not_fetched] = off.process(image({"url": f"{origin}/cat.png"}))

    assert [None, None] == [one.error for one in made[:2]]
    assert "it is no image, but text/html" == made[2].error
    assert "has more than 1000 bytes" in str(made[3].error)
    assert "the server that it was fetched from answered with status 404" == made[4].error
    assert "fetch is off" in str(not_fetched.error)


def test_files_of_code(tmp_path: Path) -> None:
    """Images are recognised by their bytes; in one conversation the same name is the same file."""
    desk = Desk(tmp_path)

    first = desk.process(
        files({"name": "out/plot.bin", "content": PNG}, {"name": "a.csv", "content": b"1,2"})
    )
    second = desk.process(files({"name": "a.csv", "content": base64.b64encode(b"3,4").decode()}))

    assert [("image", "plot.bin", "image/png"), ("file", "a.csv", "text/csv")] == [
        (one.kind, one.name, one.data["media_type"]) for one in first
    ]
    assert first[1].data == second[0].data
    assert b"3,4" == desk.content(first[1])


def test_files_without_a_conversation(tmp_path: Path) -> None:
    """Each is one of its own."""
    desk = Desk(tmp_path, conversation=None)
    given = files({"name": "a", "content": b"1"})

    made = desk.process(given, given)

    assert made[0].data["file_id"] != made[1].data["file_id"]


def test_one_name_twice_in_an_artifact(tmp_path: Path) -> None:
    """The last one counts; those without a name are all kept."""
    desk = Desk(tmp_path)
    given = [("a", b"1"), ("a", b"2"), ("", b"3"), ("", b"4")]

    made = desk.process(files(*({"name": name, "content": text} for name, text in given)))

    assert [b"2", b"3", b"4"] == [desk.content(one) for one in made]


def test_one_file_that_fails_does_not_keep_the_others(tmp_path: Path) -> None:
    """It has an error, the others are there; beyond the limit they are counted."""
    desk = Desk(tmp_path, Settings(max_files=3))
    given = [{"name": "a", "content": b"1"}, {"name": "b"}, {"name": "c", "content": b"2"}]

    made = desk.process(files(*given, {"name": "d", "content": b"3"}))

    assert [
        ("a", None),
        ("b", "it has neither content nor a URL"),
        ("c", None),
        ("execute_code", "1 more were left out; 3 are kept at most"),
    ] == [(one.name, one.error) for one in made]


def test_a_quota_that_is_used_up_is_said(tmp_path: Path) -> None:
    """In words that the caller can act on."""
    desk = Desk(tmp_path, quota=10)

    made = desk.process(files({"name": "a", "content": bytes(8)}, {"name": "b", "content": b"xyz"}))

    assert 1 == sum("delete some" in str(one.error) for one in made)


def test_files_that_cannot_be_kept_now(tmp_path: Path) -> None:
    """The store's failure is the attachment's error."""

    class Down(MemoryFiles):
        async def add(self, file: Any) -> None:
            raise StoreUnavailable("the store does not answer")

    [made] = Desk(tmp_path, records=Down()).process(files({"name": "a", "content": b"1"}))

    assert "the store does not answer" == made.error


@pytest.mark.parametrize("data", [{}, {"files": 5}, {"files": "ab"}, 5])
def test_files_that_are_no_list(tmp_path: Path, data: Any) -> None:
    """They are named as an error."""
    [made] = Desk(tmp_path).process(Artifact(kind="files", data=data))

    assert "its data has no list of files" == made.error


def source(file: str, relevance: Any, **more: Any) -> dict[str, Any]:
    return {"type": "file", "fileId": file, "relevance": relevance, "content": "…", **more}


def cited(desk: Desk, *sources: Any, **more: Any) -> list[tuple[str, float]]:
    """The files and relevances that are left of sources."""
    data = {"sources": sources, **more}
    made = desk.process(Artifact(kind="file_search", data=data))
    if not made:
        return []
    assert ("file_search", "file_search_results") == (made[0].kind, made[0].name)
    return [(one["fileId"], one["relevance"]) for one in made[0].data["sources"]]


def test_the_most_relevant_citations_are_kept(tmp_path: Path) -> None:
    """At least 0.45, at most 7 of a file and 30 in all: the seed's numbers."""
    desk = Desk(tmp_path)
    many = [source(f"f{i % 6}", round(0.45 + i / 100, 2)) for i in range(50)]

    found = cited(desk, *many, source("f0", 0.4499), source("f9", 0.45))

    assert 30 == len(found)
    assert sorted(found, key=lambda one: -one[1]) == found
    assert 7 >= max(sum(one[0] == f"f{i}" for one in found) for i in range(6))
    assert ("f1", 0.94) == found[0]
    assert [("f9", 0.45)] == cited(desk, source("f0", 0.4499), source("f9", 0.45))


def test_the_limits_of_citations_are_settings(tmp_path: Path) -> None:
    """Fewer, or less relevant ones; none at all, if the settings or the tool say so."""
    low = Settings(min_relevance=0, max_citations=2, max_citations_per_file=1)
    given = [source("a", 0.1), source("a", 0.2), source("b", 0), source("c", 0.3)]

    assert [("c", 0.3), ("a", 0.2)] == cited(Desk(tmp_path, low), *given)
    assert [] == cited(Desk(tmp_path), *given)
    assert [] == cited(Desk(tmp_path), source("a", 0.9), fileCitations=False)
    assert [("a", 0.9)] == cited(Desk(tmp_path), source("a", 0.9), fileCitations=True)
    assert [] == cited(Desk(tmp_path, Settings(file_citations=False)), source("a", 0.9))


def test_citations_that_are_none_are_left_out(tmp_path: Path) -> None:
    """Without a file or a relevance they say nothing."""
    odd = [5, {}, {"fileId": "a"}, {"relevance": 1}, source("a", "0.9"), source("b", float("nan"))]

    assert [("c", 1)] == cited(Desk(tmp_path), *odd, source("c", 1))
    assert [] == Desk(tmp_path).process(Artifact(kind="file_search", data={"sources": None}))


def test_citations_have_the_names_of_files(tmp_path: Path) -> None:
    """And where they are; one that is gone keeps the name that the tool knew."""
    desk = Desk(tmp_path)
    file = asyncio.run(desk.files.save(b"x", owner="alice", name="real.txt"))
    given = [source(file.id, 0.9, fileName="old"), source("gone", 0.8, fileName="gone.txt")]

    [made] = desk.process(Artifact(kind="file_search", data={"sources": given}))

    assert [
        {**given[0], "fileName": "real.txt", "url": f"/v1/files/{file.id}/content"},
        given[1],
    ] == made.data["sources"]


@pytest.mark.parametrize(
    ("kind", "data", "expected", "name"),
    [
        (
            "web_search",
            {"organic": [{"link": "x"}]},
            {"organic": [{"link": "x"}]},
            "web_search_results",
        ),
        ("web_search", {}, {}, "web_search_results"),
        ("ui_resources", {"data": [{"uri": "ui://a"}]}, [{"uri": "ui://a"}], "ui_resources"),
        ("ui_resources", [{"uri": "ui://a"}], [{"uri": "ui://a"}], "ui_resources"),
        ("ui_resources", [], [], "ui_resources"),
    ],
)
def test_results_are_handed_on(
    tmp_path: Path, kind: str, data: Any, expected: Any, name: str
) -> None:
    """As they came, be they empty or deep."""
    deep: Any = {"a": [{"b": [{"c": {}}]}]}
    made = Desk(tmp_path).process(
        Artifact(kind=kind, data=data), Artifact(kind="web_search", data=deep)
    )

    assert Attachment(kind=kind, name=name, data=expected) == made[0]
    assert deep == made[1].data


def test_results_that_cannot_be_handed_on(tmp_path: Path) -> None:
    """What is no JSON, or too much of it, is an error."""
    desk = Desk(tmp_path, Settings(inline_limit=100))

    made = desk.process(
        Artifact(kind="web_search", data={"x": object()}),
        Artifact(kind="ui_resources", data=["x" * 100]),
    )

    assert [
        "it is no JSON",
        "it has 104 bytes, and 100 are handed on at most",
    ] == [one.error for one in made]


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """Other kinds belong to other processors, and no data gives no attachment."""
    desk = Desk(tmp_path)

    assert [] == desk.process(Artifact(kind="acme.map", data={}))
    assert [] == desk.process(*(Artifact(kind=kind, data=None) for kind in sorted(KINDS)))
