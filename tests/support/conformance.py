"""Are bodies and chunks what OpenAI says they are? Held against two sources.

One is the pydantic models of the ``openai`` package, in strict mode. The other is OpenAI's
published OpenAPI document, where it lies beside the checkout: it is not ours to ship.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from openai.types import FileDeleted, FileObject, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

PUBLISHED = Path(__file__).parents[3] / "shared" / "reference" / "openai-openapi-subset.json"
STREAM = "text/event-stream"
EXTENSIONS = {"hookline", "reasoning", "reasoning_content"}
"""Fields beyond OpenAI's in the ``openai`` dialect."""

SCHEMAS = {
    ChatCompletion: "CreateChatCompletionResponse",
    ChatCompletionChunk: "CreateChatCompletionStreamResponse",
    Model: "Model",
    FileObject: "OpenAIFile",
    FileDeleted: "DeleteFileResponse",
}


class ModelPage(BaseModel):
    """What ``openai`` reads a list of models as, without its paging."""

    object: str
    data: list[Model]


def check(path: str, status: int, kind: str, body: bytes, dialect: str) -> None:
    """Assert that an answer is what OpenAI says it is.

    Args:
        path: of the request.
        status: of the answer.
        kind: its ``content-type``.
        body: all of it, or what was read of it.
        dialect: one that is not ``openai`` has to please the package alone.
    """
    published = dialect == "openai"
    if status != 200:
        check_error(json.loads(body))
    elif kind.startswith(STREAM):
        check_stream(body, dialect)
    elif path.endswith("/chat/completions"):
        check_value(ChatCompletion, body, published=published)
    elif path.endswith("/models"):
        page = ModelPage.model_validate_json(body, strict=True)
        assert "list" == page.object
        for item in json.loads(body)["data"]:
            check_value(Model, json.dumps(item).encode(), published=published)
        follows(json.loads(body), "ListModelsResponse")
    elif "/files" in path:
        check_files(path, body)
    else:
        check_value(Model, body, published=published)


def check_files(path: str, body: bytes) -> None:
    """Assert that an answer about files is one of OpenAI's; bytes may be any."""
    if path.endswith("/content"):
        return
    found = json.loads(body)
    if "data" in found:
        follows(found, "ListFilesResponse")
        return
    check_value(FileDeleted if "deleted" in found else FileObject, body, published=True)


def check_value(model: type[BaseModel], body: bytes, *, published: bool) -> Any:
    """Assert that a body is a whole value of a model; the value."""
    value = model.model_validate_json(body, strict=True)
    if published:
        assert set(unknown(value)) <= EXTENSIONS
        follows(json.loads(body), SCHEMAS[model])
    return value


def check_error(body: Any) -> None:
    """Assert that a body is an error and nothing else."""
    assert ["error"] == list(body)
    assert ["message", "type", "param", "code"] == list(body["error"])
    follows(body, "ErrorResponse")


def check_stream(body: bytes, dialect: str = "openai") -> list[ChatCompletionChunk]:
    """Assert that a stream, or as much of it as was read, is one answer; its chunks."""
    chunks: list[ChatCompletionChunk] = []
    *events, rest = body.split(b"\n\n")
    done = False
    for event in events:
        if event.startswith((b":", b"event: attachment\n")):
            continue
        name, _, data = event.partition(b": ")
        assert (b"data", False, b"\n" in data) == (name, done, False)
        done = data == b"[DONE]"
        if done:
            continue
        if data.startswith(b'{"error"'):
            check_error(json.loads(data))
            continue
        published = dialect == "openai"
        chunks.append(check_value(ChatCompletionChunk, data, published=published))
    assert not (done and rest)
    _check_chunks(chunks)
    return chunks


def _check_chunks(chunks: list[ChatCompletionChunk]) -> None:
    """One answer: the same id, time and model; a role first; calls counted from 0."""
    assert 1 == len({(chunk.id, chunk.created, chunk.model) for chunk in chunks})
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert ["assistant"] == [c.delta.role for c in choices if c.delta.role is not None]
    assert "assistant" == choices[0].delta.role
    assert all(choice.finish_reason is None for choice in choices[:-1])
    calls = [call for choice in choices for call in choice.delta.tool_calls or ()]
    opened = [call.index for call in calls if call.id is not None]
    assert list(range(len(opened))) == opened
    for position, call in enumerate(calls):
        assert call.index in {c.index for c in calls[: position + 1] if c.id is not None}


def unknown(value: Any) -> Iterator[str]:
    """The names of fields that a model of OpenAI's does not have."""
    if isinstance(value, list):
        for item in value:
            yield from unknown(item)
    if isinstance(value, BaseModel):
        yield from value.model_extra or ()
        for name in type(value).model_fields:
            yield from unknown(getattr(value, name))


def follows(value: Any, name: str) -> None:
    """Assert that a value follows a published schema, if that is there."""
    if PUBLISHED.is_file():
        error = next(_validator(name).iter_errors(value), None)
        assert error is None, f"{name}: {error}"


@cache
def _validator(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        {"$ref": f"#/components/schemas/{name}", "components": _document()["components"]},
        offline=True,
    )


@cache
def _document() -> Any:
    return _nullable(json.loads(PUBLISHED.read_text()))


def _nullable(schema: Any) -> Any:
    """The document writes some nulls as OpenAPI 3.0 did; this is how 3.1 writes them."""
    if isinstance(schema, list):
        return [_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _nullable(item) for key, item in schema.items() if key != "nullable"}
    if schema.get("nullable") is True:
        return {"anyOf": [kept, {"type": "null"}]}
    return kept
