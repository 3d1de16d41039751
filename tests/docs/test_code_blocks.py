"""Every code block runs, or says why not; every link leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = [*DOCUMENTS, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
RUN = {"python", "toml", "json", "console"}
"""Languages whose blocks are run: see ``support.blocks``."""

NO_CODE = {"text"}
EXCEPTIONS: dict[str, str] = {}
"""Reasons why blocks are skipped, by what follows ``<!-- skip: next`` in the document."""

_FENCE = re.compile(r"^```(?P<language>\S*)[^\n]*\n.*?^```$", re.MULTILINE | re.DOTALL)
_SKIP = re.compile(r"<!---?\s*skip:(?P<rest>[^>]*?)-?-->")
_LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {text.replace(" ", "-") for text in words}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_block_has_a_language_that_runs(document: Path):
    """A block is of a language that is run, or is plain text."""
    found = {match["language"] for match in _FENCE.finditer(document.read_text())}

    assert set() == found - RUN - NO_CODE


def test_every_skip_has_its_reason():
    """The blocks that are not run are the exceptions that stand here."""
    skipped = [
        match["rest"].strip()
        for document in DOCUMENTS
        for match in _SKIP.finditer(document.read_text())
    ]

    assert sorted(EXCEPTIONS) == sorted(skipped)


@pytest.mark.parametrize("document", TEXTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path):
    """A link to a file of the repository names one that is there, and a heading that it has."""
    broken = []
    for match in _LINK.finditer(document.read_text()):
        target = (document.parent / match["target"]).resolve() if match["target"] else document
        if not target.exists() or (match["anchor"] and match["anchor"] not in anchors(target)):
            broken.append(match[0])

    assert [] == broken
