"""``/admin/v1/usage``: what everybody has used, and what recorders could not take."""

from datetime import datetime
from typing import Any, Literal

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from hookline.errors import NotFound
from hookline.ledger import EntryQuery
from hookline.moments import now
from hookline.outbox import OutboxRun
from hookline_api import reports
from hookline_api.admin.actors import administration_of
from hookline_api.admin.ids import DEFAULT_LIMIT, After, Limit
from hookline_api.admin.pages import Page, page_of
from hookline_api.auth import may_administer
from hookline_api.described import errors
from hookline_api.usage import (
    ANSWER,
    By,
    Format,
    Only,
    ReportOperation,
    Since,
    Until,
    answer,
    aware,
)


class ParkedItem(Struct, frozen=True, kw_only=True):
    """An entry, or the end of a run, that a recorder could not take for good."""

    recorder: str
    item: str
    error: str
    attempts: int
    at: datetime


class ParkedRun(Struct, frozen=True, kw_only=True):
    """A run of which something is parked."""

    object: Literal["parked_run"] = "parked_run"
    id: str
    user: str
    agent: str
    parked: list[ParkedItem]


class ParkedPage(Page, frozen=True, kw_only=True):
    """Runs of which something is parked."""

    data: list[ParkedRun]


class Retried(Struct, frozen=True, kw_only=True):
    """What is parked of this run is told again."""

    id: str
    object: Literal["parked_run"] = "parked_run"
    retried: bool = True


class Usage(Controller):
    """Usage of everybody."""

    path = "/usage"
    guards = [may_administer]
    tags = ["admin: usage"]

    @get(
        "/",
        operation_class=ReportOperation,
        operation_id="getAllUsage",
        summary="What was used",
        responses=ANSWER | errors(),
    )
    async def report(  # noqa: PLR0913  each is a part of the query
        self,
        request: Request[Any, Any, Any],
        *,
        by: By = "user",
        since: Since = None,
        until: Until = None,
        user: Only = None,
        key: Only = None,
        agent: Only = None,
        model: Only = None,
        provider: Only = None,
        account: Only = None,
        format: Format = None,  # noqa: A002  the name of the parameter
    ) -> Response[Any]:
        """Sums of usage, grouped as asked for."""
        query = EntryQuery(
            user=user,
            key=key,
            agent=agent,
            model=model,
            provider=provider,
            account=account,
            since=aware(since),
            until=aware(until),
        )
        ledger = administration_of(request).store.ledger
        found = await reports.report(ledger, query, reports.dimensions(by), now())
        return answer(request, found, format)

    @get(
        "/parked",
        operation_id="listParkedUsage",
        summary="List what recorders could not take",
        responses=errors(),
    )
    async def parked(
        self, request: Request[Any, Any, Any], after: After = "", limit: Limit = DEFAULT_LIMIT
    ) -> ParkedPage:
        """Runs of which something is parked, ordered by id."""
        outbox = administration_of(request).store.outbox
        found = await outbox.parked(after=after, limit=limit + 1)
        return page_of(ParkedPage, found, limit, parked_run)

    @post(
        "/parked/{run:path}",
        status_code=200,
        operation_id="retryParkedUsage",
        summary="Have it told again",
        responses=errors(404),
    )
    async def retry(self, request: Request[Any, Any, Any], run: FromPath[str]) -> Retried:
        """Offer what is parked of a run to its recorders again, from now on."""
        id_ = run.removeprefix("/")
        if not await administration_of(request).store.outbox.retry(id_):
            message = f"nothing is parked of {id_}"
            raise NotFound(message)
        return Retried(id=id_)


def parked_run(run: OutboxRun) -> ParkedRun:
    """A run as it goes over the wire."""
    items = [
        ParkedItem(
            recorder=one.recorder,
            item=one.item,
            error=one.error,
            attempts=one.attempts,
            at=one.at,
        )
        for one in run.parked
    ]
    return ParkedRun(id=run.id, user=run.closing.user, agent=run.closing.agent, parked=items)
