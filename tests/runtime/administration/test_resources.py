"""Files of agents: nobody gives away what they cannot read."""

import pytest

from hookline.administration.actor import Actor
from hookline.agents import ToolResource
from hookline.errors import InvalidRequest
from hookline.files import FileRecord
from hookline.grants import Bits, Grant, Grantee, Resource
from support.offices import ROOT, Office, agent, in_office

COMMAND_LINE = Actor(user="cli:me", known=False)


def _file(id_: str, owner: str) -> FileRecord:
    return FileRecord(
        id=id_, owner=owner, name="n", media_type="text/plain", size=1, digest="0" * 64
    )


def _with(*ids: str):
    return agent(tool_resources={"file_search": ToolResource(file_ids=ids)})


@pytest.mark.parametrize(
    ("actor", "id_", "refused"),
    [
        (ROOT, "file-mine", False),
        (ROOT, "file-theirs", True),
        (ROOT, "file-shared", False),
        (ROOT, "file-nobodys", True),
        (COMMAND_LINE, "file-theirs", False),
        (COMMAND_LINE, "file-nobodys", True),
    ],
)
def test_an_agent_gets_files_that_its_author_may_read(actor: Actor, id_: str, refused: bool):
    """One of somebody else's is as little there as one that is not."""

    async def work(office: Office):
        for file in ("file-mine", "root"), ("file-theirs", "eve"), ("file-shared", "eve"):
            await office.store.files.add(_file(*file))
        shared = Resource("file", "file-shared")
        await office.store.grants.apply(
            [Grant(grantee=Grantee("user", "root"), resource=shared, bits=Bits.VIEW)]
        )
        try:
            await office.administration.agents.create(actor, _with(id_))
        except InvalidRequest as error:
            return error.param
        return None

    expected = "tool_resources.file_search.file_ids[0]" if refused else None
    assert expected == in_office(work)


def test_files_that_an_agent_has_stay():
    """Who changes its name need not be able to read them, nor need they still be there."""

    async def work(office: Office):
        await office.store.files.add(_file("file-theirs", "eve"))
        await office.administration.agents.create(COMMAND_LINE, _with("file-theirs"))
        await office.store.files.delete("file-theirs")
        changed = await office.administration.agents.replace(ROOT, _with("file-theirs"))
        with pytest.raises(InvalidRequest, match="there is no file file-more"):
            await office.administration.agents.replace(ROOT, _with("file-theirs", "file-more"))
        return changed.tool_resources["file_search"].file_ids

    assert ("file-theirs",) == in_office(work)
