"""Why somebody may call an agent, or may not, as facts."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from hookline.grants import ResourceKind
from hookline.permissions import Permission


class GrantLine(Struct, frozen=True, kw_only=True):
    """A grant that names the user, one of its groups, its role or everybody.

    Args:
        id: of the grant.
        grantee: whom it names, such as ``group team`` or ``public``.
        kind: whether it is on the agent itself, or on calling it.
        role: the access role that it was given as, if any.
        says: what it would allow.
        gives: what it allows now.
        why: why that is less; empty if it is not.
    """

    id: str
    grantee: str
    kind: ResourceKind
    role: str | None
    says: Sequence[Permission]
    gives: Sequence[Permission]
    why: str


class Others(Struct, frozen=True, kw_only=True):
    """Grants on the agent that name somebody else."""

    count: int
    grantees: Sequence[str]


class Reason(Struct, frozen=True, kw_only=True):
    """Why the agent may not be called, and the command that changes it; empty if none does."""

    what: str
    remedy: str


class Explanation(Struct, frozen=True, kw_only=True):
    """What was found, and what follows from it.

    Args:
        user: who would call.
        agent: what would be called.
        may_call: whether the call is let through, if the credentials are not limited.
        reasons: why it is not; empty if it is.
        state: whether the user is known, disabled, or not there.
        role: of the user; ``None`` if it is not there.
        features: what the role may do.
        groups: of the user.
        agent_exists: whether there is such an agent.
        grants: those on the agent that matter to this user.
        others: those that do not.
        agent_bits: what they give on the agent, added up.
        call_bits: what they give on calling it.
        by_share: whether calling it is allowed because the user may share the agent.
    """

    user: str
    agent: str
    may_call: bool
    reasons: Sequence[Reason]
    state: Literal["known", "disabled", "missing"]
    role: str | None
    features: Sequence[str]
    groups: Sequence[str]
    agent_exists: bool
    grants: Sequence[GrantLine]
    others: Others
    agent_bits: Sequence[Permission]
    call_bits: Sequence[Permission]
    by_share: bool

    @property
    def verdict(self) -> str:
        """One sentence, with the remedy of what is wrong first."""
        if self.may_call:
            return f"{self.user} may call {self.agent}"
        first = self.reasons[0]
        remedy = f"; {first.remedy}" if first.remedy else ""
        return f"{self.user} may not call {self.agent}: {first.what}{remedy}"
