"""Who may call which agent: one filter for lists and for single questions."""

import attrs
import pytest

from hookline import Credentials, Principal, ResourceFilter, hookimpl
from hookline.access import FEW, check_feature, check_writable, pinned
from hookline.errors import AccessDenied, AgentNotFound, NotPermitted, Unauthenticated
from hookline.permissions import NOTHING
from hookline.runtime import Runtime
from support.runtimes import ALICE, HELPER, ListedModel, opened, run

BOB = Principal(user="bob")
SILENT = ListedModel([])


class Door:
    """A backend that lets bob call the agents it is told."""

    def __init__(self, *ids: str):
        self.ids = frozenset(ids)
        self.forgot = 0

    @hookimpl
    def permission_backend(self) -> "Door":
        return self

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        if credentials.token == "gone":
            raise Unauthenticated("User not found for this API key")
        return BOB if credentials.token == "bob" else None

    async def allowed(self, principal: Principal, permission: str, kind: str) -> ResourceFilter:
        if principal.user != "bob" or (permission, kind) != ("view", "remoteAgent"):
            return NOTHING
        return ResourceFilter(self.ids)

    def forget(self) -> None:
        self.forgot += 1


async def put(runtime: Runtime, *ids: str) -> None:
    for id_ in ids:
        await runtime.registry.store.agents.put(attrs.evolve(HELPER, id=id_))
    runtime.forget()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("helper", ("helper", None)),
        ("helper@3", ("helper", 3)),
        ("a/b:c@12", ("a/b:c", 12)),
        ("helper@0", ("helper@0", None)),
        ("helper@03", ("helper@03", None)),
        ("helper@latest", ("helper@latest", None)),
        ("helper@", ("helper@", None)),
        ("helper@-1", ("helper@-1", None)),
        ("helper@²", ("helper@²", None)),
        ("helper@" + "9" * 5000, ("helper@" + "9" * 5000, None)),
        ("@1", ("", 1)),
        ("a@1@2", ("a@1", 2)),
    ],
)
def test_a_version_stands_behind_an_at(model: str, expected: tuple[str, int | None]) -> None:
    """Digits without leading zeros are a version; with anything else, nobody has that id."""
    assert expected == pinned(model)


def test_a_list_holds_what_single_questions_allow() -> None:
    """However many agents there are, the list and the questions come from one filter."""

    async def work() -> None:
        ids = [f"a{number:03}" for number in range(FEW + 20)]
        for allowed in (ids[:3], ids[10:], [*ids[:2], "nobody"]):
            door = Door(*allowed)
            async with opened(SILENT, door) as runtime:
                await put(runtime, *ids)
                listed = [agent.id for agent in await runtime.access.list_agents(BOB)]
                called = []
                for id_ in ids:
                    try:
                        called.append((await runtime.access.find_agent(BOB, id_)).id)
                    except AccessDenied:
                        continue

                assert listed == called == [id_ for id_ in ids if id_ in allowed]

    run(work)


def test_no_backend_widens_what_the_credentials_are_limited_to() -> None:
    """A key for some agents calls those alone, though its user may call all."""

    async def work() -> None:
        async with opened(SILENT) as runtime:
            await put(runtime, "other")
            limited = attrs.evolve(ALICE, agents=frozenset({"other", "nobody"}))

            assert ["other"] == [agent.id for agent in await runtime.access.list_agents(limited)]
            with pytest.raises(AccessDenied):
                await runtime.access.find_agent(limited, "helper")

    run(work)


def test_a_version_can_be_pinned() -> None:
    """``helper@1`` is what it was; the permission is that of the agent."""

    async def work() -> None:
        async with opened(SILENT) as runtime:
            store = runtime.registry.store.agents
            first = await store.put(attrs.evolve(HELPER, id="pinned", name="first"))
            await store.put(attrs.evolve(first, name="second"))
            limited = attrs.evolve(ALICE, agents=frozenset({"helper"}))
            find = runtime.access.find_agent

            assert first == await find(ALICE, "pinned@1")
            assert await find(ALICE, "pinned") == await find(ALICE, "pinned@2")
            for model in ("pinned@3", "pinned@0", "nobody@1"):
                with pytest.raises(AgentNotFound, match=model):
                    await find(ALICE, model)
            with pytest.raises(AccessDenied):
                await find(limited, "pinned@1")

    run(work)


@pytest.mark.parametrize("hidden", [True, False])
def test_what_is_forbidden_can_be_hidden(*, hidden: bool) -> None:
    """It is then as if it did not exist, in the same words."""

    async def work() -> None:
        tables = {"permissions": {"hide_forbidden": hidden}}
        async with opened(SILENT, tables=tables) as runtime:
            limited = attrs.evolve(ALICE, agents=frozenset())
            with pytest.raises(AgentNotFound if hidden else AccessDenied, match=r"^helper$"):
                await runtime.access.find_agent(limited, "helper")
            with pytest.raises(AgentNotFound, match=r"^nobody$"):
                await runtime.access.find_agent(limited, "nobody")

    run(work)


def test_a_backend_that_refuses_is_believed() -> None:
    """Its words reach the caller."""

    async def work() -> None:
        async with opened(SILENT, Door()) as runtime:
            with pytest.raises(Unauthenticated, match="User not found for this API key"):
                await runtime.access.authenticate(Credentials("gone"))

    run(work)


def test_backends_are_told_to_forget() -> None:
    """Once for each change; those that remember nothing need not listen."""

    async def work() -> None:
        door = Door()
        async with opened(SILENT, door) as runtime:
            before = door.forgot
            runtime.forget()

            assert door.forgot == before + 1

    run(work)


def test_a_role_without_the_feature_is_told_the_remedy() -> None:
    """The message names the role, the permission and the command."""
    principal = Principal(user="bob", role="guest", features=frozenset())

    with pytest.raises(NotPermitted, match=r"allow guest remote_agents\.use$"):
        check_feature(principal, "remote_agents.use")
    with pytest.raises(NotPermitted, match="read-only"):
        check_writable(Principal(user="bob", read_only=True))
    check_feature(ALICE, "remote_agents.use")
    check_writable(ALICE)
