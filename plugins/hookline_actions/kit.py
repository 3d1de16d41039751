"""The kit: what documents are made into tools with."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import attrs
from structlog.typing import FilteringBoundLogger

from hookline.outbound import GuardedClient, Targets
from hookline.records import RecordStore
from hookline.vault import REMEDY, Vault
from hookline_actions.failures import DocumentInvalid
from hookline_actions.logins import Logins
from hookline_actions.settings import Settings


@attrs.frozen(kw_only=True)
class Kit:
    """What documents are assembled with.

    Args:
        stack: closes the clients.
        clients: those that are open, by where they may go.
    """

    settings: Settings
    records: RecordStore = attrs.field(repr=False)
    vault: Vault = attrs.field(repr=False)
    clock: Callable[[], datetime]
    logger: FilteringBoundLogger = attrs.field(repr=False)
    stack: AsyncExitStack
    clients: dict[Targets, GuardedClient] = attrs.field(factory=dict)

    async def client(self, allowed: Sequence[str], private: Sequence[str]) -> GuardedClient:
        """A client that may go to these domains.

        Raises:
            DocumentInvalid: one of them is none.
        """
        try:
            targets = Targets(allowed, private)
        except ValueError as error:
            raise DocumentInvalid(str(error)) from error
        if targets not in self.clients:
            self.clients[targets] = await self.stack.enter_async_context(GuardedClient(targets))
        return self.clients[targets]

    @property
    def logins(self) -> Logins:
        """Where users' tokens are.

        Raises:
            DocumentInvalid: nobody could log in.
        """
        if not self.settings.public_url:
            message = "users log in by a link to this server; set public_url of [plugins.actions]"
            raise DocumentInvalid(message)
        if not self.vault.ready:
            message = f"users' tokens cannot be kept; {REMEDY}"
            raise DocumentInvalid(message)
        return Logins(
            records=self.records,
            vault=self.vault,
            public_url=self.settings.public_url,
            expiry=timedelta(seconds=self.settings.login_expiry),
            clock=self.clock,
        )
