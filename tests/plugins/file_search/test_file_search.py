"""The tool ``file_search``, through the hook that offers it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
import structlog

from hookline import Agent, PluginContext, Principal, ToolResult
from hookline.blobs import Blobs
from hookline.errors import StoreUnavailable
from hookline.files import FileRecord
from hookline.filing import Files
from hookline.schemas import InvalidArguments, check_arguments
from hookline.scope import CallScope
from hookline_file_search import Settings, tool_loader
from hookline_memory.records import MemoryFiles
from support.pdfs import locked, pdf, pdf_of

ALICE = Principal(user="alice")
REFUNDS = "Refunds are paid within 14 days."
SHIPPING = "Shipping is free above 50 euros."
SLOW = pdf_of(["0 0 m 1 1 l S\n" * 5_000] * 300)
"""A PDF that takes many seconds to read."""


class PartlyAway(MemoryFiles):
    """A store that does not answer for some files."""

    def __init__(self) -> None:
        super().__init__()
        self.away: set[str] = set()

    async def get(self, file: str) -> FileRecord | None:
        """The file, unless the store is away for it."""
        if file in self.away:
            message = "the store does not answer"
            raise StoreUnavailable(message)
        return await super().get(file)


class Desk:
    """A loader of the tool, and the files that it searches."""

    def __init__(self, folder: Path, **settings: Any):
        self.folder = folder
        self.records = PartlyAway()
        self.files = Files(self.records, Blobs(f"file://{folder}", {}), limit=100_000_000, quota=0)
        self.loader: Any = tool_loader(
            PluginContext(
                name="file_search",
                settings=msgspec.convert(settings, Settings),
                logger=structlog.get_logger(),
                files=self.files,
            )
        )

    async def save(self, name: str, content: bytes | str) -> str:
        data = content.encode() if isinstance(content, str) else content
        saved = await self.files.save(data, owner="alice", name=name, purpose="user_data")
        return saved.id

    async def search(self, query: str, ids: Sequence[str], turn: int = 0) -> ToolResult:
        scope = CallScope(
            run="run_1",
            agent="helper",
            principal=ALICE,
            deadline=0.0,
            resources={"file_search": ids},
            turn=turn,
        )
        tools = await self.loader.load(["file_search"], scope)
        arguments = {"query": query}
        check_arguments(tools["file_search"].spec.parameters, arguments)
        result = await tools["file_search"].call(arguments, scope)
        return result if isinstance(result, ToolResult) else ToolResult(result)


def at_desk(folder: Path, work: Callable[[Desk], Coroutine[Any, Any, Any]], **settings: Any) -> Any:
    """Do something at a desk, within a minute."""

    async def within() -> Any:
        desk = Desk(folder, **settings)
        async with asyncio.timeout(60), desk.loader:
            return await work(desk)

    return asyncio.run(within())


def sources(result: ToolResult) -> list[dict[str, Any]]:
    return list(result.artifacts[0].data["sources"]) if result.artifacts else []


def test_it_is_offered_to_agents_that_name_it(tmp_path: Path):
    """An agent that names the tool gets its definition, which may be repeated; others do not."""

    async def definitions(desk: Desk) -> Any:
        agent = Agent(id="a", provider="p", model="m", tools=("calculator", "file_search"))
        other = attrs.evolve(agent, tools=("calculator",))
        return [
            [(spec.name, spec.repeatable) for spec in await desk.loader.definitions(a, ALICE)]
            for a in (agent, other)
        ]

    assert [[("file_search", True)], []] == at_desk(tmp_path, definitions)


def test_passages_and_their_sources(tmp_path: Path):
    """The result names file, page, anchor, relevance and content; the artifact cites the same."""

    async def work(desk: Desk) -> Any:
        ids = [
            await desk.save("terms.pdf", pdf(REFUNDS, SHIPPING, "Nothing more.")),
            await desk.save("faq.md", f"# Money\n{REFUNDS}\n# Goods\nWe sell hats."),
        ]
        return ids, await desk.search("refunds paid", ids, turn=2)

    (terms, faq), result = at_desk(tmp_path, work)

    first, second = sources(result)
    assert result.text == (
        "File: terms.pdf\nPage: 1\nAnchor: [turn2file0]\n"
        f"Relevance: {first['relevance']:.4f}\nContent: {REFUNDS}"
        "\n\n---\n\n"
        "File: faq.md\nAnchor: [turn2file1]\n"
        f"Relevance: {second['relevance']:.4f}\nContent: Money\n{REFUNDS}"
    )
    assert ("file_search", True) == (
        result.artifacts[0].kind,
        result.artifacts[0].data["fileCitations"],
    )
    assert {
        "type": "file",
        "fileId": terms,
        "content": REFUNDS,
        "fileName": "terms.pdf",
        "relevance": first["relevance"],
        "pages": [1],
        "pageRelevance": {"1": first["relevance"]},
    } == first
    assert (faq, [], {}) == (second["fileId"], second["pages"], second["pageRelevance"])
    assert 0.45 <= second["relevance"] <= first["relevance"] <= 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", f"Before.\n\n{REFUNDS}"),
        ("a.csv", "topic,text\nmoney,refunds paid soon\n"),
        ("a.json", '{"refunds": ["paid", 14]}'),
        ("a.html", f"<html><body><p>{REFUNDS}</p></body></html>"),
        ("latin.txt", "Rückzahlung: refunds paid".encode("cp1252")),
        ("utf16.txt", REFUNDS.encode("utf-16")),
        ("open.pdf", locked(pdf("Nothing", REFUNDS), "")),
    ],
)
def test_kinds_of_files(tmp_path: Path, name: str, content: bytes | str):
    """Every kind of text is searched."""

    async def work(desk: Desk) -> Any:
        return await desk.search("REFUND paid", [await desk.save(name, content)])

    assert [name] == [source["fileName"] for source in sources(at_desk(tmp_path, work))]


def test_the_last_page_and_the_first(tmp_path: Path):
    """No page is lost: a word is found on whichever page it is, counted from 1."""
    words = ["apple", "berry", "cherry", "damson"]

    async def work(desk: Desk) -> Any:
        ids = [await desk.save("fruit.pdf", pdf(*(f"The {word} page" for word in words)))]
        return [await desk.search(word, ids) for word in words]

    assert [[1], [2], [3], [4]] == [
        sources(result)[0]["pages"] for result in at_desk(tmp_path, work)
    ]


def test_no_files(tmp_path: Path):
    """Without files the model is told that there are none."""
    result = at_desk(tmp_path, lambda desk: desk.search("refunds", []))

    assert "There are no files to search. The user may attach some." == result.text
    assert not result.failed


def test_nothing_found(tmp_path: Path):
    """Where no passage has any of the words, the model is told what was searched."""

    async def work(desk: Desk) -> Any:
        return await desk.search("hamster", [await desk.save("a.txt", REFUNDS)])

    result = at_desk(tmp_path, work)

    assert "No passage has any of these words. Searched: a.txt." == result.text
    assert (False, ()) == (result.failed, tuple(result.artifacts))


def test_a_failure_shifts_nothing(tmp_path: Path):
    """Files that cannot be searched are named with the reason; the others keep their own names."""

    async def work(desk: Desk) -> Any:
        ids = [
            "file-unknown",
            await desk.save("locked.pdf", locked(pdf(REFUNDS), "secret")),
            await desk.save("refunds.txt", REFUNDS),
            await desk.save("broken.pdf", b"%PDF-1.7\nno"),
            await desk.save("photo.png", b"\x89PNG\r\n\x1a\n\x00"),
            await desk.save("away.txt", "Nobody can refund this."),
            await desk.save("large.txt", "refund " * 1000),
            await desk.save("lost.txt", "It was about a refund."),
            await desk.save("shipping.txt", SHIPPING),
            await desk.save("drawing.pdf", pdf_of(["0 0 m 1 1 l S"])),
        ]
        desk.records.away.add(ids[5])
        lost = await desk.files.get(ids[7])
        assert lost is not None
        for blob in desk.folder.rglob(lost.digest):
            blob.unlink()
        return ids, await desk.search("refunds shipping", ids)

    ids, result = at_desk(tmp_path, work, file_bytes=5000)

    found = {s["content"]: (s["fileId"], s["fileName"]) for s in sources(result)}
    assert {REFUNDS: (ids[2], "refunds.txt"), SHIPPING: (ids[8], "shipping.txt")} == found
    assert [
        "Not searched: file-unknown: it is gone.",
        "Not searched: locked.pdf: it is encrypted.",
        "Not searched: broken.pdf: it is a broken PDF.",
        "Not searched: photo.png: it is neither text nor PDF but image/png.",
        f"Not searched: {ids[5]}: it cannot be read now; try again later.",
        "Not searched: large.txt: it has 7,000 bytes, and files up to 5,000 are searched.",
        "Not searched: lost.txt: it is gone.",
        "Not searched: drawing.pdf: it has no text.",
    ] == result.text.split("\n\n---\n\n")[-1].split("\n")
    assert not result.failed


def test_all_files_failed(tmp_path: Path):
    """A call that could search none of the files has failed, and says why."""
    result = at_desk(tmp_path, lambda desk: desk.search("refunds", ["file-1", "file-2"]))

    assert result.failed
    assert "Not searched: file-1: it is gone.\nNot searched: file-2: it is gone." == result.text


def test_files_are_read_once(tmp_path: Path):
    """What was read is remembered by its bytes: the second call needs none of them."""

    async def work(desk: Desk) -> Any:
        ids = [await desk.save("a.txt", REFUNDS), await desk.save("b.txt", SHIPPING)]
        first = await asyncio.gather(*(desk.search("refunds", ids) for _ in range(5)))
        for blob in [path for path in desk.folder.rglob("*") if path.is_file()]:
            blob.unlink()
        return [*first, await desk.search("refunds", ids)]

    assert 1 == len({result.text for result in at_desk(tmp_path, work)})


def test_little_memory_is_enough(tmp_path: Path):
    """With no room to remember anything, files are read anew, and too many of them are named."""

    async def work(desk: Desk) -> Any:
        one = await desk.save("a.txt", REFUNDS)
        two = await desk.save("b.txt", SHIPPING * 100)
        return [await desk.search("refunds shipping", [one, two]) for _ in range(2)]

    results = at_desk(tmp_path, work, cache_bytes=2000)

    for result in results:
        assert ["a.txt"] == [source["fileName"] for source in sources(result)]
        assert result.text.endswith("Not searched: b.txt: the files are too many.")


def test_the_same_file_twice(tmp_path: Path):
    """An id, or the same bytes, that come twice are searched once."""

    async def work(desk: Desk) -> Any:
        one, two = await desk.save("a.txt", REFUNDS), await desk.save("copy.txt", REFUNDS)
        return await desk.search("refunds", [one, two, one])

    assert ["a.txt"] == [source["fileName"] for source in sources(at_desk(tmp_path, work))]


def test_the_number_of_results_and_files(tmp_path: Path):
    """No more passages are given and no more files searched than the settings say."""

    async def work(desk: Desk) -> Any:
        ids = [await desk.save(f"{n}.txt", f"{REFUNDS} Case {n}.") for n in range(5)]
        return ids, await desk.search("refunds", ids)

    ids, result = at_desk(tmp_path, work, results=2, files=4)

    assert ["0.txt", "1.txt"] == [source["fileName"] for source in sources(result)]
    assert f"Not searched: {ids[4]}: only 4 files are searched at a time." in result.text


def test_what_was_read_in_part_is_named(tmp_path: Path):
    """A file of which not everything was read says so, also when something was found."""

    async def work(desk: Desk) -> Any:
        return await desk.search("refunds", [await desk.save("a.pdf", pdf(REFUNDS, SHIPPING))])

    result = at_desk(tmp_path, work, pages=1)

    assert result.text.endswith("Searched in part: a.pdf: only pages 1 to 1 of 2 were read.")


@pytest.mark.parametrize(
    ("settings", "anchor", "cites"),
    [
        ({"anchor": "librechat"}, "Anchor: \ue202turn0file0", True),
        ({"citations": False}, "", False),
    ],
)
def test_anchors(tmp_path: Path, settings: dict[str, Any], anchor: str, cites: bool):
    """Anchors are as LibreChat's client knows them, or are left out with the citations."""

    async def work(desk: Desk) -> Any:
        return await desk.search("refunds", [await desk.save("a.txt", REFUNDS)])

    result = at_desk(tmp_path, work, **settings)

    assert anchor == next((li for li in result.text.split("\n") if li.startswith("Anchor")), "")
    assert cites is result.artifacts[0].data["fileCitations"]


