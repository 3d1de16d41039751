"""Requests that no server should take, and what each has to be told."""

import json
from collections.abc import Callable
from typing import Any

import attrs

from support.raw import in_chunks, request

AGENTS = {
    "helper": {},
    "locked": {"model_parameters": {"temperature": 0.2}, "locked": ["temperature"]},
    "calc": {"tools": ["calculator"]},
}
TABLES = {
    "providers": {"scripted": {"kind": "scripted"}},
    "agents": {
        name: {"provider": "scripted", "model": "scripted", **fields}
        for name, fields in AGENTS.items()
    },
}
USER = {"role": "user", "content": "hi"}
VALID: dict[str, Any] = {"model": "helper", "messages": [USER]}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANY = "any"
"""Stands for a ``param`` or ``code`` that does not matter."""


@attrs.frozen(kw_only=True)
class Row:
    """A request, and the answer that it must get.

    Args:
        name: of the test.
        make: the request, made when it is sent: some are large.
        status, param, code: of the error.
        says: a part of the message.
    """

    name: str
    make: Callable[[], bytes]
    status: int = 400
    param: str | None = None
    code: str | None = None
    says: str = ""


def row(name: str, made: bytes | Callable[[], bytes], *, says: str = "", **expected: Any) -> Row:
    """A row with a whole request."""
    make = made if callable(made) else lambda: made
    return Row(name=name, make=make, says=says, **expected)


def text(name: str, body: bytes | Callable[[], bytes], *, says: str = "", **expected: Any) -> Row:
    """A row with a body."""
    make = body if callable(body) else lambda: body
    return Row(name=name, make=lambda: request(make()), says=says, **expected)


def fields(
    name: str, param: str | None, code: str | None = None, says: str = "", **given: Any
) -> Row:
    """A row with a valid body that these fields make invalid."""
    body = {**VALID, **given}
    return Row(
        name=name,
        make=lambda: request(json.dumps(body).encode()),
        param=param,
        code=code,
        says=says,
    )


def spliced(field: str, value: bytes) -> bytes:
    """A valid body with a field whose value is not what ``json`` would write."""
    return json.dumps(VALID).encode()[:-1] + b',"%b":%b}' % (field.encode(), value)


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    """Something deep."""
    return opening * depth + b"1" + closing * depth


def tool(name: Any = "f", parameters: Any = None, **more: Any) -> dict[str, Any]:
    """A tool's declaration."""
    function = {"name": name} if parameters is None else {"name": name, "parameters": parameters}
    return {"type": "function", "function": {**function, **more}}


def schema(**parameters: Any) -> list[dict[str, Any]]:
    """One tool with this schema."""
    return [tool(parameters=parameters)]


def says(*messages: Any) -> list[Any]:
    """A conversation that begins well."""
    return [USER, *messages]


def bearer(*headers: bytes) -> bytes:
    """A valid request with these headers instead of a key."""
    return request(json.dumps(VALID).encode(), *headers, authorized=False)


def with_header(*headers: bytes, path: str = "", method: str = "POST") -> bytes:
    """A valid request with a key and these headers."""
    if path:
        return request(None, *headers, method=method, path=path)
    return request(json.dumps(VALID).encode(), *headers, method=method)


REQUIRED = "Request body is required"
PARAMETERS = "tools[0].function.parameters"
SCHEMA = "response_format.json_schema.schema"
FUNCTION_NAME = "tools[0].function.name"

