"""``/v1/runs``: how a run is, what its tools made, and approving of the calls that it waits for."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from litestar import Response, get, post
from litestar.params import Body, PathParameter
from msgspec import Meta, Struct

from hookline.errors import InvalidRequest
from hookline.events import ArtifactAttached, PendingCall
from hookline.runs import Run
from hookline.wire import ChatCompletion
from hookline.wire.chat import StreamOptions
from hookline_api.auth import may_use, principal_of
from hookline_api.bodies import StrictRequest
from hookline_api.chat import StreamedOperation, answered, check_headers, manner_of
from hookline_api.described import documented, errors

RunId = Annotated[str, PathParameter(description="The id that the header `hookline-run` gave")]
DECISIONS = 1_000
"""How many calls can be decided on at once."""


class Decision(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a call of a tool may be made. ``reason`` is what the model reads if it may not."""

    tool_call_id: Annotated[str, Meta(max_length=100)]
    approve: bool
    reason: Annotated[str, Meta(max_length=10_000)] = "the user refused"


class Approval(Struct, frozen=True, forbid_unknown_fields=True):
    """What is decided, and how the rest of the answer is to come. No decisions approve of all."""

    decisions: Annotated[list[Decision], Meta(min_length=1, max_length=DECISIONS)] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None


class RunObject(Struct, frozen=True, kw_only=True):
    """A run. Moments are in seconds since 1970; ``reason`` says why it is as it is.

    ``status`` is ``running``, ``waiting``, ``finished``, ``failed`` or ``cancelled``.
    """

    id: str
    object: Literal["run"] = "run"
    agent: str
    status: str
    created_at: int
    ended_at: int | None = None
    reason: str = ""
    approvals: list[PendingCall] = []
    attachments: list[ArtifactAttached] = []


@get(
    "/runs/{run:str}",
    guards=[may_use],
    operation_id="getRun",
    summary="How a run is",
    tags=["runs"],
    responses=errors(404),
)
async def get_run(request: StrictRequest, run: RunId) -> RunObject:
    """A run of the caller's own: its state, what it waits for, and what its tools made."""
    return await _described(request, run)


async def _described(request: StrictRequest, run: str) -> RunObject:
    found = await request.app.state.runtime.look_up(principal_of(request), run)
    record = found.record
    return RunObject(
        id=record.id,
        agent=record.agent,
        status=record.state,
        created_at=int(record.started_at.timestamp()),
        ended_at=int(record.ended_at.timestamp()) if record.ended_at else None,
        reason=record.reason,
        approvals=list(found.approvals),
        attachments=list(found.attachments),
    )


@post(
    "/runs/{run:str}/approve",
    status_code=200,
    operation_class=StreamedOperation,
    guards=[may_use],
    operation_id="approveRun",
    summary="Approve of calls that a run waits for, or refuse them",
    tags=["runs"],
    responses={
        200: documented(
            ChatCompletion | RunObject,
            "The rest of the answer, or a stream of it; or the run, which still waits",
        )
    }
    | errors(402, 404, 409, 429, 502, 504),
)
async def approve_run(
    request: StrictRequest,
    run: RunId,
    data: Annotated[Approval, Body(description="What is decided; `{}` approves of all")],
) -> Response[Any]:
    """Decide on calls; once all are decided, the answer is the rest of the run's.

    It comes in the same forms as that of a chat completion, and holds what the run says from here
    on. While calls are still open, the run is returned as it is.
    """
    runtime = request.app.state.runtime
    decisions = _decisions(data)
    check_headers(request)
    outcome = await runtime.approve(
        principal_of(request), run, decisions, manner_of(request, stream=data.stream)
    )
    if isinstance(outcome, Run):
        return await answered(request, outcome, stream=data.stream, options=data.stream_options)
    return Response(await _described(request, run))


def _decisions(data: Approval) -> Mapping[str, str | None] | None:
    if data.stream_options is not None and not data.stream:
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise InvalidRequest(text, param="stream_options")
    if data.decisions is None:
        return None
    found: dict[str, str | None] = {}
    for number, one in enumerate(data.decisions):
        if one.tool_call_id in found:
            text = f"{one.tool_call_id} is decided on twice"
            raise InvalidRequest(text, param=f"decisions[{number}].tool_call_id")
        found[one.tool_call_id] = None if one.approve else one.reason
    return found
