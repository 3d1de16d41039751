"""``/admin/v1/accounts``: who pays, how much is left, and what is limited."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, get, post, put
from litestar.params import Body, FromPath, QueryParameter
from msgspec import Meta, Struct

from hookline.ledger import EntryQuery, IntervalUnit, LedgerEntry, Limits, Refill
from hookline.money import dollars, nanos
from hookline_api.accounts import AccountDocument, document
from hookline_api.admin import etags
from hookline_api.admin.actors import actor_of, administration_of
from hookline_api.admin.etags import ETAG, NOT_MODIFIED, IfMatch, IfNoneMatch
from hookline_api.admin.ids import DEFAULT_LIMIT, After, Limit
from hookline_api.admin.pages import Page, page_of
from hookline_api.auth import may_administer
from hookline_api.described import errors

Dollars = Annotated[
    str, Meta(pattern=r"^-?\d{1,10}(\.\d{1,9})?$", max_length=30, examples=["5.00"])
]
Amount = Annotated[str, Meta(pattern=r"^\d{1,10}(\.\d{1,9})?$", max_length=30, examples=["5.00"])]
PerMinute = Annotated[int, Meta(ge=1, le=1_000_000_000_000)]
Before = Annotated[
    str,
    QueryParameter(name="before", max_length=1000, description="Begin after this entry: `last_id`"),
]


class Credit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Dollars to add, as text; below zero to take away."""

    amount: Dollars
    note: Annotated[str, Meta(max_length=1000)] = ""


class LimitsSpec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits of an account's own; without any, those of the settings hold."""

    day: Amount | None = None
    month: Amount | None = None
    requests: PerMinute | None = None
    tokens: PerMinute | None = None


class RefillSpec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An account's own way to refill; without an amount, that of the settings holds."""

    amount: Amount | None = None
    interval: Annotated[int, Meta(ge=1, le=100_000)] = 30
    unit: IntervalUnit = "days"


class AccountPage(Page, frozen=True, kw_only=True):
    """Accounts."""

    data: list[AccountDocument]


class EntryDocument(Struct, frozen=True, kw_only=True):
    """An entry: what was paid (below zero) or added. Money is dollars as text, exactly."""

    object: Literal["ledger_entry"] = "ledger_entry"
    id: str
    kind: str
    amount: str
    nanos: int
    at: datetime
    run: str | None
    agent: str | None
    provider: str | None
    model: str | None
    user: str | None
    key: str | None
    tool: str | None
    tokens: Mapping[str, int]
    estimated: bool
    incomplete: bool
    unpriced: bool
    corrects: str | None
    price_version: str
    rates: Mapping[str, str]
    detail: str


class EntryPage(Page, frozen=True, kw_only=True):
    """Entries, newest first."""

    data: list[EntryDocument]


class Accounts(Controller):
    """Accounts, by their ids: ``user:ID``, ``group:ID`` or ``key:ID``."""

    path = "/accounts"
    guards = [may_administer]
    tags = ["admin: usage"]

    @get("/", operation_id="listAccounts", summary="List accounts", responses=errors())
    async def list_(
        self, request: Request[Any, Any, Any], after: After = "", limit: Limit = DEFAULT_LIMIT
    ) -> AccountPage:
        """All accounts, ordered by id."""
        ledger = administration_of(request).store.ledger
        found = await ledger.accounts(after=after, limit=limit + 1)
        return page_of(AccountPage, found, limit, document)

    @get(
        "/{account:path}",
        operation_id="retrieveAccount",
        summary="Get an account",
        responses=errors(404) | NOT_MODIFIED,
        response_headers=[ETAG],
    )
    async def retrieve(
        self,
        request: Request[Any, Any, Any],
        account: FromPath[str],
        if_none_match: IfNoneMatch = None,
    ) -> Response[AccountDocument]:
        """An account, with what is reserved at this moment."""
        found = await administration_of(request).accounts.get(account.removeprefix("/"))
        return etags.answer(document(found), found.version, if_none_match=if_none_match)


