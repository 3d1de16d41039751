"""Who comes with a token that somebody else has signed, or else with an API key."""

import attrs
import pytest

from hookline import Principal
from hookline.errors import PartUnavailable
from hookline.grants import Grantee
from hookline.roles import FEATURES, USE
from hookline_memory import MemoryStore
from support.callers import Callers, bounded, grant


@attrs.frozen
class Said:
    """What a token says."""

    user: str
    role: str | None = None
    groups: frozenset[str] = frozenset()


class Signer:
    """Knows some tokens, and which were asked for; fails for the token ``down``."""

    def __init__(self, **said):
        self.said = said
        self.asked = []
        self.entered = 0

    async def verify(self, token):
        assert self.entered == 1
        self.asked.append(token)
        if token == "down":
            raise PartUnavailable("the keys of the issuer cannot be had")
        return self.said.get(token)

    async def __aenter__(self):
        self.entered += 1
        return self

    async def __aexit__(self, *exc):
        self.entered -= 1


def answered(token, signer, *, disabled=False, **settings):
    """Who shows a token, where alice is a maker in the group team and has the key ``key``."""

    async def main():
        callers = Callers(MemoryStore(), tokens=signer, **settings)
        key = await callers.add_key("key")
        await callers.add_role("maker", USE)
        await callers.add_user("alice", role="maker", disabled=disabled)
        await callers.add_group("team", "alice", "stranger")
        async with callers.backend:
            principal = await callers.ask(token)
        assert 0 == signer.entered
        return principal, key, callers.calls

    return bounded(main)


def test_a_token_names_a_user_of_the_store():
    """Role and features are the store's, groups both; there is no key."""
    signer = Signer(good=Said("alice", role="admin", groups=frozenset({"staff"})))

    principal, _, calls = answered("good", signer)

    expected = Principal(
        user="alice",
        role="maker",
        groups=frozenset({"team", "staff"}),
        features=frozenset({USE}),
    )
    assert expected == principal
    assert "keys.find" not in calls


def test_what_is_no_token_may_be_a_key():
    """The token is tried first, then the key."""
    signer = Signer()

    principal, key, _ = answered("key", signer)

    assert (key.id, ["key"]) == (principal.key, signer.asked)


def test_without_keys_only_tokens_let_in():
    """A key is then nobody's, and not looked up."""
    principal, _, calls = answered("key", Signer(), api_keys=False)

    assert principal is None
    assert "keys.find" not in calls


@pytest.mark.parametrize("unknown_users", ["refuse", "allow"])
def test_a_disabled_user_is_refused_with_a_good_token(unknown_users):
    """The store's word counts, and no key is tried."""
    signer = Signer(key=Said("alice"))

    principal, _, calls = answered("key", signer, disabled=True, unknown_users=unknown_users)

    assert principal is None
    assert "keys.find" not in calls


def test_a_user_whom_the_store_does_not_know_is_refused():
    """Unless the settings say otherwise."""
    principal, _, _ = answered("good", Signer(good=Said("stranger", role="admin")))

    assert principal is None


@pytest.mark.parametrize(
    ("role", "expected", "features"),
    [(None, "user", []), ("maker", "maker", [USE]), ("admin", "admin", FEATURES)],
)
def test_users_whom_the_store_does_not_know_can_be_allowed(role, expected, features):
    """They have the role that the token names, or else ``user``."""
    signer = Signer(good=Said("stranger", role=role, groups=frozenset({"staff"})))

    principal, _, _ = answered("good", signer, unknown_users="allow")

    assert expected == principal.role
    assert frozenset(features) == principal.features
    assert {"team", "staff"} == principal.groups


def test_one_stranger_may_come_with_two_roles():
    """What is remembered of the first does not count for the second."""

    async def main():
        signer = Signer(one=Said("stranger"), two=Said("stranger", role="admin"))
        callers = Callers(MemoryStore(), tokens=signer, unknown_users="allow")
        async with callers.backend:
            return [(await callers.ask(token)).role for token in ("one", "two", "one")]

    assert ["user", "admin", "user"] == bounded(main)


def test_groups_of_a_token_are_grantees():
    """A grant for such a group counts for this caller, and for no other."""

    async def main():
        signer = Signer(staff=Said("alice", groups=frozenset({"staff"})), plain=Said("alice"))
        callers = Callers(MemoryStore(), tokens=signer)
        await callers.add_user("alice")
        await callers.grant(grant(Grantee("group", "staff"), "remoteAgent a"))
        async with callers.backend:
            return [await callers.may(await callers.ask(token)) for token in ("staff", "plain")]

    assert [["a"], []] == bounded(main)


def test_tokens_that_cannot_be_checked_let_nobody_in():
    """The error comes through, and no key is tried."""
    with pytest.raises(PartUnavailable):
        answered("down", Signer())
