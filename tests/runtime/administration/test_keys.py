"""Keys: of users that exist, as many as they may have, revoked once and for ever."""

import attrs
import pytest

from hookline.errors import InvalidRequest, NotFound
from hookline.keys import ApiKey, new_key
from support.offices import ROOT, Office, in_office


def test_a_key_needs_its_user():
    """Nobody gets a key whom nobody knows."""

    async def work(office: Office):
        with pytest.raises(NotFound, match="there is no user alice; create it first"):
            await office.administration.keys.create(ROOT, new_key("alice")[0])
        return await office.store.keys.list()

    assert [] == list(in_office(work))


def test_a_user_has_so_many_keys():
    """The limit counts keys that are good; the audit never holds a digest."""

    async def work(office: Office):
        await office.people("alice")
        keys = [new_key("alice")[0] for _ in range(4)]
        for key in keys[:3]:
            await office.administration.keys.create(ROOT, key)
        with pytest.raises(InvalidRequest) as caught:
            await office.administration.keys.create(ROOT, keys[3])
        await office.administration.keys.revoke(ROOT, keys[0].id)
        await office.administration.keys.create(ROOT, keys[3])
        return caught.value.reason, keys, await office.audited("detail", "before", "after")

    reason, keys, records = in_office(work)

    assert "key_limit_reached" == reason
    assert not any(key.digest in word for key in keys for record in records for word in record)


def test_a_key_is_revoked_once():
    """It keeps its first moment, and a second revocation is not recorded."""

    async def work(office: Office):
        await office.people("alice")
        key: ApiKey = new_key("alice")[0]
        await office.administration.keys.create(ROOT, key)
        first = await office.administration.keys.revoke(ROOT, key.id)
        second = await office.administration.keys.revoke(ROOT, key.id)
        records = await office.audited("action", "kind", "subject")
        return key, first, second, records[1:]

    key, first, second, records = in_office(work)

    assert first.revoked_at is not None
    assert attrs.evolve(key, revoked_at=first.revoked_at) == first == second
    assert [("create", "key", key.id), ("revoke", "key", key.id)] == records


def test_an_unknown_key_is_not_found():
    """There is nothing to revoke."""

    async def work(office: Office):
        with pytest.raises(NotFound, match="there is no key with the id key_0"):
            await office.administration.keys.revoke(ROOT, "key_0")

    in_office(work)
