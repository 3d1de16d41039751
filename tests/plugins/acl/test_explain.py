"""Why somebody may call an agent, or may not."""

import asyncio
import json
import shlex
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from hookline.agents import Agent
from hookline.errors import StoreUnavailable
from hookline.grants import PUBLIC, Grantee
from hookline.offline import opened_store
from hookline.roles import USE, Role
from hookline.users import User
from hookline_acl import cli_commands
from hookline_acl.explain import explain
from hookline_memory import MemoryStore
from support.blocks import check_command
from support.callers import NOON, Callers, bounded, grant

ALICE, BOB, TEAM = Grantee("user", "alice"), Grantee("user", "bob"), Grantee("group", "team")
HELPER = Agent(id="helper", provider="local", model="m")
ADD = "hookline grants add --user alice --agent helper"


def explained(*grants, role="user", features=(USE,), disabled=False, **role_fields):
    """The explanation for alice and helper, who are both there, and alice in the group team."""

    async def main():
        callers = Callers(MemoryStore())
        store = callers.store.real
        await callers.add_user("alice", role=role, disabled=disabled)
        await callers.add_group("team", "alice")
        await store.roles.put(Role(id=role, features=features, **role_fields))
        await store.agents.put(HELPER)
        await callers.grant(*grants)
        return await explain(store, "alice", "helper", clock=lambda: NOON)

    return bounded(main)


@pytest.mark.parametrize("grantee", [ALICE, TEAM, PUBLIC, Grantee("role", "user")])
def test_the_grant_that_lets_a_user_call_is_named(grantee):
    """Whoever of the user's grantees has it."""
    given = grant(grantee, "remoteAgent helper", 1, role="remoteAgent_viewer")

    found = explained(given)

    assert "alice may call helper" == found.verdict
    assert [(given.id, "remoteAgent", ["view"], ["view"], "")] == [
        (line.id, line.kind, line.says, line.gives, line.why) for line in found.grants
    ]
    assert (["view"], [], False) == (found.call_bits, found.agent_bits, found.by_share)


def test_sharing_an_agent_is_named_as_the_reason():
    """Who may share it may call it."""
    found = explained(grant(ALICE, "agent helper", 8))

    assert (True, True) == (found.may_call, found.by_share)
    assert ["view", "edit", "delete", "share"] == found.call_bits


def test_grants_of_others_are_counted():
    """They are no reason, and are told apart."""
    found = explained(
        grant(BOB, "agent helper"),
        grant(BOB, "remoteAgent helper"),
        grant(Grantee("group", "ops"), "remoteAgent helper"),
        grant(ALICE, "remoteAgent other"),
    )

    assert ([], 3, ["group ops", "user bob"]) == (
        found.grants,
        found.others.count,
        found.others.grantees,
    )
    expected = f"alice may not call helper: no grant lets this user call it; {ADD}"
    assert expected == found.verdict


def test_a_grant_that_does_not_count_says_why():
    """It has expired, or what it is inherited from is gone or gives less."""
    above = grant(BOB, "remoteAgent helper", 2)
    found = explained(
        above,
        grant(ALICE, "remoteAgent helper", 3, inherited_from=above.id),
        grant(TEAM, "remoteAgent helper", 3, inherited_from="grt_gone"),
        grant(PUBLIC, "remoteAgent helper", 3, expires_at=NOON - timedelta(days=1)),
    )

    assert {
        "user alice": (["edit"], f"inherited from {above.id}, which gives less"),
        "group team": ([], "inherited from grt_gone, which is gone"),
        "public": ([], "expired 2025-12-31T12:00:00+00:00"),
    } == {line.grantee: (line.gives, line.why) for line in found.grants}
    assert not found.may_call
    assert found.reasons[0].what.startswith("the grant grt_")


@pytest.mark.parametrize(
    ("fields", "what", "remedy"),
    [
        ({"disabled": True}, "the user alice is disabled", "hookline users update alice --enable"),
        (
            {"features": ()},
            "the role user does not have remote_agents.use",
            "hookline roles allow user remote_agents.use",
        ),
        (
            {"features": (), "managed_by": "config"},
            "the role user does not have remote_agents.use",
            "add it to user in [plugins.acl.roles] of the config",
        ),
    ],
)
def test_what_is_wrong_with_the_user_is_named_with_its_remedy(fields, what, remedy):
    """A grant is not enough."""
    found = explained(grant(ALICE, "remoteAgent helper"), **fields)

    assert [(what, remedy)] == [(reason.what, reason.remedy) for reason in found.reasons]
    assert f"alice may not call helper: {what}; {remedy}" == found.verdict


