"""What has expired is forgotten while a server runs."""

from datetime import datetime, timedelta

import attrs

from hookline.moments import now
from hookline.records import Record
from hookline.testing.suite import sample_continuation
from support.runtimes import ListedModel, opened, run

HOUR = timedelta(hours=1)


def expiring(id_: str, end: datetime | None) -> Record:
    return Record(collection="weather.place", id=id_, data=b"{}", expires_at=end)


def test_a_server_forgets_what_has_expired():
    """Records of plugins and continuations, and none whose time has not come."""

    async def counts() -> tuple[int, int]:
        async with opened(ListedModel()) as runtime:
            store = runtime.registry.store
            for id_, end in {"gone": now() - HOUR, "later": now() + HOUR, "never": None}.items():
                await store.records.put(expiring(id_, end))
            for id_, end in {"gone": now() - HOUR, "later": now() + HOUR}.items():
                await store.continuations.put(
                    attrs.evolve(sample_continuation(id_, f"call_{id_}"), expires_at=end)
                )

            await runtime.registry.sweep.forget_expired()

            return await store.archive.count("records"), await store.archive.count("continuations")

    assert (2, 1) == run(counts)