def test_a_slow_file_does_not_hold_up_the_others(tmp_path: Path):
    """What cannot be read in time is named, and the others are searched."""

    async def work(desk: Desk) -> Any:
        ids = [await desk.save("slow.pdf", SLOW), await desk.save("a.txt", REFUNDS)]
        return await desk.search("refunds", ids)

    result = at_desk(tmp_path, work, seconds=30, timeout=1)

    assert ["a.txt"] == [source["fileName"] for source in sources(result)]
    assert "Not searched: slow.pdf: it could not be read in time." in result.text


def test_cancelling_frees_the_threads(tmp_path: Path):
    """Calls that are cancelled let go of their threads: another call gets one at once."""

    async def work(desk: Desk) -> Any:
        slow = await desk.save("slow.pdf", SLOW)
        slower = await desk.save("slower.pdf", SLOW + b"\n")
        quick = await desk.save("a.txt", REFUNDS)
        calls = [asyncio.create_task(desk.search("refunds", [id_])) for id_ in (slow, slower)]
        await asyncio.sleep(0.3)
        for call in calls:
            call.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        return ended, await desk.search("refunds", [quick])

    ended, result = at_desk(tmp_path, work, seconds=600, timeout=20)

    assert [asyncio.CancelledError] * 2 == [type(end) for end in ended]
    assert ["a.txt"] == [source["fileName"] for source in sources(result)]


