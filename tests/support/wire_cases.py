"""The cases of the wire: what is asked of which server, in which dialects."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from support.wire import Reply, Request
from support.wire_teams import MADE
from support.wire_upstream import ANSWERS, REFUSED

CHAT = "/v1/chat/completions"
KEY = "Bearer hk-test"
BOTH = ("openai", "librechat")
OPENAI = ("openai",)
LIBRECHAT = ("librechat",)
ANY = ("any",)
"""Where the dialect makes no difference."""

HI = "Hi there"
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
PERSON = {
    "type": "json_schema",
    "json_schema": {
        "name": "person",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer"}},
            "required": ["name", "age"],
            "additionalProperties": False,
        },
    },
}


@attrs.frozen(kw_only=True)
class Case:
    """One file: a request, the answer, and maybe a second request made of the answer.

    ``then`` makes the body of the second request, ``to`` its path, if that is another one.
    ``during`` names what happens after so many events of the stream: ``leave`` or ``shutdown``
    or ``cancel``. ``indented`` is for JSON that is too long for one line.
    """

    name: str
    server: str = "scripted"
    dialects: Sequence[str] = BOTH
    request: Request
    then: Callable[[Reply], Any] | None = None
    to: Callable[[Reply], str] | None = None
    during: tuple[int, str] | None = None
    indented: bool = False


def chat(
    name: str,
    model: str | None = None,
    content: Any = HI,
    *,
    server: str = "scripted",
    dialects: Sequence[str] = BOTH,
    headers: Mapping[str, str] | None = None,
    path: str = CHAT,
    then: Callable[[Reply], Any] | None = None,
    to: Callable[[Reply], str] | None = None,
    during: tuple[int, str] | None = None,
    **fields: Any,
) -> Case:
    """A chat completion. ``fields`` are the body's, besides ``model`` and ``messages``."""
    messages = fields.pop("messages", [{"role": "user", "content": content}])
    body = {"model": name if model is None else model, "messages": messages, **fields}
    return raw(
        name,
        json.dumps(body, ensure_ascii=False).encode(),
        server=server,
        dialects=dialects,
        headers=headers,
        path=path,
        then=then,
        to=to,
        during=during,
    )


def twice(name: str, model: str | None = None, content: Any = HI, **how: Any) -> list[Case]:
    """A chat completion in one piece, and as a stream."""
    model = model or name
    return [
        chat(name, model, content, **how),
        chat(f"{name}-streamed", model, content, **how, stream=True),
    ]


def raw(
    name: str,
    body: bytes,
    *,
    headers: Mapping[str, str] | None = None,
    path: str = CHAT,
    method: str = "POST",
    **how: Any,
) -> Case:
    """A request with this body."""
    sent = {"authorization": KEY, "content-type": "application/json", **(headers or {})}
    sent = {name: value for name, value in sent.items() if value}
    how.setdefault("dialects", ANY)
    request = Request(method=method, path=path, headers=sent, body=body)
    return Case(name=name, request=request, **how)


def get(name: str, path: str, *, dialects: Sequence[str] = ANY, **how: Any) -> Case:
    """A request without a body."""
    server = how.pop("server", "scripted")
    method = how.pop("method", "GET")
    headers = {"authorization": KEY, **how}
    sent = {name: value for name, value in headers.items() if value}
    request = Request(method=method, path=path, headers=sent)
    return Case(name=name, server=server, dialects=dialects, request=request)


def refused(name: str, **fields: Any) -> Case:
    """A chat completion that is refused before a model is asked, whatever the dialect."""
    return chat(f"refused-{name}", fields.pop("model", "echo"), dialects=ANY, **fields)


EVENTS = {"hookline-include": "events"}
ATTACHMENTS = {"hookline-include": "attachments"}
EVERYTHING = {"hookline-include": "events, attachments"}


