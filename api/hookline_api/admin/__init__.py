"""``/admin/v1``: what administrators read and change over HTTP."""

from litestar import Router

from hookline_api.admin.accounts import (
    AccountCredits,
    AccountEntries,
    AccountLimits,
    AccountRefills,
    Accounts,
)
from hookline_api.admin.agents import Agents
from hookline_api.admin.audit import Audit
from hookline_api.admin.grants import Grants
from hookline_api.admin.groups import GroupMembers, Groups
from hookline_api.admin.keys import Keys
from hookline_api.admin.permissions import ResourcePermissions
from hookline_api.admin.roles import Roles
from hookline_api.admin.usage import Usage
from hookline_api.admin.users import Users
from hookline_api.admin.versions import AgentVersions

__all__ = ["PATH", "router"]

PATH = "/admin/v1"
HANDLERS = [
    Agents,
    AgentVersions,
    Users,
    Groups,
    GroupMembers,
    Roles,
    Keys,
    Grants,
    ResourcePermissions,
    Accounts,
    AccountCredits,
    AccountLimits,
    AccountRefills,
    AccountEntries,
    Usage,
    Audit,
]


def router() -> Router:
    """All of it."""
    return Router(PATH, route_handlers=HANDLERS)
