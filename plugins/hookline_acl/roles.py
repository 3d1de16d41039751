"""Roles that are there when the server starts: those of the config, and the first two."""

from collections.abc import Collection, Mapping

import attrs

from hookline.config import CONFIG
from hookline.errors import VersionConflict
from hookline.roles import DEFAULT_ROLES, Feature, Role, RoleStore, default_role


async def bring_in(store: RoleStore, wanted: Mapping[str, Collection[Feature]]) -> None:
    """Keep the roles of the config, and those that there are from the beginning.

    A role that the config does not name any more keeps its features; it can be changed elsewhere.
    """
    for name, features in wanted.items():
        current = await store.get(name) or Role(id=name)
        features = frozenset(features)  # noqa: PLW2901  the same, as the document has it
        await store.put(attrs.evolve(current, features=features, managed_by=CONFIG))
    for role in await _managed(store):
        if role.id not in wanted:
            await store.put(attrs.evolve(role, managed_by=None))
    for name in DEFAULT_ROLES:
        try:
            await store.put(default_role(name), expected=0)
        except VersionConflict:
            continue


async def _managed(store: RoleStore) -> list[Role]:
    managed, after = list[Role](), ""
    while page := await store.list(after=after):
        after = page[-1].id
        managed += [role for role in page if role.managed_by == CONFIG]
    return managed