def answers() -> Iterator[Case]:
    """Texts, in all forms."""
    yield from twice("text", "echo")
    yield chat(
        "usage-streamed", "echo", dialects=BOTH, stream=True, stream_options={"include_usage": True}
    )
    yield from twice("empty-text", "silent")
    yield from twice("chunks-kept", "chunks")
    yield from twice("refusal", "refuser")
    yield from twice("content-filter", "filtered")
    yield from twice("finish-reason-of-its-own", "odd-finish")
    yield from twice("reasoning", "thinker")
    yield from twice("reasoning-effort", "echo", reasoning_effort="medium")
    yield from twice("max-tokens", "echo", max_tokens=1)
    yield from twice("max-completion-tokens", "echo", max_completion_tokens=2)
    yield from twice("stop", "echo", "one two three", stop=[" two"])
    yield from twice("logprobs", "echo", "Hi", logprobs=True, top_logprobs=1)
    yield from twice("json-schema", "echo", response_format=PERSON)
    yield chat("json-object", "echo", response_format={"type": "json_object"})
    yield chat(
        "usage-details-streamed", "audited", stream=True, stream_options={"include_usage": True}
    )
    yield chat("usage-details", "audited")
    yield chat("usage-estimated", "uncounted")
    yield chat("streaming-disabled", "whole", stream=True)
    yield chat("instructions", "instructed")
    yield chat("agent-with-dialect", "libre", dialects=ANY, stream=True)
    yield chat("header-over-agent", "libre", dialects=OPENAI, stream=True)
    yield chat("seed-path", "echo", path="/api/agents/v1/chat/completions", stream=True)
    yield chat(
        "fields-without-effect",
        "echo",
        n=1,
        store=False,
        user="alice",
        metadata={"job": "7"},
        conversation_id="c-1",
        parent_message_id="m-1",
        temperature=None,
        unknown_field={"anything": True},
    )
    yield chat("locked-repeated", "locked", "one two three", temperature=0, max_tokens=2)


def conversations() -> Iterator[Case]:
    """All roles and parts."""
    yield chat(
        "roles",
        "echo",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            {"role": "user", "name": "alice", "content": "Hello"},
            {"role": "assistant", "content": "Hello, Alice"},
            {"role": "user", "content": "How are you?"},
        ],
    )
    yield chat(
        "parts",
        "echo",
        [
            {"type": "text", "text": "Look:"},
            {
                "type": "image_url",
                "image_url": {"url": "data:image/png;base64,AA"},
            },
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "AA"}},
        ],
    )
    yield chat(
        "content-null",
        "echo",
        messages=[
            {"role": "system", "content": None},
            {"role": "assistant", "content": None},
            {"role": "user", "content": None},
        ],
    )
    yield chat(
        "history-with-tools",
        "echo",
        messages=[
            {"role": "user", "content": "weather?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_a",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Paris"}'},
                    }
                ],
            },
            {
                "role": "tool",
                "tool_call_id": "call_a",
                "content": [{"type": "text", "text": "rain"}],
            },
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No more."}]},
            {"role": "user", "content": "Thanks"},
        ],
    )
    yield chat(
        "results-without-a-kept-run",
        "echo",
        messages=[
            {"role": "user", "content": "weather?"},
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": "call_a",
                        "type": "function",
                        "function": {"name": "weather", "arguments": "{}"},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_a", "content": "rain"},
        ],
    )


