"""The part of the store contract that concerns groups alone."""

from pathlib import Path

from hookline.groups import Group
from hookline.store import Store
from hookline.testing.suite import StoreSuite, run


class GroupContract(StoreSuite):
    """The part of the contract that concerns members of groups."""

    def test_groups_are_found_by_member(self, tmp_path: Path) -> None:
        """In order; a change of the members, and the end of a group, show at once."""

        async def check(store: Store) -> None:
            for id_, members in {"b": {"ann", "bob"}, "a": {"ann"}, "c": set[str]()}.items():
                await store.groups.put(Group(id=id_, members=members))
            of_member = store.groups.of_member

            assert list(await of_member("ann")) == ["a", "b"]
            assert list(await of_member("Ann")) == []
            await store.groups.put(Group(id="b", members={"bob"}))
            assert list(await of_member("ann")) == ["a"]
            await store.groups.delete("b")
            assert list(await of_member("bob")) == []

        run(check, self.open(tmp_path))
