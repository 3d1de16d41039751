"""``POST /v1/chat/completions``: from a body to a run, and from its log to an answer."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Schema,
)
from litestar.params import Body

from hookline.agents import Agent
from hookline.beginning import Manner
from hookline.errors import InvalidRequest
from hookline.events import (
    Event,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunPaused,
    RunStarted,
    UsageReported,
)
from hookline.parameters import NO_STREAM
from hookline.runs import Run
from hookline.transcript import Transcript
from hookline.wire import ChatCompletion
from hookline.wire.chat import ChatCompletionRequest, StreamOptions
from hookline_api import dialects, sse
from hookline_api.auth import may_use, principal_of
from hookline_api.bodies import StrictRequest
from hookline_api.config import ApiConfig
from hookline_api.described import documented, errors
from hookline_api.dialects import Answer, Dialect
from hookline_api.errors import failure_of_run, quota_headers

WATCH = "hookline_watch"
"""Where a request keeps the task that watches for its client to leave."""

INCLUDE_HEADER = "hookline-include"
RUN_HEADER = "hookline-run"
"""Names the run of an answer, for ``/v1/runs``."""

IDEMPOTENCY_HEADER = "idempotency-key"
"""Names a request, so that one that is sent again has the effects of its tools once."""

KEY_LENGTH = 255
INCLUDABLE = frozenset({"attachments", "events"})
encode = msgspec.json.Encoder().encode


@dataclass
class StreamedOperation(Operation):
    """Describes that the answer may be a stream of events, which Litestar cannot know."""

    def __post_init__(self) -> None:
        """Add the stream to what a request may be answered with."""
        answer = (self.responses or {})["200"]
        if isinstance(answer, OpenAPIResponse) and answer.content is not None:
            text = "Chunks, each in an event `data: {...}`; `data: [DONE]` ends the stream"
            schema = Schema(description=text)  # without a type: some read it as that of one event
            answer.content["text/event-stream"] = OpenAPIMediaType(schema=schema)


@post(
    "/chat/completions",
    status_code=200,
    operation_class=StreamedOperation,
    guards=[may_use],
    operation_id="createChatCompletion",
    summary="Have an agent answer",
    tags=["chat"],
    responses={200: documented(ChatCompletion, "The answer, or a stream of it")}
    | errors(402, 404, 413, 429, 502, 504),
)
async def create_chat_completion(
    request: StrictRequest,
    data: Annotated[ChatCompletionRequest, Body(description="OpenAI's request, with an agent")],
) -> Response[Any]:
    """Answer the messages with the agent that the request names as ``model``."""
    runtime, config = request.app.state.runtime, request.app.state.config.api
    principal = principal_of(request)
    agent = await runtime.access.find_agent(principal, data.model)
    _dialect(request, agent, config).check(data)
    _included(request.headers.get(INCLUDE_HEADER, ""))
    stream = bool(data.stream) and not agent.model_parameters.get(NO_STREAM)
    run = await runtime.start(principal, agent, data, manner_of(request, stream=stream))
    return await answered(
        request, run, stream=stream, options=data.stream_options or None, model=data.model
    )


def manner_of(request: StrictRequest, *, stream: bool) -> Manner:
    """How a run is answered: a stream waits for attachments no longer than it must."""
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if key is not None and not 0 < len(key) <= KEY_LENGTH:
        message = f"{IDEMPOTENCY_HEADER} must have 1 to {KEY_LENGTH} characters"
        raise InvalidRequest(message, param=IDEMPOTENCY_HEADER)
    patience = request.app.state.config.runs.artifact_patience if stream else None
    return Manner(patience=patience, idempotency_key=key)


def check_headers(request: StrictRequest) -> None:
    """Refuse headers that the answer of a run could not honour, before the run begins.

    Raises:
        InvalidRequest: there is no such dialect, or extension.
    """
    name = request.headers.get(dialects.HEADER)
    if name:
        dialects.named(name)
    _included(request.headers.get(INCLUDE_HEADER, ""))


async def answered(
    request: StrictRequest,
    run: Run,
    *,
    stream: bool,
    options: StreamOptions | None,
    model: str | None = None,
) -> Response[Any]:
    """What a run says from here on, as its caller wants it."""
    config = request.app.state.config.api
    dialect = _dialect(request, run.agent, config)
    answer = Answer(
        id="chatcmpl-" + secrets.token_urlsafe(16),
        created=int(time.time()),
        model=model or run.agent.id,
        include_usage=bool(options and options.include_usage),
        include=_included(request.headers.get(INCLUDE_HEADER, "")),
    )
    request.scope["state"][WATCH] = asyncio.create_task(_cancel_when_gone(request, run))
    if stream:
        response = await _stream(run, dialect, answer, config.heartbeat)
    else:
        response = await _whole(run, dialect, answer)
    if run.quota is not None:
        response.headers.update(quota_headers(run.quota))
    response.headers[RUN_HEADER] = run.id
    return response


async def _stream(run: Run, dialect: Dialect, answer: Answer, heartbeat: float) -> Response[Any]:
    """A stream, unless the run fails before it has said anything: then that error's status."""
    first = await _opening(run, heartbeat)
    if first and isinstance(first[-1], RunFailed | RunCancelled) and not _visible(first[:-1]):
        return failure_of_run(first[-1]).response()
    events = sse.stream(run, dialect.encoder(answer), first, heartbeat)
    return sse.EventStream(events)


async def _opening(run: Run, heartbeat: float) -> Sequence[Event]:
    """The first events, up to one that can be seen; what there is after ``heartbeat`` seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + heartbeat
    events: Sequence[Event] = ()
    while not _visible(events) and loop.time() < until:
        more = await run.log.read(run.position + len(events), until - loop.time())
        if not more:
            break
        events = [*events, *more]
    return events


def _visible(events: Sequence[Event]) -> bool:
    return any(not isinstance(event, RunStarted | UsageReported) for event in events)


async def _whole(run: Run, dialect: Dialect, answer: Answer) -> Response[Any]:
    """The answer in one piece."""
    await run.wait()
    transcript = Transcript()
    transcript.add(run.open_calls)
    transcript.add(await run.log.read(run.position) or ())
    match transcript.ended:
        case RunFinished() | RunPaused():
            body = encode(dialect.completion(answer, transcript))
            return Response(body, media_type="application/json")
        case RunFailed() | RunCancelled() as ended:
            return failure_of_run(ended).response()
        case None:
            message = f"the log of {run.id} has no end"
            raise RuntimeError(message)


async def _cancel_when_gone(request: Request[Any, Any, Any], run: Run) -> None:
    """Cancel the run of a client that leaves; after the answer, when ASGI says so too, in vain.

    It watches from the run's start, so that no moment is left in which nobody does.
    """
    while (await request.receive())["type"] != "http.disconnect":
        pass
    run.cancel("client_gone")


def _dialect(request: Request[Any, Any, Any], agent: Agent, config: ApiConfig) -> Dialect:
    return dialects.named(request.headers.get(dialects.HEADER) or agent.dialect or config.dialect)


def _included(header: str) -> frozenset[str]:
    if not header:
        return frozenset()
    wanted = frozenset(word.strip() for word in header.split(","))
    if not wanted <= INCLUDABLE:
        message = f"{INCLUDE_HEADER} may list: {', '.join(sorted(INCLUDABLE))}"
        raise InvalidRequest(message, param=INCLUDE_HEADER)
    return wanted