def servers_tools() -> Iterator[Case]:
    """Tools that the server runs."""
    yield from twice("one-tool")
    yield from twice("one-tool-with-events", "one-tool", headers=EVENTS)
    yield from twice("parallel-tools", "parallel", headers=EVENTS)
    yield from twice("tools-turn-by-turn", "in-turn", headers=EVENTS)
    yield from twice("tool-and-no-text", "silent-tool")
    yield from twice("failing-tool", headers=EVENTS)
    yield from twice("unknown-tool", headers=EVENTS)
    yield from twice("badly-called-tool", "badly-called", headers=EVENTS)
    yield from twice("tool-time-out", "slow-tool", server="impatient", headers=EVENTS)
    yield from twice("tool-result-cut", "long-tool", server="impatient", headers=EVENTS)
    yield from twice("recursion-limit", "restless", headers=EVENTS)
    yield from twice("tool-not-loaded", "locked-out")
    yield from twice("tool-not-loaded-after-text", "locked-out-after-text")
    yield from twice("tool-not-loaded-degraded", "locked-out-degraded", headers=EVENTS)
    yield from twice("tool-not-offered", "toolless")
    yield chat("tool-not-offered-degraded", "toolless-degraded")
    yield from twice("length-within-a-call", "length-in-call", headers=EVENTS)
    yield chat("attachment-hidden", "artist", dialects=OPENAI, stream=True)
    yield from twice("attachment", "artist", headers=ATTACHMENTS)
    yield from twice("attachment-failed", "scanner", headers=ATTACHMENTS)
    yield from twice("attachment-and-events", "artist", headers=EVERYTHING, dialects=OPENAI)
    yield chat("tool-choice-none", "toolbox", "add a=1 b=2", tool_choice="none")
    yield chat("tool-choice-required", "toolbox", "shout it out", tool_choice="required")
    yield chat(
        "tool-choice-named",
        "toolbox",
        "a=1 b=2",
        tool_choice={"type": "function", "function": {"name": "add"}},
    )


def teams() -> Iterator[Case]:
    """Agents that work together."""
    told: dict[str, Any] = {"server": "teams", "headers": EVERYTHING}
    yield from twice("handoff", "front", **told)
    yield from twice("handoff-without-events", "front", server="teams")
    yield from twice("fan-out", "planner", **told)
    yield from twice("fan-out-without-events", "planner", server="teams")
    yield from twice("fan-out-hidden", "secretive", **told)
    yield from twice("agent-as-a-tool", "asking", **told)
    yield from twice("mixed-success", **told)


def approvals() -> Iterator[Case]:
    """Runs that wait until somebody has decided, and go on."""
    for name, decide in {"approved": approved, "not-approved": not_approved}.items():
        told: dict[str, Any] = {"server": "teams", "headers": EVERYTHING, "to": approval_path}
        yield chat(name, "careful", then=decide, **told)
        yield chat(f"{name}-streamed", "careful", then=streamed(decide), stream=True, **told)


def approval_path(reply: Reply) -> str:
    """Where the run that waits is decided on."""
    return f"/v1/runs/{dict(reply.headers)['hookline-run']}/approve"


def approved(reply: Reply) -> Any:
    """Everything is."""
    return {}


def not_approved(reply: Reply) -> Any:
    """The call that waits may not be made."""
    (call,) = set(re.findall(r'"(call_[0-9a-f]{24})","name":"shout"', reply.text))
    return {"decisions": [{"tool_call_id": call, "approve": False, "reason": "It is night."}]}


def streamed(decide: Callable[[Reply], Any]) -> Callable[[Reply], Any]:
    """The same, with the rest as a stream."""
    return lambda reply: {**decide(reply), "stream": True}


def artifacts() -> Iterator[Case]:
    """What tools make besides text, by kind."""
    for kind in MADE:
        yield from twice(f"artifact-{kind}", kind, server="teams", headers=EVERYTHING)


def callers_tools() -> Iterator[Case]:
    """Tools that the caller runs."""
    tools = {"tools": [WEATHER], "dialects": OPENAI}
    yield from twice("caller-tool", "echo", "weather in Paris", **tools)
    yield chat(
        "caller-tool-with-usage",
        "echo",
        "weather in Paris",
        stream=True,
        stream_options={"include_usage": True},
        headers=EVENTS,
        **tools,
    )
    yield from twice("caller-and-server-tools", "mixed", headers=EVENTS, **tools)
    yield chat("caller-tools-continued", "mixed", then=with_results, **tools)
    yield chat("caller-tools-refused", "echo", dialects=LIBRECHAT, tools=[WEATHER])


def with_results(reply: Reply) -> Any:
    """The next request of a caller that has run its tools."""
    message = json.loads(reply.body)["choices"][0]["message"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": f"rain, {i + 10} degrees"}
        for i, call in enumerate(message["tool_calls"])
    ]
    question = {"role": "user", "content": HI}
    return {"model": "mixed", "messages": [question, message, *results], "tools": [WEATHER]}


