"""All of the administration of one store."""

from collections.abc import Callable
from datetime import datetime

from hookline.administration.accounts import AccountAdministration
from hookline.administration.actor import Recorder
from hookline.administration.agents import AgentAdministration
from hookline.administration.documents import DocumentAdministration
from hookline.administration.grants import GrantAdministration
from hookline.administration.keys import KeyAdministration
from hookline.administration.members import GroupAdministration, UserAdministration
from hookline.config import PolicyConfig
from hookline.moments import now
from hookline.roles import Role
from hookline.store import Store

ALL_ALLOWED = PolicyConfig()


class Administration:
    """Changes what a store holds; each change is checked, and written down in the audit.

    Args:
        store: which store.
        changed: called after each change, to drop what was remembered.
        keys_per_user: how many valid keys a user may have.
        policy: what no agent may do.
        clock: this moment, in UTC.
    """

    def __init__(
        self,
        store: Store,
        *,
        changed: Callable[[], None] = lambda: None,
        keys_per_user: int = 100,
        policy: PolicyConfig = ALL_ALLOWED,
        clock: Callable[[], datetime] = now,
    ):
        recorder = Recorder(store.audit, changed, clock)
        self.store = store
        self.policy = policy
        self.accounts = AccountAdministration(store, recorder)
        self.agents = AgentAdministration(store, recorder, policy)
        self.users = UserAdministration(store, recorder)
        self.groups = GroupAdministration(store, recorder)
        self.roles: DocumentAdministration[Role] = DocumentAdministration(
            "role", store.roles, recorder
        )
        self.grants = GrantAdministration(store, recorder)
        self.keys = KeyAdministration(store, recorder, keys_per_user)
