"""What becomes of files that messages name by their ids."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from hookline.agents import Agent, ToolResource
from hookline.attached import Attached, AttachedLimits, context, resolve
from hookline.blobs import Blobs
from hookline.errors import InvalidRequest, ToolUnavailable
from hookline.files import FileRecord
from hookline.filing import Files
from hookline.wire.chat import (
    AssistantMessage,
    FileData,
    FilePart,
    ImagePart,
    ImageUrl,
    Message,
    TextPart,
    UserMessage,
)
from hookline_memory.records import MemoryFiles

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
PDF = b"%PDF-1.7\n"
ZIP = b"PK\x03\x04\x00\x00"
NOTES = "Grüße aus Köln".encode()
BOTH = ("file_search", "execute_code")


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> Files:
    blobs = Blobs(f"file://{tmp_path}", {})
    return Files(MemoryFiles(), blobs, limit=10_000_000, quota=0)


def saved(files: Files, content: bytes, name: str, owner: str = "alice") -> FileRecord:
    return run(files.save(content, owner=owner, name=name, purpose="user_data"))


def by_id(file: FileRecord | str) -> FilePart:
    return FilePart(FileData(file_id=file if isinstance(file, str) else file.id))


def resolved(here: Files, /, *parts: Any, tools: tuple[str, ...] = (), **limits: int) -> Attached:
    messages = [UserMessage("First"), AssistantMessage("Yes?"), UserMessage(list(parts))]
    return run(
        resolve(
            messages,
            here,
            lambda file: file.owner == "alice",
            tools=tools,
            limits=AttachedLimits(**limits),
        )
    )


def parts_of(attached: Attached) -> Any:
    return attached.messages[2].content


def url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(content).decode()}"


def test_messages_without_ids_stay_as_they_are(files: Files):
    """Text, images and files that came with their data are not touched, nor copied."""
    data = FilePart(FileData(filename="a.pdf", file_data=url("application/pdf", PDF)))
    messages: list[Message] = [UserMessage([TextPart("Look"), data]), UserMessage("Now")]

    attached = run(resolve(messages, files, lambda file: False))

    assert messages is attached.messages
    assert {} == attached.resources


@pytest.mark.parametrize("tools", [(), ("file_search",)])
def test_an_image_is_shown(files: Files, tools: tuple[str, ...]):
    """An image becomes a data URL, also for an agent that searches."""
    image = saved(files, PNG, "photo.png")

    attached = resolved(files, TextPart("Look"), by_id(image), tools=tools)

    assert [TextPart("Look"), ImagePart(ImageUrl(url("image/png", PNG)))] == parts_of(attached)
    assert {} == attached.resources


def test_a_text_is_put_in_its_place(files: Files):
    """Without a tool for it, the model reads the text itself, under its name."""
    notes = saved(files, NOTES, 'no"tes.txt')

    attached = resolved(files, by_id(notes))

    expected = '<file name="no&quot;tes.txt">\nGrüße aus Köln\n</file>'
    assert [TextPart(expected)] == parts_of(attached)


def test_a_pdf_is_handed_on(files: Files):
    """A PDF becomes a file with its data, as OpenAI's API takes it."""
    report = saved(files, PDF, "report.pdf")

    attached = resolved(files, by_id(report))

    data = FileData(filename="report.pdf", file_data=url("application/pdf", PDF))
    assert [FilePart(data)] == parts_of(attached)


@pytest.mark.parametrize(
    ("tools", "note", "resources"),
    [
        (("file_search",), "search it with file_search", ["file_search"]),
        (BOTH, "search it with file_search; execute_code can open it", [*BOTH]),
    ],
)
def test_documents_are_left_to_tools(
    files: Files, tools: tuple[str, ...], note: str, resources: list[str]
):
    """An agent that searches is told of documents, and its tools may read them; each id is once."""
    notes, report = saved(files, NOTES, "notes.txt"), saved(files, PDF, "report.pdf")

    attached = resolved(files, by_id(notes), by_id(report), by_id(notes), tools=tools)

    texts = [
        TextPart(f"[Attached file: {file.name} ({file.id}); {note}]")
        for file in (notes, report, notes)
    ]
    assert texts == parts_of(attached)
    assert dict.fromkeys(resources, (notes.id, report.id)) == attached.resources


def test_code_can_open_everything(files: Files):
    """With execute_code alone, the model sees what it can, and code may open every file."""
    given = [
        saved(files, PNG, "photo.png"),
        saved(files, NOTES, "notes.txt"),
        saved(files, ZIP, "all.zip"),
    ]

    attached = resolved(files, *map(by_id, given), tools=("execute_code",))

    assert [
        ImagePart(ImageUrl(url("image/png", PNG))),
        TextPart('<file name="notes.txt">\nGrüße aus Köln\n</file>'),
        TextPart(f"[Attached file: all.zip ({given[2].id}); execute_code can open it]"),
    ] == parts_of(attached)
    assert {"execute_code": tuple(file.id for file in given)} == attached.resources


