"""Bodies of requests, as a document describes them.

The properties of a body that is a plain object become arguments of their own; any other body is one
argument.
"""

from collections.abc import Mapping
from typing import Any, get_args

import attrs

from hookline_actions.arguments import Wanted
from hookline_actions.operations import Body, BodyForm, Encoding, Style
from hookline_actions.references import References
from hookline_actions.shapes import Shapes

BODY = "body"
_ORDER = (BodyForm.JSON, BodyForm.URLENCODED, BodyForm.MULTIPART, BodyForm.TEXT)
_PLAIN = frozenset(
    {"type", "properties", "required", "additionalProperties", "title", "description", "default",
     "examples"}
)  # fmt: skip
"""What a schema may say whose properties become arguments of their own."""


@attrs.frozen
class FoundBody:
    """A body, whose arguments have no names yet, and the values it is made of.

    ``whole`` says that there is one value, which is all of it.
    """

    body: Body
    wanted: list[Wanted]
    whole: bool


def body_of(value: Any, references: References, shapes: Shapes) -> FoundBody | None:
    """The body of an operation, in the form that is easiest to write.

    Raises:
        DocumentInvalid: it cannot be read.
    """
    if value is None:
        return None
    request = references.resolve(value)
    content = request.get("content")
    if not isinstance(content, dict) or not content:
        return None
    media_type = min(content, key=lambda name: _ORDER.index(_form(name)))
    medium = references.resolve(content[media_type])
    form, required = _form(media_type), request.get("required") is True
    schema = shapes.convert(medium.get("schema", {}))
    body = Body(
        media_type="application/json" if media_type == "*/*" else media_type,
        form=form,
        required=required,
        encodings=_encodings(medium, shapes.settled(schema), shapes),
    )
    said = request.get("description")
    description = said.strip() if isinstance(said, str) else ""
    settled = shapes.settled(schema)
    if form is not BodyForm.TEXT and _mergeable(settled, required=required):
        return FoundBody(body, _properties(settled), whole=False)
    if form is BodyForm.TEXT and not settled:
        schema = {"type": "string"}
    wanted = Wanted(
        place=BODY, name=BODY, schema=schema, required=required, description=description
    )
    return FoundBody(body, [wanted], whole=True)


def _form(media_type: str) -> BodyForm:
    bare = media_type.partition(";")[0].strip().lower()
    if bare in {"application/json", "*/*", "application/*"} or bare.endswith("+json"):
        return BodyForm.JSON
    if bare == "application/x-www-form-urlencoded":
        return BodyForm.URLENCODED
    if bare == "multipart/form-data":
        return BodyForm.MULTIPART
    return BodyForm.TEXT


def _mergeable(schema: Mapping[str, Any], *, required: bool) -> bool:
    """Whether its properties can be arguments without loss.

    A body that may be missing, but whose properties must be there if it is not, cannot.
    """
    return (
        bool(schema.get("properties"))
        and schema.get("type", "object") == "object"
        and schema.keys() <= _PLAIN
        and schema.get("additionalProperties", False) is False
        and (required or not schema.get("required"))
        and set(schema.get("required", ())) <= schema["properties"].keys()
    )


def _properties(schema: Mapping[str, Any]) -> list[Wanted]:
    required = schema.get("required", ())
    return [
        Wanted(place=BODY, name=name, schema=inner, required=name in required)
        for name, inner in schema["properties"].items()
    ]


def _encodings(
    medium: Mapping[str, Any], schema: Mapping[str, Any], shapes: Shapes
) -> dict[str, Encoding]:
    declared = medium.get("encoding")
    declared = declared if isinstance(declared, dict) else {}
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    return {
        name: _encoding(declared.get(name), shapes.settled(inner))
        for name, inner in properties.items()
    }


def _encoding(value: Any, schema: Mapping[str, Any]) -> Encoding:
    value = value if isinstance(value, dict) else {}
    style, explode, media_type = value.get("style"), value.get("explode"), value.get("contentType")
    style = style if style in get_args(Style) else None
    file = schema.get("format") == "binary" or "contentMediaType" in schema
    return Encoding(
        style=style,
        explode=explode if isinstance(explode, bool) else style in {None, "form"},
        allow_reserved=value.get("allowReserved") is True,
        media_type=media_type.partition(",")[0].strip() if isinstance(media_type, str) else "",
        file=file,
    )