def failures() -> Iterator[Case]:
    """Errors before and after the first byte, and ends that nobody planned."""
    yield from twice("model-lost-at-once", "cut-at-once")
    yield from twice("model-lost", "cut")
    yield from twice("model-lost-in-a-call", "cut-in-call", headers=EVENTS)
    yield from twice("model-malformed", "malformed")
    yield from twice("agent-badly-scripted", "unscripted")
    yield chat("provider-not-configured", "homeless")
    hasty: dict[str, Any] = {"server": "hasty", "stream": True}
    yield chat("deadline-before-the-first-byte", "stalled-at-once", dialects=ANY, **hasty)
    yield chat("deadline-after-the-first-byte", "stalled", **hasty)
    yield chat("client-leaves-streamed", "stalled", stream=True, during=(2, "leave"))
    yield chat("run-cancelled-streamed", "stalled", stream=True, during=(2, "cancel"))
    yield chat("server-stops-streamed", "stalled", stream=True, during=(2, "shutdown"))


def upstreams() -> Iterator[Case]:
    """What becomes of what an upstream says."""
    for name in ANSWERS:
        headers = EVENTS if name.startswith("calls") else None
        yield from twice(f"upstream-{name}", name, server="upstream", headers=headers)
    for name in REFUSED:
        yield chat(f"upstream-{name}", name, server="upstream", dialects=ANY, stream=True)


def refusals() -> Iterator[Case]:
    """Requests that are refused."""
    yield raw("refused-empty-body", b"")
    yield raw("refused-not-json", b'{"model": "echo"')
    yield raw("refused-not-utf-8", b'{"model": "echo\xff"}')
    yield raw("refused-not-an-object", b"[]")
    yield raw("refused-no-model", b'{"messages":[{"role":"user","content":"Hi"}]}')
    yield raw("refused-no-messages", b'{"model":"echo"}')
    yield refused("empty-model", model="")
    yield refused("model-of-a-wrong-type", model=7)
    yield refused("messages-of-a-wrong-type", messages="Hi")
    yield refused("messages-empty", messages=[])
    yield refused("message-null", messages=[None])
    yield refused("role-missing", messages=[{"content": "Hi"}])
    yield refused("role-unknown", messages=[{"role": "wizard", "content": "Hi"}])
    yield refused("role-function", messages=[{"role": "function", "name": "f", "content": "Hi"}])
    yield refused("content-of-a-wrong-type", messages=[{"role": "user", "content": 5}])
    yield refused("part-unknown", messages=[{"role": "user", "content": [{"type": "video"}]}])
    yield refused("stream-of-a-wrong-type", stream="true")
    yield refused("temperature-out-of-range", temperature=5)
    yield refused("n", n=2)
    yield refused("store", store=True)
    yield refused("modalities", modalities=["text", "audio"])
    yield refused("audio", audio={"voice": "alloy", "format": "mp3"})
    yield refused("functions", functions=[{"name": "f"}])
    yield refused("stream-options", stream_options={"include_usage": True})
    yield refused("top-logprobs", top_logprobs=2)
    yield refused("response-schema", response_format=_format({"type": "nonsense"}))
    yield refused("locked", model="locked", temperature=1)
    yield refused("conversation-id-of-a-wrong-type", conversation_id=5)
    yield refused("tool-name-twice", tools=[WEATHER, WEATHER])
    yield refused("tool-name-of-the-server", model="one-tool", tools=[_tool("add")])
    yield refused("tool-name", tools=[_tool("two words")])
    yield refused("tool-schema", tools=[_tool("f", {"type": "nonsense"})])
    yield refused("tool-choice-without-tools", tool_choice="required")
    yield refused(
        "tool-choice-unknown",
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "teleport"}},
    )
    yield refused(
        "result-without-a-call",
        messages=[{"role": "tool", "tool_call_id": "call_x", "content": "rain"}],
    )
    yield refused(
        "call-without-a-result",
        messages=[
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": "call_x",
                        "type": "function",
                        "function": {"name": "f", "arguments": "{}"},
                    }
                ],
            },
            {"role": "user", "content": "Well?"},
        ],
    )
    yield refused("dialect", headers={"hookline-dialect": "klingon"})
    yield refused("include", headers={"hookline-include": "events, secrets"})
    yield chat("agent-unknown", "nobody")
    yield chat("agent-not-allowed", "thinker", headers={"authorization": "Bearer hk-narrow"})
    yield raw("body-too-large", b"x" * 2000, server="small")