def test_progress_is_told(tmp_path: Path):
    """Each file that was read puts the deadline of the call off."""
    told: list[bool] = []

    async def work(desk: Desk) -> Any:
        ids = [await desk.save(f"{n}.txt", f"{REFUNDS} {n}") for n in range(3)]
        scope = CallScope(
            run="r",
            agent="a",
            principal=ALICE,
            deadline=0.0,
            resources={"file_search": ids},
            progress=lambda: told.append(True),
        )
        tools = await desk.loader.load(["file_search"], scope)
        await tools["file_search"].call({"query": "refunds"}, scope)

    at_desk(tmp_path, work)

    assert [True] * 3 == told


@pytest.mark.parametrize("arguments", [{}, {"query": ""}, {"query": "x" * 1001}, {"text": "x"}])
def test_arguments(tmp_path: Path, arguments: dict[str, Any]):
    """The schema refuses what the tool cannot work with."""

    async def work(desk: Desk) -> Any:
        agent = Agent(id="a", provider="p", model="m", tools=("file_search",))
        return (await desk.loader.definitions(agent, ALICE))[0].parameters

    with pytest.raises(InvalidArguments):
        check_arguments(at_desk(tmp_path, work), arguments)


@pytest.mark.parametrize("settings", [{"overlap": 500}, {"results": 0}, {"anchors": "plain"}])
def test_settings(settings: dict[str, Any]):
    """Settings that make no sense are refused."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, Settings)