NOT_JSON = [
    row("no body and no length", request(None), says=REQUIRED),
    text("an empty body", b"", says=REQUIRED),
    text("only white space", b" \r\n\t ", says=REQUIRED),
    text("words", b"hello", says="Invalid JSON"),
    text("a form", b"model=helper&messages=hi", says="Invalid JSON"),
    text("half an object", b'{"model":', says="Invalid JSON"),
    text("a comma too many", b'{"model":"helper",}', says="Invalid JSON"),
    text("single quotes", b"{'model':'helper'}", says="Invalid JSON"),
    text("two objects", json.dumps(VALID).encode() * 2, says="Invalid JSON"),
    text("bytes of no encoding", b"\x00\x01\xfe\xff", says="Invalid JSON"),
    text("invalid UTF-8 in a string", spliced("user", b'"\xff\xfe"'), says="Invalid JSON"),
    text("UTF-8 that is cut off", spliced("user", b'"\xe2\x82"'), says="Invalid JSON"),
    text("UTF-16", json.dumps(VALID).encode("utf-16"), says="Invalid JSON"),
    text("a byte order mark", json.dumps(VALID).encode("utf-8-sig"), says="Invalid JSON"),
    text("a lone surrogate", spliced("user", rb'"\ud800"'), says="Invalid JSON"),
    text("a lone low surrogate", spliced("user", rb'"\udc00x"'), says="Invalid JSON"),
    text("a control character in a string", spliced("user", b'"a\nb"'), says="Invalid JSON"),
    text("NaN", spliced("temperature", b"NaN"), says="Invalid JSON"),
    text("Infinity", spliced("temperature", b"-Infinity"), says="Invalid JSON"),
    text("a number that is too large", spliced("temperature", b"1e400"), param="temperature"),
    text("a number with leading zeros", spliced("seed", b"007"), says="Invalid JSON"),
    text("an array", b"[]", says=REQUIRED),
    text("a deep array", lambda: nested(b"[", b"]", 100_000), says=REQUIRED),
    text("null", b"null", says=REQUIRED),
    text("a string", b'"helper"', says=REQUIRED),
    text("a number", b"42", says=REQUIRED),
    text("true", b"true", says=REQUIRED),
    text("a deep object", lambda: nested(b'{"a":', b"}", 100_000), says="too deeply"),
    text(
        "a deep field that nobody knows",
        lambda: spliced("extra", nested(b"[", b"]", 100_000)),
        says="too deeply",
    ),
    text(
        "deep metadata",
        lambda: spliced("metadata", nested(b'{"a":', b"}", 100_000)),
        param=ANY,
    ),
    text(
        "a field twice, the last one wrong",
        b'{"model":"helper","messages":[{"role":"user","content":"hi"}],"n":1,"n":2}',
        param="n",
        code="unsupported_value",
    ),
]

TOO_LARGE = [
    text(
        "20 MB and a byte",
        lambda: b" " * 20_000_001,
        status=413,
        code="request_too_large",
        says="body_limit",
    ),
    row(
        "20 MB in chunks",
        lambda: in_chunks([b" " * 1_000_000] * 21),
        status=413,
        code="request_too_large",
    ),
    row(
        "a length that is a lie",
        request(None, b"connection: close", b"content-length: 99999999999") + b"{}",
        status=413,
        code="request_too_large",
    ),
    fields("10,001 messages", "messages", messages=[USER] * 10_001),
    fields("513 tools", "tools", tools=[tool(f"f{i}") for i in range(513)]),
]

MESSAGES = [
    text("no messages", b'{"model":"helper"}', param="messages"),
    fields("messages that are null", "messages", messages=None),
    fields("messages that are a string", "messages", messages="hi"),
    fields("messages that are an object", "messages", messages=USER),
    fields("no message in messages", "messages", messages=[]),
    fields("a null message", "messages[0]", messages=[None]),
    fields("a message that is a string", "messages[1]", messages=says("hi")),
    fields("a message that is a list", "messages[1]", messages=says([])),
    fields("a message without a role", "messages[0].role", messages=[{"content": "hi"}]),
    fields("a null role", "messages[0].role", messages=[{"role": None}]),
    fields("a role that is a number", "messages[0].role", messages=[{"role": 1}]),
    fields(
        "an unknown role",
        "messages[1].role",
        messages=says({"role": "wizard", "content": "hi"}),
        says="must be one of",
    ),
    fields(
        "the role function", "messages[0].role", messages=[{"role": "function", "content": "hi"}]
    ),
    fields("a role in capitals", "messages[0].role", messages=[{"role": "USER", "content": "hi"}]),
    fields("content that is a number", "messages[0].content", messages=[{**USER, "content": 1}]),
    fields("content that is an object", "messages[0].content", messages=[{**USER, "content": {}}]),
    fields("a null part", "messages[0].content[0]", messages=[{**USER, "content": [None]}]),
    fields(
        "an unknown part",
        "messages[0].content[0].type",
        messages=[{**USER, "content": [{"type": "video", "video": "x"}]}],
    ),
    fields(
        "a part without a type",
        "messages[0].content[0].type",
        messages=[{**USER, "content": [{"text": "hi"}]}],
    ),
    fields(
        "an image without a URL",
        "messages[0].content[0].image_url.url",
        messages=[{**USER, "content": [{"type": "image_url", "image_url": {}}]}],
    ),
    fields(
        "an image that is a string",
        "messages[0].content[0].image_url",
        messages=[{**USER, "content": [{"type": "image_url", "image_url": "https://x"}]}],
    ),
    fields(
        "sound in an unknown format",
        "messages[0].content[0].input_audio.format",
        messages=[
            {
                **USER,
                "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "midi"}}],
            }
        ],
    ),
    fields(
        "an image from the system",
        "messages[0].content[0].type",
        messages=[
            {"role": "system", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
            USER,
        ],
    ),
    fields("a name that is a number", "messages[0].name", messages=[{**USER, "name": 5}]),
    fields(
        "a tool message without an id",
        "messages[2].tool_call_id",
        messages=says(CALLING, {"role": "tool", "content": "x"}),
    ),
    fields(
        "a tool message that answers nothing",
        "messages[1].tool_call_id",
        messages=says({"role": "tool", "tool_call_id": "call_1", "content": "x"}),
    ),
    fields(
        "a tool message that answers another call",
        "messages[2].tool_call_id",
        messages=says(CALLING, {"role": "tool", "tool_call_id": "call_2", "content": "x"}),
    ),
    fields(
        "a tool call that is answered twice",
        "messages[3].tool_call_id",
        messages=says(CALLING, *[{"role": "tool", "tool_call_id": "call_1", "content": "x"}] * 2),
    ),
    fields("a tool call without a result", "messages[1].tool_calls", messages=says(CALLING)),
    fields(
        "a tool call with a user message for a result",
        "messages[1].tool_calls",
        messages=says(CALLING, USER),
    ),
    fields(
        "a tool call without an id",
        "messages[1].tool_calls[0].id",
        messages=says({**CALLING, "tool_calls": [{"function": CALL["function"]}]}),
    ),
    fields(
        "a tool call whose arguments are an object",
        "messages[1].tool_calls[0].function.arguments",
        messages=says(
            {**CALLING, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]}
        ),
    ),
]

