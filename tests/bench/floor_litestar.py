"""A second floor: Litestar, each upstream event decoded with msgspec and encoded again.

What a Litestar proxy that understands the events must pay, without keys, store, metering or agents.
"""

import os
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
from litestar import Litestar, get, post
from litestar.datastructures import State
from litestar.response import Response, Stream

URL = os.environ["UPSTREAM"] + "/chat/completions"
HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-mock"}


class StreamOptions(msgspec.Struct, omit_defaults=True):
    include_usage: bool | None = None


class Message(msgspec.Struct, omit_defaults=True):
    role: str
    content: str | list[Any] | None = None
    tool_calls: list[Any] | None = None
    tool_call_id: str | None = None
    name: str | None = None


class ChatRequest(msgspec.Struct, omit_defaults=True):
    model: str
    messages: list[Message]
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    tools: list[Any] | None = None


class Function(msgspec.Struct, omit_defaults=True):
    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct, omit_defaults=True):
    index: int
    id: str | None = None
    type: str | None = None
    function: Function | None = None


class Delta(msgspec.Struct, omit_defaults=True):
    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None


class Choice(msgspec.Struct):
    index: int
    delta: Delta
    finish_reason: str | None = None


class Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Chunk(msgspec.Struct):
    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None


encoder = msgspec.json.Encoder()
decode_chunk = msgspec.json.Decoder(Chunk).decode


async def relay(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """One ``yield`` per read from the upstream, every event in it decoded and encoded again."""
    rest = b""
    encode = encoder.encode
    try:
        async for data in answer.content.iter_any():
            events = (rest + data).split(b"\n\n")
            rest = events.pop()
            out = bytearray()
            for event in events:
                payload = event[6:]
                if payload == b"[DONE]":
                    out += b"data: [DONE]\n\n"
                else:
                    out += b"data: " + encode(decode_chunk(payload)) + b"\n\n"
            if out:
                yield bytes(out)
    finally:
        answer.release()


@post("/v1/chat/completions", status_code=200)
async def chat(data: ChatRequest, state: State) -> Response:
    answer = await state.session.post(URL, data=encoder.encode(data), headers=HEADERS)
    if data.stream and answer.status == 200:
        return Stream(relay(answer), media_type="text/event-stream")
    async with answer:
        return Response(
            await answer.read(), media_type="application/json", status_code=answer.status
        )


@get("/health")
async def health() -> str:
    return "ok"


async def open_session(app: Litestar) -> None:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    app.state.session = aiohttp.ClientSession(connector=connector)


async def close_session(app: Litestar) -> None:
    await app.state.session.close()


app = Litestar(
    [chat, health], on_startup=[open_session], on_shutdown=[close_session], openapi_config=None
)
