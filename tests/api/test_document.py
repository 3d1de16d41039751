"""The document of the API, ``/docs/openapi.json``, beside its snapshot."""

import json
from collections.abc import Iterator
from typing import Any

from support.server import running_server
from support.wire import Request, send


def test_no_answer_has_an_example_that_was_made_up() -> None:
    """Litestar makes examples up by chance: another document with each start.

    Those of fields, which we wrote, are in its components.
    """
    with running_server({}) as server:
        reply = send(server.origin, Request(method="GET", path="/docs/openapi.json"))
    document = json.loads(reply.body)

    answers = [
        (path, status, answer)
        for path, operations in document["paths"].items()
        for operation in operations.values()
        for status, answer in operation["responses"].items()
    ]

    assert len(answers) > 100
    assert [row[:2] for row in answers if any(_examples(row[2]))] == []


def _examples(node: Any) -> Iterator[Any]:
    """What is under any key ``example`` or ``examples``, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("example", "examples"):
                yield value
            yield from _examples(value)
    elif isinstance(node, list):
        for value in node:
            yield from _examples(value)