TOOLS = [
    fields("tools that are an object", "tools", tools={}),
    fields("a null tool", "tools[0]", tools=[None]),
    fields("a tool of another kind", "tools[0].type", tools=[{"type": "web_search"}]),
    fields("a tool without a function", "tools[0].function", tools=[{"type": "function"}]),
    fields("a tool without a name", FUNCTION_NAME, tools=[{"type": "function", "function": {}}]),
    fields("a tool with a space in its name", FUNCTION_NAME, tools=[tool("a b")]),
    fields("a tool with an empty name", FUNCTION_NAME, tools=[tool("")]),
    fields("a tool with a long name", FUNCTION_NAME, tools=[tool("a" * 65)]),
    fields("a tool with a line break in its name", FUNCTION_NAME, tools=[tool("ab\n")]),
    fields("a tool whose name is a number", FUNCTION_NAME, tools=[tool(7)]),
    fields(
        "a description that is a list",
        "tools[0].function.description",
        tools=[tool(description=[])],
    ),
    fields("a tool declared twice", "tools[1].function.name", tools=[tool(), tool()]),
    fields("a tool of the agent's own", FUNCTION_NAME, model="calc", tools=[tool("calculator")]),
    fields("a schema that is a list", PARAMETERS, tools=[tool(parameters=[])]),
    fields("a schema that is a string", PARAMETERS, tools=[tool(parameters="object")]),
    fields("a schema of an array", PARAMETERS, "invalid_schema", tools=schema(type="array")),
    fields("a schema of no type", PARAMETERS, "invalid_schema", tools=schema(type="objekt")),
    fields(
        "a schema with properties in a list",
        PARAMETERS,
        "invalid_schema",
        tools=schema(type="object", properties=["a"]),
    ),
    fields(
        "a schema with a pattern that is none",
        PARAMETERS,
        "invalid_schema",
        tools=schema(type="object", properties={"a": {"pattern": "("}}),
    ),
    fields(
        "a schema elsewhere",
        PARAMETERS,
        "invalid_schema",
        tools=schema(**{"$ref": "http://127.0.0.1:1/schema.json"}),
    ),
    fields(
        "a schema in a file",
        PARAMETERS,
        "invalid_schema",
        tools=schema(**{"$ref": "file:///etc/passwd"}),
    ),
    fields(
        "a schema that refers to nothing",
        PARAMETERS,
        "invalid_schema",
        tools=schema(type="object", properties={"a": {"$ref": "#/$defs/none"}}),
    ),
    fields(
        "a schema in an unknown dialect",
        PARAMETERS,
        "invalid_schema",
        tools=schema(**{"$schema": "https://schemas.invalid/1", "type": "object"}),
    ),
    text(
        "a deep schema",
        lambda: spliced("tools", _deep_tool(300)),
        param=PARAMETERS,
        code="invalid_schema",
    ),
    text("a bottomless schema", lambda: spliced("tools", _deep_tool(50_000)), says="too deeply"),
    fields("tool_choice without tools", "tool_choice", tool_choice="required"),
    fields("tool_choice of a word", "tool_choice", tools=[tool()], tool_choice="maybe"),
    fields("tool_choice of a number", "tool_choice", tools=[tool()], tool_choice=1),
    fields(
        "tool_choice of a tool that is not there",
        "tool_choice.function.name",
        tools=[tool()],
        tool_choice={"type": "function", "function": {"name": "g"}},
    ),
    fields(
        "tool_choice of another kind",
        "tool_choice.type",
        tools=[tool()],
        tool_choice={"type": "custom", "custom": {"name": "f"}},
    ),
    fields("parallel_tool_calls of a word", "parallel_tool_calls", parallel_tool_calls="yes"),
]