def test_unknown_and_foreign_files_are_refused_alike(files: Files):
    """A file that is not there, and one of somebody else's, get the same error with its place."""
    foreign = saved(files, NOTES, "secret.txt", owner="bob")
    errors = []
    for id_ in ("file-unknown", foreign.id):
        with pytest.raises(InvalidRequest) as refused:
            resolved(files, TextPart("Look"), by_id(id_))
        error = refused.value
        errors.append((str(error).replace(id_, "ID"), error.param, error.reason))

    assert 1 == len(set(errors))
    assert "messages[2].content[1].file.file_id" == errors[0][1]


def test_what_the_model_cannot_be_given_is_refused(files: Files):
    """A file that is neither text, PDF nor image is refused where no tool could open it."""
    archive = saved(files, ZIP, "all.zip")

    with pytest.raises(InvalidRequest, match=r"all.zip is application/zip, which") as refused:
        resolved(files, by_id(archive))

    assert "messages[2].content[0].file.file_id" == refused.value.param


def test_texts_are_cut(files: Files):
    """Texts of a request have a limit together; what is cut off is marked."""
    first, second = saved(files, b"a" * 60, "1.txt"), saved(files, "ö".encode() * 2000, "2.txt")

    attached = resolved(files, by_id(first), by_id(second), by_id(first), text=100)

    assert [
        "a" * 60,
        "ö" * 40 + "\n[truncated: the file has 4,000 bytes]",
        "\n[truncated: the file has 60 bytes]",
    ] == [part.text.split(">\n", 1)[1].removesuffix("\n</file>") for part in parts_of(attached)]


def test_images_and_pdfs_have_a_limit(files: Files):
    """What would be too much data for a model is refused, with its place."""
    image, report = saved(files, PNG, "photo.png"), saved(files, PDF, "report.pdf")

    with pytest.raises(InvalidRequest, match=r"report\.pdf has 9 bytes") as refused:
        resolved(files, by_id(image), by_id(report), data=len(PNG) + 1)

    assert "messages[2].content[1].file.file_id" == refused.value.param


def test_there_is_a_limit_of_files(files: Files):
    """A request that names too many files is refused before any of them is read."""
    with pytest.raises(InvalidRequest, match="name 3 files; at most 2"):
        resolved(files, *[by_id("file-unknown")] * 3, files=2)


def test_id_and_data_exclude_each_other(files: Files):
    """A part that has both is refused rather than half of it ignored."""
    both = FilePart(FileData(file_id="file-1", file_data=url("application/pdf", PDF)))

    with pytest.raises(InvalidRequest, match="not by both"):
        resolved(files, both)


def test_bytes_that_are_gone(files: Files, tmp_path: Path):
    """A file whose bytes are lost is answered like one that is not there."""
    for make in (lambda: saved(files, NOTES, "a.txt"), lambda: saved(files, PNG, "a.png")):
        lost = make()
        for blob in tmp_path.rglob(lost.digest):
            blob.unlink()

        with pytest.raises(InvalidRequest, match="there is no file"):
            resolved(files, by_id(lost))


def agent_with(*ids: str, on_tool_failure: Any = "fail") -> Agent:
    return Agent(
        id="helper",
        provider="p",
        model="m",
        tool_resources={"context": ToolResource(file_ids=ids)},
        on_tool_failure=on_tool_failure,
    )


def test_context_files(files: Files):
    """The texts of an agent's context files stand in their order, whoever they belong to."""
    one, two = saved(files, b"Be kind.", "tone.md"), saved(files, NOTES, "de.txt", owner="bob")

    assert (
        '<file name="tone.md">\nBe kind.\n</file>\n\n<file name="de.txt">\nGrüße aus Köln\n</file>'
    ) == run(context(agent_with(one.id, two.id), files))


def test_no_context_files(files: Files):
    """An agent without context files has no such text."""
    assert "" == run(context(Agent(id="a", provider="p", model="m"), files))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda files: "file-unknown", "there is no file file-unknown"),
        (lambda files: saved(files, PDF, "report.pdf").id, "application/pdf, not text"),
    ],
)
def test_context_file_that_cannot_be_used(files: Files, make: Callable[[Files], str], why: str):
    """A missing context file fails the run, or is left out where the agent says so."""
    bad, good = make(files), saved(files, b"Be kind.", "tone.md")

    with pytest.raises(ToolUnavailable, match=why):
        run(context(agent_with(bad, good.id), files))
    degraded = run(context(agent_with(bad, good.id, on_tool_failure="degrade"), files))
    assert '<file name="tone.md">\nBe kind.\n</file>' == degraded
