"""The files of agents: who may call an agent reads them through it."""

from hookline.administration.actor import Actor
from hookline.agents import Agent
from hookline.errors import InvalidRequest
from hookline.files import FileRecord
from hookline.grants import PUBLIC, Bits, Grantee, Resource
from hookline.store import Store


async def check_files(store: Store, actor: Actor, agent: Agent, current: Agent | None) -> None:
    """Refuse to give an agent files that the actor could not read.

    Those that the agent has already stay. The command line may give it any file there is.

    Args:
        store: where files and grants are.
        actor: who changes the agent.
        agent: as it shall be.
        current: as it is.

    Raises:
        InvalidRequest: there is no such file, as far as the actor may know; ``param`` names it.
    """
    had = _files(current) if current is not None else {}
    for id_, param in _files(agent).items():
        if id_ in had:
            continue
        file = await store.files.get(id_)
        if file is None or not await _readable(store, actor, file):
            message = f"{param}: there is no file {id_}; upload it first"
            raise InvalidRequest(message, param=param)


def _files(agent: Agent) -> dict[str, str]:
    """The files of an agent, with where it names them."""
    return {
        id_: f"tool_resources.{name}.file_ids[{number}]"
        for name, resource in agent.tool_resources.items()
        for number, id_ in enumerate(resource.file_ids)
    }


async def _readable(store: Store, actor: Actor, file: FileRecord) -> bool:
    if not actor.known or file.owner == actor.user:
        return True
    user = await store.users.get(actor.user)
    grants = await store.grants.of_resource(Resource("file", file.id))
    mine = {PUBLIC, Grantee("user", actor.user)}
    if user is not None:
        mine.add(Grantee("role", user.role))
    return any(grant.grantee in mine and grant.bits & Bits.VIEW for grant in grants)
