"""``/admin/v1/audit``: who changed what, and when."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.params import QueryParameter
from msgspec import Struct

from hookline.audit import Action, AuditRecord
from hookline_api.admin.actors import administration_of
from hookline_api.admin.ids import DEFAULT_LIMIT, Limit
from hookline_api.admin.pages import Page, page_of
from hookline_api.auth import may_administer
from hookline_api.described import errors

Kind = Annotated[
    str | None,
    QueryParameter(
        name="kind",
        required=False,
        max_length=100,
        description="Only changes of this: agent, user, group, role, key, grant",
    ),
]
Subject = Annotated[
    str | None,
    QueryParameter(
        name="subject", required=False, max_length=1000, description="Only of that with this id"
    ),
]
Before = Annotated[
    str,
    QueryParameter(name="before", max_length=1000, description="Begin below this id: `last_id`"),
]


class AuditDocument(Struct, frozen=True, kw_only=True):
    """One change. ``before`` and ``after`` are hashes of the content, empty if there was none."""

    id: str
    at: datetime
    actor: str
    key: str | None
    action: Action
    kind: str
    subject: str
    before: str
    after: str
    detail: str


class AuditPage(Page, frozen=True, kw_only=True):
    """Changes."""

    data: list[AuditDocument]


class Audit(Controller):
    """The audit, which nobody can change."""

    path = "/audit"
    guards = [may_administer]
    tags = ["admin: audit"]

    @get("/", operation_id="listAudit", summary="List changes", responses=errors())
    async def list_(
        self,
        request: Request[Any, Any, Any],
        kind: Kind = None,
        subject: Subject = None,
        before: Before = "",
        limit: Limit = DEFAULT_LIMIT,
    ) -> AuditPage:
        """Changes, newest first."""
        audit = administration_of(request).store.audit
        found = await audit.list(kind=kind, subject=subject, before=before, limit=limit + 1)
        return page_of(AuditPage, found, limit, document)


def document(record: AuditRecord) -> AuditDocument:
    """A record as it goes over the wire."""
    return AuditDocument(
        **{name: getattr(record, name) for name in AuditDocument.__struct_fields__}
    )
