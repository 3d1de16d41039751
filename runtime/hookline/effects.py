"""Effects: what a call of a tool gave back is kept before it is used, so that it is done once.

A call that is tried again (a request that is sent twice, a run that goes on after a pause or on
another server) has the same id, finds what was kept, and is not made a second time. Where nobody
knows how far it came, because the server that made it died, the run says so.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Self

import attrs
import msgspec
import structlog

from hookline.artifacts import Artifact
from hookline.documents import LIMIT
from hookline.errors import HooklineError, StoreUnavailable, VersionConflict
from hookline.moments import now
from hookline.records import Record, RecordStore
from hookline.tools import ContentPart, ToolResult
from hookline.wire.chat import Message

log = structlog.get_logger("hookline.tools")
COLLECTION = "runs.effects"
LEASE = 5.0
"""Seconds for which a call that is under way is believed to be; renewed while it is."""
LOOK = 0.05
"""Seconds between two looks at a call that another request is making."""
MOMENT = 0.5
"""Seconds that a call has which is cancelled, to say what came of it."""
LOST = "What this call gave back was too large to be kept, or could not be written down."

Status = Literal["success", "error", "unknown"]


class KeptArtifact(msgspec.Struct, frozen=True):
    """An artifact as it is kept."""

    kind: str
    data: Any
    name: str


class KeptResult(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a call: nothing but a lease while it is under way, its result after that."""

    until: float
    status: Status | None = None
    content: str | list[ContentPart] = ""
    artifacts: list[KeptArtifact] = []


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(KeptResult).decode
_canonical = msgspec.json.Encoder(order="deterministic").encode


@attrs.frozen
class Done:
    """What became of a call."""

    status: Status
    result: ToolResult


UNKNOWN = Done(
    "unknown",
    ToolResult(
        "It is not known whether this call took effect: the server that made it was "
        "interrupted. Find out before you call it again.",
        failed=True,
    ),
)
"""Nobody makes the call any more, and nobody said what came of it."""


def root_of_key(user: str, agent: str, key: str, messages: Sequence[Message]) -> str:
    """Where the effects of a request begin that carries an idempotency key.

    One with the same key that says something else is another request.
    """
    return _digest("key", user, agent, key, messages)


def root_of_messages(user: str, agent: str, run: str, messages: Sequence[Message]) -> str:
    """Where the effects of a request begin that goes on with a run: the same twice, the same."""
    return _digest("next", user, agent, run, messages)


def _digest(*parts: object) -> str:
    return hashlib.sha256(_canonical(parts)).hexdigest()[:40]


class EffectIds:
    """The ids of one run's calls: the n-th call of a tool with the same arguments has the same.

    Args:
        root: what tells this run from others, and is the same when it is tried again.
        seen: how many calls there were of each kind before.
    """

    def __init__(self, root: str, seen: Mapping[str, int] | None = None):
        self.root = root
        self.seen = Counter[str](seen or {})

    def next(self, agent: str, tool: str, arguments: Mapping[str, Any]) -> str:
        """The id of the next call of this tool with these arguments."""
        kind = _digest(agent, tool, arguments)
        self.seen[kind] += 1
        return "eff_" + _digest(self.root, kind, self.seen[kind])[:32]


