"""Who a user is: role, groups, and what the role may do."""

import attrs

from hookline.roles import Feature, Role, RoleStore, default_role
from hookline.store import Store
from hookline_acl.memory import Memory


@attrs.frozen(kw_only=True)
class Person:
    """What the store says of a user."""

    role: str
    groups: frozenset[str] = frozenset()
    features: frozenset[Feature] = frozenset()
    disabled: bool = False
    name: str = ""


class People:
    """Finds users, and remembers them.

    Args:
        store: where they are, with their groups and roles.
        memory: what the store said, by user and the role that a stranger would have.
    """

    def __init__(self, store: Store, memory: Memory[tuple[str, str | None], Person | None]):
        self._store = store
        self._memory = memory

    async def find(self, user: str, *, stranger: str | None = None) -> Person | None:
        """The user with this id; ``None`` if there is none.

        Args:
            user: the id.
            stranger: the role of a user who is not in the store; ``None`` if such is nobody.
        """
        return await self._memory.get((user, stranger), lambda: self._look_up(user, stranger))

    async def _look_up(self, user: str, stranger: str | None) -> Person | None:
        found = await self._store.users.get(user)
        # A store may compare as it likes, without case for example: we do not.
        if found is not None and found.id != user:
            found = None
        role = stranger if found is None else found.role
        if role is None:
            return None
        return Person(
            role=role,
            groups=frozenset(await self._store.groups.of_member(user)),
            features=(await find_role(self._store.roles, role)).features,
            disabled=found is not None and found.disabled,
            name="" if found is None else found.name,
        )


async def find_role(roles: RoleStore, name: str) -> Role:
    """A role as the store has it, or as it is from the beginning."""
    found = await roles.get(name)
    return found if found is not None and found.id == name else default_role(name)