def _deep_tool(depth: int) -> bytes:
    properties = nested(b'{"type":"object","properties":{"a":', b"}}", depth)
    properties = properties.replace(b"1", b"{}", 1)
    return b'[{"type":"function","function":{"name":"f","parameters":%b}}]' % properties


VALUE, PARAMETER = "unsupported_value", "unsupported_parameter"
FIELDS = [
    text(
        "no model", json.dumps({"messages": [USER]}).encode(), param="model", code="missing_model"
    ),
    fields("a null model", "model", "missing_model", model=None),
    fields("an empty model", "model", "missing_model", model=""),
    fields("a model that is a list", "model", "missing_model", model=["helper"]),
    fields("n of 2", "n", VALUE, n=2),
    fields("n of 0", "n", VALUE, n=0),
    fields("an n that is huge", "n", VALUE, n=10**30),
    fields("an n that is half a number", "n", n=1.5),
    fields("store", "store", VALUE, store=True),
    fields("an answer to hear", "modalities", VALUE, modalities=["text", "audio"]),
    fields("audio", "audio", PARAMETER, audio={"voice": "ash", "format": "wav"}),
    fields("functions", "functions", PARAMETER, functions=[{"name": "f"}]),
    fields("function_call", "function_call", PARAMETER, function_call="auto"),
    fields("a prediction", "prediction", PARAMETER, prediction={"type": "content"}),
    fields("a web search", "web_search_options", PARAMETER, web_search_options={}),
    fields("a temperature of 3", "temperature", temperature=3),
    fields("a temperature below 0", "temperature", temperature=-0.1),
    fields("a temperature in words", "temperature", temperature="hot"),
    fields("a number in quotation marks", "temperature", temperature="1"),
    fields("a locked temperature", "temperature", VALUE, model="locked", temperature=1),
    fields("top_p of 2", "top_p", top_p=2),
    fields("a penalty of 3", "presence_penalty", presence_penalty=3),
    fields("a penalty of -3", "frequency_penalty", frequency_penalty=-3),
    fields("max_tokens of 0", "max_tokens", max_tokens=0),
    fields("max_tokens below 0", "max_tokens", max_tokens=-1),
    fields("max_tokens that is huge", "max_tokens", max_tokens=10**19),
    fields("half a token", "max_completion_tokens", max_completion_tokens=1.5),
    fields("a seed of 400 digits", "seed", seed=10**400),
    fields("a seed beyond 64 bits", "seed", seed=2**63),
    fields("five stops", "stop", stop=["a"] * 5),
    fields("a stop that is a number", "stop", stop=1),
    fields("a null among stops", "stop[0]", stop=[None]),
    fields("a bias of 101", "logit_bias", logit_bias={"50256": 101}),
    fields("a bias in words", "logit_bias", logit_bias={"50256": "much"}),
    fields("biases in a list", "logit_bias", logit_bias=[1]),
    fields("logprobs that are a number", "logprobs", logprobs=1),
    fields("top_logprobs without logprobs", "top_logprobs", top_logprobs=2),
    fields("21 top_logprobs", "top_logprobs", logprobs=True, top_logprobs=21),
    fields("stream in quotation marks", "stream", stream="true"),
    fields("stream_options without stream", "stream_options", stream_options={}),
    fields("stream_options of a word", "stream_options", stream=True, stream_options="usage"),
    fields(
        "include_usage of a word",
        "stream_options.include_usage",
        stream=True,
        stream_options={"include_usage": "yes"},
    ),
    fields("17 metadata", "metadata", metadata={str(i): "x" for i in range(17)}),
    fields("long metadata", "metadata", metadata={"a": "x" * 513}),
    fields("a long name of metadata", "metadata", says="key", metadata={"a" * 65: "x"}),
    fields("metadata of numbers", "metadata", metadata={"a": 1}),
    fields("metadata in a list", "metadata", metadata=["a"]),
    fields("a response_format of a word", "response_format", response_format="json"),
    fields("an unknown response_format", "response_format.type", response_format={"type": "xml"}),
    fields(
        "json_schema without a schema",
        "response_format.json_schema",
        response_format={"type": "json_schema"},
    ),
    fields(
        "json_schema with a bad name",
        "response_format.json_schema.name",
        response_format={"type": "json_schema", "json_schema": {"name": "a b"}},
    ),
    fields(
        "json_schema of an array",
        SCHEMA,
        "invalid_schema",
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": {"type": "array"}},
        },
    ),
    fields(
        "json_schema of no type",
        SCHEMA,
        "invalid_schema",
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": {"type": "objekt"}},
        },
    ),
    fields("an unknown effort", "reasoning_effort", reasoning_effort="huge"),
    fields("a user that is a number", "user", user=5),
    fields(
        "a conversation_id that is a number",
        "conversation_id",
        says="conversation_id must be a string",
        conversation_id=5,
    ),
    fields("a null conversation_id", "conversation_id", conversation_id=None),
    fields("a parent_message_id that is a list", "parent_message_id", parent_message_id=[]),
]

