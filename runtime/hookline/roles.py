"""Roles of users: which features of the server they may use."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, get_args

import attrs

from hookline.documents import DocumentStore
from hookline.moments import now
from hookline.users import ADMIN, USER

Feature = Literal[
    "remote_agents.use",
    "remote_agents.create",
    "remote_agents.share",
    "remote_agents.share_public",
]
FEATURES: Sequence[Feature] = get_args(Feature)
USE: Feature = "remote_agents.use"


def _features(features: Iterable[Feature]) -> frozenset[Feature]:
    return frozenset(features)


@attrs.frozen(kw_only=True)
class Role:
    """A role by its name, and what those who have it may do. Source: seed 5.4."""

    id: str
    version: int = 1
    description: str = ""
    features: frozenset[Feature] = attrs.field(default=frozenset(), converter=_features)
    managed_by: str | None = None
    created_at: datetime = attrs.field(factory=now)
    updated_at: datetime = attrs.field(factory=now)


RoleStore = DocumentStore[Role]


def default_role(name: str) -> Role:
    """The role as it is until somebody changes it: admins may do all, others nothing.

    Source: seed 5.4.
    """
    return Role(id=name, features=frozenset(FEATURES) if name == ADMIN else frozenset())


DEFAULT_ROLES: Sequence[str] = (ADMIN, USER)
"""The roles that there are from the beginning."""
