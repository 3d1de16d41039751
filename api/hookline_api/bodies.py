"""Request bodies: decoded once, strictly; every mistake names its field."""

import re
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException

from hookline.errors import InvalidRequest
from hookline.wire.chat import ChatCompletionRequest
from hookline_api.patterns import meaning_of

ROLES = "system, developer, user, assistant, tool"
CONTEXT_IDS = frozenset({"conversation_id", "parent_message_id"})
_PATH = re.compile(r"^(?P<what>.*) - at (?P<key>`key` in )?`\$\.?(?P<path>.*?)`$", re.DOTALL)
_ENTRY = "[...]"
"""How msgspec points at an entry of an object whose keys are the caller's own."""
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<field>[^`]+)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]+)`$")
_MESSAGE = re.compile(r"^messages\[\d+\]$")
_ROLE = re.compile(r"^messages\[\d+\]\.role$")
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON body is decoded in one strict pass.

    Litestar would decode it to dicts first and then accept ``"5"`` for a number.
    """

    async def json(self) -> Any:
        """The body as the type that the handler declares."""
        field = self.route_handler.parsed_data_field
        if field is None:
            return await super().json()
        decoder = _decoders.get(field.annotation)
        if decoder is None:
            decoder = _decoders[field.annotation] = msgspec.json.Decoder(field.annotation)
        return decode(decoder, await self.body())

    async def body(self) -> bytes:
        """The body as it came.

        Raises:
            InvalidRequest: the client left before it was complete; nobody will read this.
        """
        try:
            return await super().body()
        except InternalServerException as error:
            message = "the client closed the connection before the body was complete"
            raise InvalidRequest(message) from error


def decode(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """Decode a body.

    Raises:
        InvalidRequest: not JSON, or a field that is missing or of a wrong type.
    """
    if not body.strip():
        message = "Request body is required"
        raise InvalidRequest(message)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise explain(str(error), chat=decoder.type is ChatCompletionRequest) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"Invalid JSON format: {error}"
        raise InvalidRequest(message) from error
    except RecursionError as error:
        message = "Invalid JSON format: it is nested too deeply"
        raise InvalidRequest(message) from error


def explain(text: str, *, chat: bool = True) -> InvalidRequest:
    """Msgspec's words for a wrong body; of a chat completion the seed's (1.1), if it has any."""
    match = _PATH.match(text)
    what, path = (match["what"], match["path"]) if match else (text, "")
    if match and (match["key"] or _ENTRY in path):
        path = path.partition(_ENTRY)[0]
        part = "key" if match["key"] else "value"
        return InvalidRequest(f"a {part} in {path}: {what}", param=path)
    missing = _MISSING.match(what)
    if missing:
        path = f"{path}.{missing['field']}".lstrip(".")
    if chat:
        found = _about_chat(path, what, missing=missing is not None)
        if found is not None:
            return found
    if missing:
        return InvalidRequest(f"{path} is required", param=path)
    unknown = _UNKNOWN.match(what)
    if unknown:
        path = f"{path}.{unknown['field']}".lstrip(".")
        return InvalidRequest(f"{path} is no field; leave it out, or spell it right", param=path)
    if not path:
        message = "Request body is required: a JSON object"
        return InvalidRequest(message)
    meaning = meaning_of(what)
    if meaning is not None:
        return InvalidRequest(f"{path}: write one that {meaning}", param=path)
    return InvalidRequest(f"{path}: {what}", param=path)


def _about_chat(path: str, what: str, *, missing: bool) -> InvalidRequest | None:
    """What the seed says of some fields of a chat completion."""
    if path == "model":
        message = "Model (agent ID) is required"
        return InvalidRequest(message, param="model", reason="missing_model")
    if path == "messages":
        return InvalidRequest(_about_messages(what), param="messages")
    if _ROLE.match(path):
        ending = "is required" if missing or "Expected" in what else f"must be one of: {ROLES}"
        return InvalidRequest(f"{path} {ending}", param=path)
    if _MESSAGE.match(path):
        return InvalidRequest(f"{path} must be an object", param=path)
    if path in CONTEXT_IDS and not missing and "length" not in what:
        return InvalidRequest(f"{path} must be a string", param=path)
    return None


def _about_messages(what: str) -> str:
    if "length >=" in what:
        return "messages array cannot be empty"
    if "length <=" in what:
        return f"messages: {what}"
    return "messages array is required"