def test_who_and_what_is_not_there_is_named():
    """A grant for everybody does not let a stranger in, and not to an agent that is gone."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.grant(grant(PUBLIC, "remoteAgent helper"))
        return await explain(callers.store.real, "alice", "helper")

    found = bounded(main)
    whats = ["there is no agent helper", "there is no user alice"]
    assert whats == [reason.what for reason in found.reasons]
    assert ("missing", None, False) == (found.state, found.role, found.agent_exists)


def test_the_remedies_are_commands_that_there_are():
    """Each can be pasted into a shell, however odd the ids are."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_user("o'neil & co", role="odd role", disabled=True)
        store = callers.store.real
        return [await explain(store, "o'neil & co", "a b"), await explain(store, "$HOME", "a b")]

    remedies = [reason.remedy for found in bounded(main) for reason in found.reasons]
    commands = [shlex.split(remedy) for remedy in remedies]
    for program, *words in commands:
        assert "hookline" == program
        check_command(words)
    assert ["grants", "add", "--user", "$HOME", "--agent", "a b"] == commands[-1][1:]


def test_a_store_that_fails_explains_nothing():
    """There is an error, and no verdict."""

    async def main():
        callers = Callers(MemoryStore())
        callers.store.failing = {"grants.of_resource"}
        with pytest.raises(StoreUnavailable):
            await explain(callers.store, "alice", "helper")
        return "grants.of_resource" in callers.calls

    assert bounded(main)


@given(
    grants=st.lists(
        st.builds(
            grant,
            st.sampled_from([ALICE, BOB, TEAM, PUBLIC, Grantee("role", "user")]),
            st.sampled_from(["agent helper", "remoteAgent helper"]),
            st.integers(0, 15),
            expires_at=st.sampled_from([None, NOON]),
            inherited_from=st.sampled_from([None, None, "grt_gone"]),
        ),
        max_size=6,
    ),
    features=st.sampled_from([[], [USE]]),
    disabled=st.booleans(),
)
def test_the_verdict_is_what_happens(grants, features, disabled):
    """Who may call by the explanation is let in, has the feature, and finds the agent."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one")
        await callers.add_user("alice", disabled=disabled)
        await callers.add_group("team", "alice")
        await callers.add_role("user", *features)
        await callers.store.real.agents.put(HELPER)
        await callers.grant(*grants)
        found = await explain(callers.store.real, "alice", "helper", clock=lambda: NOON)
        principal = await callers.ask("one")
        if principal is None or USE not in principal.features:
            return False, found
        return "helper" in await callers.may(principal), found

    called, found = bounded(main)
    assert called == found.may_call
    assert called == (not found.reasons)


async def fill(path):
    async with opened_store(path) as store:
        await store.users.put(User(id="alice"))
        await store.roles.put(Role(id="user", features=[USE]))
        await store.agents.put(HELPER)
        await store.grants.apply([grant(PUBLIC, "remoteAgent helper"), grant(BOB, "agent helper")])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config whose store has an agent for everybody."""
    path = tmp_path / "hookline.toml"
    path.write_text(f'[store]\nurl = "sqlite:///{tmp_path / "hookline.db"}"\n')
    asyncio.run(fill(path))
    return path


def test_the_command_prints_the_verdict_first(config):
    """Then what it follows from, in lines."""
    words = ["explain", "--user", "alice", "--agent", "helper", "--config", str(config)]

    done = CliRunner().invoke(cli_commands(), words)

    id_ = grant(PUBLIC, "remoteAgent helper").id
    assert done.output.splitlines() == [
        "alice may call helper.",
        "",
        "user    alice: known; groups: none",
        "role    user: remote_agents.use",
        "agent   helper: there",
        f"grant   {id_} for public on remoteAgent: view",
        "others  1 for user bob",
        "sum     agent: none",
        "sum     remoteAgent: view",
    ]
    assert 0 == done.exit_code


def test_the_command_prints_json(config):
    """The explanation with its verdict, in one line."""
    words = ["explain", "--user", "bob", "--agent", "nobody", "--config", str(config), "--json"]

    done = CliRunner().invoke(cli_commands(), words)

    printed = json.loads(done.output)
    assert printed["verdict"].startswith("bob may not call nobody: there is no agent nobody")
    assert 3 == len(printed["reasons"])
    assert msgspec.json.encode(printed["grants"]) == b"[]"


def test_the_command_prints_all_reasons(config):
    """The first in the verdict, the others after it, each with its remedy."""
    words = ["explain", "--user", "eve", "--agent", "other", "--config", str(config)]

    done = CliRunner().invoke(cli_commands(), words)

    add = "hookline grants add --user eve --agent other"
    assert done.output.splitlines()[:3] == [
        "eve may not call other: there is no agent other; hookline agents list.",
        "  also: there is no user eve; hookline users create eve",
        f"  also: no grant lets this user call it; {add}",
    ]
