"""Files, as OpenAI's client for Python keeps and reads them."""

import time
from typing import Any

import pytest
from openai import NotFoundError

from support.witness import client


def test_a_file_and_back(site: Any) -> None:
    """What was uploaded is found, listed, read, and gone once it is deleted."""
    with client(site.server) as openai:
        made = openai.files.create(file=("notes.md", b"# Notes"), purpose="user_data")
        found = openai.files.retrieve(made.id)
        listed = [file.id for file in openai.files.list(purpose="user_data", limit=1)]
        content = openai.files.content(made.id)
        gone = openai.files.delete(made.id)

        with pytest.raises(NotFoundError) as caught:
            openai.files.retrieve(made.id)

    assert ("file", 7, "notes.md", "user_data") == (
        made.object,
        made.bytes,
        made.filename,
        made.purpose,
    )
    assert found == made
    assert made.id in listed
    assert b"# Notes" == content.content
    assert "text/markdown" in content.response.headers["content-type"]
    assert (made.id, True) == (gone.id, gone.deleted)
    assert f"No such File object: {made.id}" in caught.value.message


def test_a_file_that_expires(site: Any) -> None:
    """The moment is said in seconds since 1970."""
    with client(site.server) as openai:
        made = openai.files.create(
            file=b"x",
            purpose="assistants",
            expires_after={"anchor": "created_at", "seconds": 3600},
        )
        openai.files.delete(made.id)

    assert made.expires_at is not None
    assert abs(made.created_at - time.time()) < 60
    assert made.created_at + 3600 == made.expires_at


def test_pages_of_files(site: Any) -> None:
    """The client goes through all pages by itself."""
    with client(site.server) as openai:
        made = [openai.files.create(file=bytes([i]), purpose="vision").id for i in range(5)]
        listed = [file.id for file in openai.files.list(purpose="vision", limit=2, order="asc")]
        for id_ in made:
            openai.files.delete(id_)

    assert made == listed
