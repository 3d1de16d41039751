"""How the parts of the store contract reach documents of all kinds, and what they put there."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from hookline.groups import Group
from hookline.roles import Role
from hookline.store import Store
from hookline.testing.suite import AGENT, EARLIER, StoreSuite, run
from hookline.users import User

SAMPLES: Mapping[str, Any] = {
    "agents": AGENT,
    "users": User(
        id="u:1/é", name="Ann", email="a@x", disabled=True, created_at=EARLIER, updated_at=EARLIER
    ),
    "groups": Group(
        id="g.1$", name="All", members={"b", "a", "é"}, created_at=EARLIER, updated_at=EARLIER
    ),
    "roles": Role(
        id="r 1",
        description="d",
        features={"remote_agents.use"},
        managed_by="config",
        created_at=EARLIER,
        updated_at=EARLIER,
    ),
}
"""A document of each kind, with every field set to something else than its default."""

CHANGES: Mapping[str, str] = {
    "agents": "name",
    "users": "name",
    "groups": "name",
    "roles": "description",
}
"""A field of each kind that a test may change."""


class DocumentSuite(StoreSuite):
    """How a part of the contract reaches the ports of all kinds of documents."""

    def each(self, check: Callable[[Any, Any, str], Awaitable[None]], tmp_path: Path) -> None:
        """Check the port of each kind, with its sample and a field that may be changed."""

        async def all_kinds(store: Store) -> None:
            for kind, sample in SAMPLES.items():
                await check(getattr(store, kind), sample, CHANGES[kind])

        run(all_kinds, self.open(tmp_path))
