"""What a grant gives now: less than it says once it expired, or what it is inherited from did."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import attrs

from hookline.grants import Bits, Grant, GrantStore

DEPTH = 8
"""How many grants may stand between a grant and the one that it all comes from, that one included.

A longer chain gives nothing.
"""


@attrs.frozen(kw_only=True)
class Effect:
    """What a grant gives at a moment.

    Args:
        grant: which one.
        bits: what it gives.
        until: when it will give less, if nobody changes anything.
        fault: why it does not give all that it says; empty if it does.
    """

    grant: Grant
    bits: Bits
    until: datetime | None = None
    fault: str = ""


class Effects:
    """Weighs grants at one moment.

    Args:
        store: where those are that others are inherited from.
        grants: those that were looked up already.
        at: the moment.
    """

    def __init__(self, store: GrantStore, grants: Collection[Grant], at: datetime):
        self._store = store
        self._at = at
        inherited = any(grant.inherited_from is not None for grant in grants)
        # An id is a hash, and computed for each of what may be thousands only where it is needed.
        self._known: dict[str, Grant | None] = {g.id: g for g in grants} if inherited else {}

    async def of(self, grants: Iterable[Grant]) -> Sequence[Effect]:
        """What each of these gives."""
        return [await self._weigh(grant) for grant in grants]

    async def _weigh(self, grant: Grant) -> Effect:
        bits, until = masked(grant.bits), grant.expires_at
        if not grant.valid(self._at):
            return _nothing(grant, f"expired {_moment(grant)}")
        above = grant.inherited_from
        seen = set[str]() if above is None else {grant.id}
        while above is not None:
            if above in seen:
                return _nothing(grant, f"inherited from {above} in a circle")
            if len(seen) > DEPTH:
                return _nothing(grant, f"inherited through more than {DEPTH} grants")
            parent = await self._find(above)
            if parent is None:
                return _nothing(grant, f"inherited from {above}, which is gone")
            if not parent.valid(self._at):
                return _nothing(grant, f"inherited from {above}, which expired {_moment(parent)}")
            bits &= masked(parent.bits)
            until = sooner(until, parent.expires_at)
            seen.add(above)
            above = parent.inherited_from
        fault = "" if bits == grant.bits else _less(grant)
        return Effect(grant=grant, bits=bits, until=until, fault=fault)

    async def _find(self, id_: str) -> Grant | None:
        if id_ not in self._known:
            found = await self._store.get(id_)
            # A store may compare as it likes, without case for example: we do not.
            self._known[id_] = found if found is not None and found.id == id_ else None
        return self._known[id_]


def masked(bits: Bits) -> Bits:
    """The bits that have a meaning; a negative number has none."""
    return Bits(max(int(bits), 0) & Bits.ALL)


def sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two moments; ``None`` is never."""
    if one is None or other is None:
        return one or other
    return min(one, other)


def _nothing(grant: Grant, fault: str) -> Effect:
    return Effect(grant=grant, bits=Bits.NONE, fault=fault)


def _less(grant: Grant) -> str:
    if grant.inherited_from is None:
        return f"{int(grant.bits)} has bits without a meaning"
    return f"inherited from {grant.inherited_from}, which gives less"


def _moment(grant: Grant) -> str:
    return "" if grant.expires_at is None else grant.expires_at.isoformat(timespec="seconds")
