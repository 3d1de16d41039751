"""Finds out why somebody may call an agent, or may not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from shlex import quote
from typing import Literal

import attrs

from hookline.config import CONFIG
from hookline.grants import OF_AGENTS, Bits, Grant, Grantee, Resource
from hookline.moments import now
from hookline.permissions import Permission
from hookline.roles import USE, Role
from hookline.store import Store
from hookline.users import User
from hookline_acl.effects import Effect, Effects, masked
from hookline_acl.explanation import Explanation, GrantLine, Others, Reason
from hookline_acl.people import find_role
from hookline_acl.rights import GIVEN, add_up, grantees


@attrs.frozen(kw_only=True)
class _Facts:
    """What the store says."""

    user: str
    agent: str
    found: User | None
    role: Role | None
    groups: Sequence[str]
    agent_exists: bool
    effects: Sequence[Effect]
    others: Sequence[Grant]

    @property
    def state(self) -> Literal["known", "disabled", "missing"]:
        if self.found is None:
            return "missing"
        return "disabled" if self.found.disabled else "known"


async def explain(
    store: Store, user: str, agent: str, *, clock: Callable[[], datetime] = now
) -> Explanation:
    """Why this user may call this agent, or may not, by what the store says now.

    The rule is the one that requests are decided by. What a key is limited to is not part of it,
    and neither are the groups and roles that a token brings.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    facts = await _gather(store, user, agent, clock())
    total = add_up(facts.effects)
    agent_bits = total.get(Resource("agent", agent), Bits.NONE)
    call_bits = total.get(Resource("remoteAgent", agent), Bits.NONE)
    reasons = list(_reasons(facts, total))
    return Explanation(
        user=user,
        agent=agent,
        may_call=not reasons,
        reasons=reasons,
        state=facts.state,
        role=None if facts.role is None else facts.role.id,
        features=sorted(facts.role.features) if facts.role is not None else [],
        groups=facts.groups,
        agent_exists=facts.agent_exists,
        grants=[_line(effect) for effect in facts.effects],
        others=Others(
            count=len(facts.others), grantees=sorted({name(g.grantee) for g in facts.others})
        ),
        agent_bits=permissions(agent_bits),
        call_bits=permissions(call_bits),
        by_share=bool(agent_bits & Bits.SHARE),
    )


def permissions(bits: Bits) -> Sequence[Permission]:
    """The names of bits."""
    return GIVEN[masked(bits)]


def name(grantee: Grantee) -> str:
    """A grantee in words."""
    return f"{grantee.kind} {grantee.id}".strip()


async def _gather(store: Store, user: str, agent: str, at: datetime) -> _Facts:
    found = await store.users.get(user)
    groups = await store.groups.of_member(user)
    wanted = grantees(user, "" if found is None else found.role, groups)
    grants = list[Grant]()
    for kind in OF_AGENTS:
        grants += await store.grants.of_resource(Resource(kind, agent))
    matching = [grant for grant in grants if grant.grantee in wanted]
    return _Facts(
        user=user,
        agent=agent,
        found=found,
        role=None if found is None else await find_role(store.roles, found.role),
        groups=sorted(groups),
        agent_exists=await store.agents.get(agent) is not None,
        effects=await Effects(store.grants, grants, at).of(matching),
        others=[grant for grant in grants if grant.grantee not in wanted],
    )


def _reasons(facts: _Facts, total: Mapping[Resource, Bits]) -> Iterator[Reason]:
    user, agent = facts.user, facts.agent
    if not facts.agent_exists:
        yield Reason(what=f"there is no agent {agent}", remedy="hookline agents list")
    if facts.found is None:
        remedy = f"hookline users create {quote(user)}"
        yield Reason(what=f"there is no user {user}", remedy=remedy)
    elif facts.found.disabled:
        remedy = f"hookline users update {quote(user)} --enable"
        yield Reason(what=f"the user {user} is disabled", remedy=remedy)
    if facts.role is not None and USE not in facts.role.features:
        what = f"the role {facts.role.id} does not have {USE}"
        yield Reason(what=what, remedy=_allow(facts.role))
    if not total.get(Resource("remoteAgent", agent), Bits.NONE) & Bits.VIEW:
        remedy = f"hookline grants add --user {quote(user)} --agent {quote(agent)}"
        yield Reason(what=_missing(facts.effects), remedy=remedy)


def _allow(role: Role) -> str:
    if role.managed_by == CONFIG:
        return f"add it to {role.id} in [plugins.acl.roles] of the config"
    return f"hookline roles allow {quote(role.id)} {USE}"


def _missing(effects: Sequence[Effect]) -> str:
    """Why no grant lets the user call: the fault of one that would, if there is such a one."""
    for effect in effects:
        wanted = Bits.VIEW if effect.grant.resource.kind == "remoteAgent" else Bits.SHARE
        if effect.fault and masked(effect.grant.bits) & wanted:
            return f"the grant {effect.grant.id} for {name(effect.grant.grantee)} {effect.fault}"
    return "no grant lets this user call it"


def _line(effect: Effect) -> GrantLine:
    grant = effect.grant
    return GrantLine(
        id=grant.id,
        grantee=name(grant.grantee),
        kind=grant.resource.kind,
        role=grant.role,
        says=permissions(grant.bits),
        gives=permissions(effect.bits),
        why=effect.fault,
    )