UNKNOWN = {"status": 404, "code": "model_not_found"}
PATHS = [
    row(
        "an agent that is not there",
        request(json.dumps({**VALID, "model": "nobody"}).encode()),
        **UNKNOWN,
    ),
    row(
        "an agent by a path",
        request(json.dumps({**VALID, "model": "../../etc/passwd"}).encode()),
        **UNKNOWN,
    ),
    row(
        "an agent with a null character",
        request(json.dumps({**VALID, "model": "a\0b"}).encode()),
        **UNKNOWN,
    ),
    row("a model that is not there", with_header(path="/v1/models/x", method="GET"), **UNKNOWN),
    row(
        "a model in bytes that are no text",
        with_header(path="/v1/models/%ff%fe", method="GET"),
        **UNKNOWN,
    ),
]
NOT_ALLOWED = {"status": 405, "code": "method_not_allowed"}
PATHS += [
    row(
        "a path that is not there",
        with_header(path="/v1/chat/completion"),
        status=404,
        code="unknown_url",
    ),
    row("the root", with_header(path="/", method="GET"), status=404, code="unknown_url"),
    row(
        "a path in bytes that are no text",
        with_header(path="/v1/%ff%fe"),
        status=404,
        code="unknown_url",
    ),
    row(
        "a path that is not there, without a key",
        request(b"{}", path="/v1/nothing", authorized=False),
        status=404,
        code="unknown_url",
    ),
    *(
        row(f"{method} to the chat", with_header(method=method), **NOT_ALLOWED)
        for method in ("GET", "PUT", "PATCH", "DELETE")
    ),
    row("POST to the models", request(b"{}", path="/v1/models"), **NOT_ALLOWED),
    row(
        "DELETE of a model",
        with_header(path="/v1/models/helper", method="DELETE"),
        **NOT_ALLOWED,
    ),
]

MISSING = {"status": 401, "code": "missing_api_key"}
WRONG = {"status": 401, "code": "invalid_api_key"}
KEYS = [
    row("no key", bearer(), **MISSING),
    row("no key and no body", request(b"", authorized=False), **MISSING),
    row("an empty key header", bearer(b"authorization:"), **MISSING),
    row("a scheme without a key", bearer(b"authorization: Bearer"), **MISSING),
    row("a scheme with spaces for a key", bearer(b"authorization: Bearer    "), **MISSING),
    row("a key without a scheme", bearer(b"authorization: hk-test"), **MISSING),
    row("another scheme", bearer(b"authorization: Basic aGstdGVzdDo="), **MISSING),
    row("a tab for a space", bearer(b"authorization: Bearer\thk-test"), **MISSING),
    row("a key in another header", bearer(b"x-api-key: hk-test"), **MISSING),
    row("an unknown key", bearer(b"authorization: Bearer hk-nope"), **WRONG),
    row("a key in capitals", bearer(b"authorization: Bearer HK-TEST"), **WRONG),
    row("a key and more", bearer(b"authorization: Bearer hk-test hk-test"), **WRONG),
    row("a key that is no text", bearer(b"authorization: Bearer hk-\xff\xfe"), **WRONG),
    row("a key in Cyrillic", bearer("authorization: Bearer ключ".encode()), **WRONG),
    row("a key of 200 kB", lambda: bearer(b"authorization: Bearer " + b"x" * 200_000), **WRONG),
    row(
        "an unknown key for the models",
        request(
            None, b"authorization: Bearer no", path="/v1/models", method="GET", authorized=False
        ),
        **WRONG,
    ),
]

