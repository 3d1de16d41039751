"""``GET /v1/usage`` and ``/v1/balance``: what the caller itself has used, and has left."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Schema,
)
from litestar.params import QueryParameter

from hookline.errors import InvalidRequest, NotFound
from hookline.ledger import EntryQuery
from hookline.moments import now
from hookline.runtime import Runtime
from hookline_api import reports
from hookline_api.accounts import AccountDocument, document
from hookline_api.auth import may_use, principal_of
from hookline_api.described import documented, errors
from hookline_api.reports import UsageReport

NOT_OWN = frozenset({"user", "account"})
"""Dimensions in which a caller's own usage is all the same, or another's name may stand."""

By = Annotated[
    str,
    QueryParameter(
        name="by", max_length=200, description="What to group by, with commas: `day,model`"
    ),
]
Since = Annotated[
    datetime | None,
    QueryParameter(name="since", required=False, description="From then on; else 30 days back"),
]
Until = Annotated[
    datetime | None,
    QueryParameter(name="until", required=False, description="Before then; else now"),
]
Only = Annotated[
    str | None, QueryParameter(required=False, max_length=1000, description="Only of this one")
]
Format = Annotated[
    str | None,
    QueryParameter(
        name="format",
        required=False,
        pattern="^(json|csv)$",
        description="`csv` or `json`; else what `Accept` prefers, and `json` if it does not say",
    ),
]
JSON = "application/json"
CSV = "text/csv"
ANSWER = {200: documented(UsageReport, "What was used")}


@dataclass
class ReportOperation(Operation):
    """Describes that a report may be CSV, which Litestar cannot know."""

    def __post_init__(self) -> None:
        """Add CSV to what a request may be answered with."""
        found = (self.responses or {})["200"]
        if isinstance(found, OpenAPIResponse) and found.content is not None:
            text = "A line of names, then a line for each group; the total if there are no groups"
            schema = Schema(type=OpenAPIType.STRING, description=text)
            found.content[CSV] = OpenAPIMediaType(schema=schema)


@get(
    "/usage",
    operation_class=ReportOperation,
    guards=[may_use],
    operation_id="getUsage",
    summary="What you have used",
    tags=["usage"],
    responses=ANSWER | errors(),
)
async def get_usage(  # noqa: PLR0913  each is a part of the query
    request: Request[Any, Any, Any],
    *,
    by: By = "day",
    since: Since = None,
    until: Until = None,
    agent: Only = None,
    model: Only = None,
    format: Format = None,  # noqa: A002  the name of the parameter
) -> Response[Any]:
    """Sums of the caller's own usage, with all of its keys."""
    wanted = reports.dimensions(by)
    if not NOT_OWN.isdisjoint(wanted):
        message = "by: your own usage is all of one user; group it by day, key, agent or model"
        raise InvalidRequest(message, param="by")
    query = EntryQuery(
        user=principal_of(request).user,
        agent=agent,
        model=model,
        since=aware(since),
        until=aware(until),
    )
    runtime: Runtime = request.app.state.runtime
    found = await reports.report(runtime.registry.store.ledger, query, wanted, now())
    return answer(request, found, format)


@get(
    "/balance",
    guards=[may_use],
    operation_id="getBalance",
    summary="What you have left",
    tags=["usage"],
    responses=errors(404),
)
async def get_balance(request: Request[Any, Any, Any]) -> AccountDocument:
    """The caller's own account."""
    user = principal_of(request).user
    runtime: Runtime = request.app.state.runtime
    found = await runtime.registry.store.ledger.account(f"user:{user}")
    if found is None:
        message = "you have no account: nothing has been paid from it, or added to it, so far"
        raise NotFound(message)
    return document(found)


def answer(
    request: Request[Any, Any, Any], found: UsageReport, format_: str | None
) -> Response[Any]:
    """A report as it was asked for."""
    preferred = request.accept.best_match([JSON, CSV], default=JSON)
    if format_ == "csv" or (format_ is None and preferred == CSV):
        return Response(reports.as_csv(found), media_type=CSV)
    return Response(found)


def aware(at: datetime | None) -> datetime | None:
    """The moment; one without a zone is one of UTC."""
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
