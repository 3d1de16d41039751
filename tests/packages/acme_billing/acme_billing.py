"""Posts what runs consume to Acme's billing service, and refuses users whom a file names."""

from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import aiohttp
import attrs
from msgspec import Struct

from hookline import Admission, Closing, PluginContext, UsageEntry, UsageRecorder, hookimpl
from hookline.errors import AdmissionRefused, RecordRejected
from hookline.quotas import Quota

TAKEN = range(200, 300)
REFUSED = range(400, 500)
PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
"""Of those refused, what may be taken when it comes again."""


class BillingDown(Exception):
    """The service did not take it."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[plugins.acme_billing]``: the service, what it wants to see, and who is blocked."""

    url: str = "http://127.0.0.1:8700"
    token: str = ""
    blocked: str = "acme-blocked.txt"


@attrs.define(eq=False)
class Billing(UsageRecorder):
    """Tells the service. Hookline sees to it that a call ends, and calls again if it failed."""

    settings: Settings
    _session: aiohttp.ClientSession = attrs.field(init=False)

    async def __aenter__(self) -> Self:
        """Open the connections."""
        headers = {"Authorization": f"Bearer {self.settings.token}"} if self.settings.token else {}
        self._session = aiohttp.ClientSession(headers=headers)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close them."""
        await self._session.close()

    async def admit(self, admission: Admission) -> Quota | None:
        """Refuse a user who stands in the file of the blocked, one name per line."""
        user = admission.scope.principal.user
        blocked = Path(self.settings.blocked)
        if blocked.exists() and user in blocked.read_text().split():
            message = f"Acme does not serve {user}; pay the last bill first"
            raise AdmissionRefused(message)
        return None

    async def record(self, entry: UsageEntry) -> None:
        """Post the entry. The service keeps one of each id, however often it comes."""
        line = {
            "id": entry.id,
            "run": entry.run,
            "user": entry.user,
            "model": entry.model,
            "input": entry.tokens.input,
            "output": entry.tokens.output,
            "amount": entry.price.amount if entry.price else None,
            "estimated": entry.estimated,
        }
        await self._post("entries", entry.id, line)

    async def close(self, closing: Closing) -> None:
        """Post the run's end."""
        line = {"id": closing.id, "run": closing.run, "outcome": closing.outcome}
        await self._post("runs", closing.id, line)

    async def _post(self, path: str, id_: str, line: dict[str, Any]) -> None:
        url = f"{self.settings.url}/{path}"
        headers = {"Idempotency-Key": id_}
        async with self._session.post(
            url, json=line, headers=headers, allow_redirects=False
        ) as answer:
            if answer.status in TAKEN:
                return
            text = f"Acme answered {answer.status} to {id_}: {await answer.text()}"
            if answer.status in REFUSED and answer.status not in PASSING:
                raise RecordRejected(text)
            raise BillingDown(text)


@hookimpl
def usage_recorder(plugin: PluginContext) -> UsageRecorder:
    """Bill all runs."""
    return Billing(plugin.settings)
