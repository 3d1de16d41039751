"""Who changes something, and the record of it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import attrs

from hookline.audit import Action, AuditRecord, AuditStore, content_hash, new_audit_id
from hookline.moments import now


@attrs.frozen(kw_only=True)
class Actor:
    """Who changes something.

    Args:
        user: the id of the user; of the command line, ``cli:`` and the system's user.
        key: the id of the API key it came with, if it came with one.
        known: whether it is a user of the server; the command line's is one of the system.
    """

    user: str
    key: str | None = None
    known: bool = True


@attrs.frozen
class Change:
    """One thing that was changed, as it was before and as it is after; ``None`` if not there."""

    kind: str
    subject: str
    before: Any
    after: Any
    detail: str = ""

    @property
    def action(self) -> Action:
        """What was done."""
        if self.before is None:
            return "create"
        return "delete" if self.after is None else "update"


class Recorder:
    """Writes changes into the audit, and tells whoever remembers things that they changed.

    A change is acknowledged after its record is kept.

    Args:
        audit: where records are kept.
        changed: called after each change.
        clock: this moment, in UTC.
    """

    def __init__(
        self,
        audit: AuditStore,
        changed: Callable[[], None],
        clock: Callable[[], datetime] = now,
    ):
        self._audit = audit
        self._changed = changed
        self.clock = clock

    async def record(
        self, actor: Actor, changes: Sequence[Change], action: Action | None = None
    ) -> None:
        """Keep a record of each change, in their order.

        Args:
            actor: who did it.
            changes: what was done at once.
            action: what to call it, if that is not plain from before and after.
        """
        self._changed()
        at = self.clock()
        await self._audit.add(
            [
                AuditRecord(
                    id=new_audit_id(at, number),
                    at=at,
                    actor=actor.user,
                    key=actor.key,
                    action=action or change.action,
                    kind=change.kind,
                    subject=change.subject,
                    before=content_hash(change.before),
                    after=content_hash(change.after),
                    detail=change.detail,
                )
                for number, change in enumerate(changes)
            ]
        )
