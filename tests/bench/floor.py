"""The floor: a raw ASGI app that forwards bytes and looks at nothing.

What any Python proxy on uvicorn with an aiohttp client must pay.
"""

import os
from typing import Any

import aiohttp

URL = os.environ["UPSTREAM"] + "/chat/completions"
HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-mock"}
sessions: list[aiohttp.ClientSession] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer, as ASGI wants it."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["path"].endswith("/chat/completions"):
        await _forward(receive, send)
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


async def _lifespan(receive: Any, send: Any) -> None:
    await receive()
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        sessions.append(session)
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _forward(receive: Any, send: Any) -> None:
    message = await receive()
    body = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    async with sessions[0].post(URL, data=body, headers=HEADERS) as answer:
        names = ("content-type", "content-length")
        headers = [(n.encode(), answer.headers[n].encode()) for n in names if n in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        async for data in answer.content.iter_any():
            await send({"type": "http.response.body", "body": data, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