DIALECT = {"param": "hookline-dialect"}
HEADERS = [
    row("an unknown dialect", with_header(b"hookline-dialect: klingon"), **DIALECT),
    row("a dialect in capitals", with_header(b"hookline-dialect: OPENAI"), **DIALECT),
    row("a dialect that is no text", with_header(b"hookline-dialect: \xff"), **DIALECT),
    row(
        "an unknown dialect for the models",
        with_header(b"hookline-dialect: klingon", path="/v1/models", method="GET"),
        **DIALECT,
    ),
    row(
        "an unknown dialect for a model",
        with_header(b"hookline-dialect: klingon", path="/v1/models/helper", method="GET"),
        **DIALECT,
    ),
    row(
        "an unknown extension", with_header(b"hookline-include: secrets"), param="hookline-include"
    ),
    row(
        "a known and an unknown extension",
        with_header(b"hookline-include: events, secrets"),
        param="hookline-include",
    ),
    row(
        "tools in the librechat dialect",
        request(json.dumps({**VALID, "tools": [tool()]}).encode(), b"hookline-dialect: librechat"),
        param="tools",
        code=PARAMETER,
    ),
]

UNREADABLE = "Invalid HTTP request"
NOT_HTTP = [
    row("no HTTP", b"HELLO\r\n\r\n", says=UNREADABLE),
    row("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", says=UNREADABLE),
    row("a method that nobody knows", with_header(method="BREW"), says=UNREADABLE),
    row("a header without a colon", request(b"{}", b"bad header"), says=UNREADABLE),
    row("a header with a null character", request(b"{}", b"x: a\0b"), says=UNREADABLE),
    row("a length below 0", request(None, b"content-length: -5"), says=UNREADABLE),
    row("a length in words", request(None, b"content-length: many"), says=UNREADABLE),
    row(
        "two lengths",
        request(b"{}", b"content-length: 5"),
        says=UNREADABLE,
    ),
    row(
        "a length and chunks",
        request(b"{}", b"transfer-encoding: chunked"),
        says=UNREADABLE,
    ),
    row(
        "a chunk whose size is no number",
        request(None, b"transfer-encoding: chunked") + b"zz\r\nabc\r\n",
        says=UNREADABLE,
    ),
    row("a path of 100 kB", lambda: with_header(path="/" + "a" * 100_000), says=UNREADABLE),
]

ROWS = [
    *NOT_JSON,
    *TOO_LARGE,
    *MESSAGES,
    *TOOLS,
    *FIELDS,
    *PATHS,
    *KEYS,
    *HEADERS,
    *NOT_HTTP,
]
ACCEPTED = [
    row("a scheme in lower case", bearer(b"authorization: bearer hk-test")),
    row("a scheme in capitals", bearer(b"AUTHORIZATION: BEARER hk-test")),
    row("two spaces before the key", bearer(b"authorization: Bearer   hk-test")),
    row("no type of content", request(json.dumps(VALID).encode())),
    row("another type of content", with_header(b"content-type: text/plain")),
    row("a broken type of content", with_header(b"content-type: \xff;;=")),
    row("a broken cookie", with_header(b"cookie: \xff=;;;")),
    row("a strange request id", with_header(b"x-request-id: <\xff>")),
    row("a body in chunks", in_chunks([b'{"model":"helper",', json.dumps(VALID).encode()[1:]])),
    text("a model twice", b'{"model":"nobody",' + json.dumps(VALID).encode()[1:]),
    fields("fields that nobody knows", None, extra={"a": [1]}, reasoning={"effort": "low"}),
    fields("null for what may be left out", None, n=None, stop=None, tools=None, functions=None),
    fields("null content", None, messages=[{"role": "user", "content": None}]),
    fields("a schema that refers to itself", None, tools=schema(**{"$ref": "#"})),
]
"""What looks odd, and has an answer."""