def _format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "f", "schema": schema}}


def _tool(name: str, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {}} if schema is None else schema
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def strangers() -> Iterator[Case]:
    """Callers who do not prove who they are, or are turned away."""
    for name, header in {
        "no-key": "",
        "key-with-another-scheme": "Basic aGs6dGVzdA==",
        "key-empty": "Bearer ",
        "key-unknown": "Bearer hk-unknown",
        "key-expired": "Bearer hk-expired",
        "key-revoked": "Bearer hk-revoked",
        "key-with-the-scheme-in-capitals": "BEARER hk-test",
    }.items():
        yield chat(name, "echo", dialects=ANY, headers={"authorization": header})
    yield get("models-without-a-key", "/v1/models", authorization="")
    yield from twice("quota-exhausted", "echo", server="poor")
    yield chat("rate-limited", "echo", server="busy")
    yield from twice("limits-told", "echo", server="limited")
    yield from twice("limits-reached", "echo", server="exhausted")
    yield chat("recorder-down", "echo", server="unrecorded")
    yield chat("permissions-down", "echo", server="lawless")
    yield chat("store-down", "echo", server="storeless")
    yield chat("server-closing", "echo", server="closing")


def others() -> Iterator[Case]:
    """Everything but chat completions."""
    yield get("models", "/v1/models", dialects=BOTH)
    yield get("models-of-a-limited-key", "/v1/models", authorization="Bearer hk-narrow")
    yield get("models-on-the-seed-path", "/api/agents/v1/models", dialects=LIBRECHAT)
    yield get("model", "/v1/models/echo", dialects=BOTH)
    yield get("model-with-slash", "/v1/models/team/echo:1")
    yield get("model-unknown", "/v1/models/nobody")
    yield get("model-not-allowed", "/v1/models/thinker", authorization="Bearer hk-narrow")
    yield get("models-without-a-store", "/v1/models", server="storeless")
    yield get("models-without-permissions", "/v1/models", server="lawless")
    yield get("url-unknown", "/v1/completions")
    yield get("root", "/")
    yield get("method-not-allowed", CHAT)
    yield get("model-not-to-be-deleted", "/v1/models/echo", method="DELETE")
    yield get("health", "/health", authorization="")
    yield get("ready", "/ready", authorization="")
    yield get("ready-without-a-store", "/ready", authorization="", server="storeless")
    yield get("ready-while-closing", "/ready", authorization="", server="closing")
    yield get("request-id-kept", "/health", authorization="", **{"x-request-id": "trace-7:a.b"})
    yield get("request-id-replaced", "/health", authorization="", **{"x-request-id": "a b<c>"})
    yield get("compression-declined", "/health", authorization="", **{"accept-encoding": "gzip"})
    document = Request(path="/docs/openapi.json")
    yield Case(name="openapi", dialects=ANY, request=document, indented=True)
    yield get("cross-origin", "/health", server="crossed", origin="https://app.example")


CASES: Sequence[Case] = [
    *answers(),
    *conversations(),
    *servers_tools(),
    *teams(),
    *approvals(),
    *artifacts(),
    *callers_tools(),
    *failures(),
    *upstreams(),
    *refusals(),
    *strangers(),
    *others(),
]


def numbered() -> Iterator[tuple[str, str, Case]]:
    """Each case in each of its dialects, under the name of its file."""
    for case in CASES:
        for dialect in case.dialects:
            yield f"{dialect}/{case.name}", dialect, case
