"""Writes what runs consume to a file of JSON lines, and refuses users whom another file names."""

import json
from pathlib import Path

import attrs
from msgspec import Struct

from hookline import (
    Admission,
    PluginContext,
    RunScope,
    UsageEntry,
    UsageRecorder,
    hookimpl,
)
from hookline.errors import AdmissionRefused
from hookline.usage import Outcome


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[plugins.acme_billing]``: the two files."""

    entries: str = "acme-billing.jsonl"
    blocked: str = "acme-blocked.txt"


@attrs.frozen
class Billing(UsageRecorder):
    """Keeps the file."""

    settings: Settings

    async def admit(self, admission: Admission) -> None:
        """Refuse a user who stands in the file of the blocked, one name per line."""
        user = admission.scope.principal.user
        blocked = Path(self.settings.blocked)
        if blocked.exists() and user in blocked.read_text().split():
            message = f"Acme does not serve {user}; pay the last bill first"
            raise AdmissionRefused(message)

    async def record(self, entry: UsageEntry) -> None:
        """Append the entry."""
        self._append({"id": entry.id, "user": entry.user, "output": entry.tokens.output})

    async def close(self, scope: RunScope, outcome: Outcome) -> None:
        """Append the outcome."""
        self._append({"run": scope.run, "outcome": outcome})

    def _append(self, line: dict[str, object]) -> None:
        with Path(self.settings.entries).open("a") as file:
            file.write(json.dumps(line) + "\n")


@hookimpl
def usage_recorder(plugin: PluginContext) -> UsageRecorder:
    """Bill all runs."""
    return Billing(plugin.settings)