class AccountCredits(Controller):
    """Adding to accounts, and taking away."""

    path = "/account-credits"
    guards = [may_administer]
    tags = ["admin: usage"]

    @post(
        "/{account:path}",
        status_code=200,
        operation_id="creditAccount",
        summary="Add to an account, or take away",
        responses=errors(404, 409),
        response_headers=[ETAG],
    )
    async def credit(
        self,
        request: Request[Any, Any, Any],
        account: FromPath[str],
        data: Annotated[Credit, Body(description="How much, and what for")],
    ) -> Response[AccountDocument]:
        """Change the balance by an amount; each request does so once."""
        kept = await administration_of(request).accounts.credit(
            actor_of(request), account.removeprefix("/"), nanos(data.amount), data.note
        )
        return etags.answer(document(kept), kept.version)


class AccountLimits(Controller):
    """What accounts are limited to."""

    path = "/account-limits"
    guards = [may_administer]
    tags = ["admin: usage"]

    @put(
        "/{account:path}",
        operation_id="limitAccount",
        summary="Limit an account",
        responses=errors(404, 409),
        response_headers=[ETAG],
    )
    async def limit(
        self,
        request: Request[Any, Any, Any],
        account: FromPath[str],
        data: Annotated[LimitsSpec, Body(description="The limits, as a whole")],
        if_match: IfMatch = None,
    ) -> Response[AccountDocument]:
        """Put limits in the place of those that the account has of its own."""
        limits = Limits(
            day=None if data.day is None else nanos(data.day, "day"),
            month=None if data.month is None else nanos(data.month, "month"),
            requests=data.requests,
            tokens=data.tokens,
        )
        kept = await administration_of(request).accounts.set_limits(
            actor_of(request),
            account.removeprefix("/"),
            None if limits == Limits() else limits,
            expected=etags.expected(if_match),
        )
        return etags.answer(document(kept), kept.version)


class AccountRefills(Controller):
    """How accounts refill."""

    path = "/account-refills"
    guards = [may_administer]
    tags = ["admin: usage"]

    @put(
        "/{account:path}",
        operation_id="refillAccount",
        summary="Say how an account refills",
        responses=errors(404, 409),
        response_headers=[ETAG],
    )
    async def refill(
        self,
        request: Request[Any, Any, Any],
        account: FromPath[str],
        data: Annotated[RefillSpec, Body(description="How much, how often")],
        if_match: IfMatch = None,
    ) -> Response[AccountDocument]:
        """Put it in the place of what the account has of its own; an amount of 0 is never."""
        refill = None
        if data.amount is not None:
            refill = Refill(amount=nanos(data.amount), interval=data.interval, unit=data.unit)
        kept = await administration_of(request).accounts.set_refill(
            actor_of(request),
            account.removeprefix("/"),
            refill,
            expected=etags.expected(if_match),
        )
        return etags.answer(document(kept), kept.version)


class AccountEntries(Controller):
    """What was paid from accounts, and added to them."""

    path = "/account-entries"
    guards = [may_administer]
    tags = ["admin: usage"]

    @get(
        "/{account:path}",
        operation_id="listAccountEntries",
        summary="List the entries of an account",
        responses=errors(404),
    )
    async def list_(
        self,
        request: Request[Any, Any, Any],
        account: FromPath[str],
        before: Before = "",
        limit: Limit = DEFAULT_LIMIT,
    ) -> EntryPage:
        """All entries, newest first."""
        office = administration_of(request)
        found = await office.accounts.get(account.removeprefix("/"))
        entries = await office.store.ledger.entries(
            EntryQuery(account=found.id), before=before, limit=limit + 1
        )
        return page_of(EntryPage, entries, limit, entry_document)


def entry_document(entry: LedgerEntry) -> EntryDocument:
    """An entry as it goes over the wire."""
    tokens = entry.tokens
    return EntryDocument(
        id=entry.id,
        kind=entry.kind,
        amount=dollars(entry.amount),
        nanos=entry.amount,
        at=entry.at,
        run=entry.run,
        agent=entry.agent,
        provider=entry.provider,
        model=entry.model,
        user=entry.user,
        key=entry.key,
        tool=entry.tool,
        tokens={
            "input": tokens.input,
            "output": tokens.output,
            "cache_read": tokens.cache_read,
            "cache_write": tokens.cache_write,
            "reasoning": tokens.reasoning,
            "audio_input": tokens.audio_input,
            "audio_output": tokens.audio_output,
        },
        estimated=entry.estimated,
        incomplete=entry.incomplete,
        unpriced=entry.unpriced,
        corrects=entry.corrects,
        price_version=entry.price_version,
        rates=entry.rates,
        detail=entry.detail,
    )