class Effects:
    """Keeps what calls gave back.

    Args:
        records: where.
        keep: for how long.
        clock: this moment, in UTC.
    """

    def __init__(self, records: RecordStore, keep: timedelta, clock: Callable[[], datetime] = now):
        self._records = records
        self._keep = keep
        self._clock = clock

    async def once(self, effect: str, owner: str, do: Callable[[], Awaitable[Done]]) -> Done:
        """Do it, unless it has been done: then what it gave back, or that nobody knows.

        Raises:
            StoreUnavailable: that it begins, or what it gave back, could not be kept.
        """
        try:
            begun = await self._records.put(self._record(effect, owner), expected=0)
        except VersionConflict:
            return await self._kept(effect, owner, do)
        return await self._do(begun, do)

    async def _do(self, begun: Record, do: Callable[[], Awaitable[Done]]) -> Done:
        """Do it, and keep what it gives back before anybody reads it."""
        held = _Held(self._records, begun, self._clock)
        done = UNKNOWN
        try:
            async with held:
                done = await do()
            await self._settle(held.record, done)
        except BaseException:
            await self._settle_quickly(held.record, done)
            raise
        return done

    async def _settle(self, begun: Record, done: Done) -> None:
        """Keep what came of a call, also if somebody took this server for dead meanwhile."""
        data = _settled(done)
        try:
            await self._records.put(attrs.evolve(begun, data=data), expected=begun.version)
        except VersionConflict:  # this server made the call, and knows better
            await self._records.put(attrs.evolve(begun, data=data))

    async def _settle_quickly(self, begun: Record, done: Done) -> None:
        """The same in the moment that a call has which was interrupted; then its lease tells."""
        try:
            async with asyncio.timeout(MOMENT):
                await self._settle(begun, done)
        except Exception as error:  # noqa: BLE001  what interrupted the call is raised
            log.warning("effect.not_settled", effect=begun.id, error=repr(error))

    async def _kept(self, effect: str, owner: str, do: Callable[[], Awaitable[Done]]) -> Done:
        """What another request's call of this id gave back; waits for one that is under way."""
        while True:
            record = await self._records.get(COLLECTION, effect)
            if record is None:  # it was kept for long enough, and has just been forgotten
                return await self.once(effect, owner, do)
            kept = _decode(record.data)
            if kept.status is not None:
                artifacts = tuple(
                    Artifact(kind=a.kind, data=a.data, name=a.name) for a in kept.artifacts
                )
                failed = kept.status != "success"
                return Done(kept.status, ToolResult(kept.content, artifacts, failed=failed))
            if kept.until <= self._clock().timestamp():
                try:
                    dead = attrs.evolve(record, data=_settled(UNKNOWN))
                    await self._records.put(dead, expected=record.version)
                except VersionConflict:
                    continue
                return UNKNOWN
            await asyncio.sleep(LOOK)

    def _record(self, effect: str, owner: str) -> Record:
        at = self._clock()
        return Record(
            collection=COLLECTION,
            id=effect,
            owner=owner,
            data=_leased(at),
            expires_at=at + self._keep,
        )


class _Held:
    """A call under way: the record that says so, by its latest version.

    An async context manager: the lease is renewed as long as it is entered.
    """

    def __init__(self, records: RecordStore, record: Record, clock: Callable[[], datetime]):
        self.record = record
        self._records = records
        self._clock = clock
        self._over = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to renew the lease."""
        self._renewing = asyncio.get_running_loop().create_task(self._renew())
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop, in the middle if the store takes too long."""
        self._over.set()
        if self._renewing is not None:
            await asyncio.wait([self._renewing], timeout=MOMENT)
            self._renewing.cancel()

    async def _renew(self) -> None:
        while not self._over.is_set():
            try:
                async with asyncio.timeout(LEASE / 3):
                    await self._over.wait()
            except TimeoutError:
                await self._renew_once()

    async def _renew_once(self) -> None:
        renewed = attrs.evolve(self.record, data=_leased(self._clock()))
        try:
            self.record = await self._records.put(renewed, expected=self.record.version)
        except VersionConflict:
            await self._look()
        except HooklineError as error:
            log.warning("effect.not_renewed", effect=self.record.id, error=str(error))

    async def _look(self) -> None:
        """Another version is there: a renewal that was not acknowledged, or it is given up."""
        try:
            found = await self._records.get(self.record.collection, self.record.id)
        except StoreUnavailable:
            return
        if found is not None and _decode(found.data).status is None:
            self.record = found
            return
        log.warning("effect.taken_for_dead", effect=self.record.id)


def _leased(at: datetime) -> bytes:
    """What is kept of a call that is under way at this moment."""
    return _encode(KeptResult(until=at.timestamp() + LEASE))


def _settled(done: Done) -> bytes:
    """What is kept of a call that is over: as much of it as can be kept."""
    for form in (_whole, _without_artifacts, _text_alone):
        try:
            data = _encode(form(done))
            _decode(data)
        except Exception as error:  # noqa: BLE001  what a tool made may be anything
            log.warning("effect.kept_in_part", error=repr(error))
            continue
        if len(data) <= LIMIT:
            return data
        log.warning("effect.kept_in_part", error=f"it has {len(data)} bytes")
    return _encode(KeptResult(until=0.0, status=done.status, content=LOST))


def _whole(done: Done) -> KeptResult:
    artifacts = [KeptArtifact(a.kind, a.data, a.name) for a in done.result.artifacts]
    return msgspec.structs.replace(_without_artifacts(done), artifacts=artifacts)


def _without_artifacts(done: Done) -> KeptResult:
    content = done.result.content
    plain = content if isinstance(content, str) else list(content)
    return KeptResult(until=0.0, status=done.status, content=plain)


def _text_alone(done: Done) -> KeptResult:
    text = done.result.text.encode(errors="replace").decode()
    return KeptResult(until=0.0, status=done.status, content=text)
