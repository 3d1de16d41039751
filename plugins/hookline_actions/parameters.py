"""Parameters of an operation that are not in its body, as a document describes them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import attrs

from hookline_actions.arguments import Wanted
from hookline_actions.failures import DocumentInvalid
from hookline_actions.operations import Parameter, Place, Style
from hookline_actions.references import References
from hookline_actions.shapes import Shapes

TEMPLATE = re.compile(r"\{([^{}/]+)\}")
"""A variable of a path or of a server's URL."""

NOT_OURS = frozenset(
    {
        "accept", "authorization", "connection", "content-length", "content-type", "cookie",
        "expect", "host", "idempotency-key", "keep-alive", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""Headers that a model does not set. Source: OpenAPI, Parameter Object, and what HTTP needs."""

_DEFAULTS: Mapping[Place, Style] = {
    Place.PATH: "simple",
    Place.QUERY: "form",
    Place.HEADER: "simple",
    Place.COOKIE: "form",
}
_STYLES: Mapping[Place, frozenset[str]] = {
    Place.PATH: frozenset({"simple", "label", "matrix"}),
    Place.QUERY: frozenset({"form", "spaceDelimited", "pipeDelimited", "deepObject"}),
    Place.HEADER: frozenset({"simple"}),
    Place.COOKIE: frozenset({"form"}),
}


@attrs.frozen
class Found:
    """A parameter, whose argument has no name yet, and the value it is made of."""

    parameter: Parameter
    wanted: Wanted


def parameters_of(
    path: str, declared: Sequence[Any], references: References, shapes: Shapes
) -> list[Found]:
    """The parameters of an operation; a later one stands for an earlier one of its name and place.

    A variable of the path that nobody declares is a text.

    Raises:
        DocumentInvalid: one of them cannot be served.
    """
    found: dict[tuple[Place, str], Found] = {}
    for value in declared:
        one = _parameter(references.resolve(value), shapes)
        if one is not None:
            found[one.parameter.place, one.parameter.name] = one
    names = TEMPLATE.findall(path)
    for name in names:
        if (Place.PATH, name) not in found:
            found[Place.PATH, name] = _parameter_of_path(name)
    return [one for (place, name), one in found.items() if place is not Place.PATH or name in names]


def _parameter_of_path(name: str) -> Found:
    wanted = Wanted(place="path", name=name, schema={"type": "string"}, required=True)
    return Found(
        Parameter(argument="", name=name, place=Place.PATH, required=True, style="simple"), wanted
    )


def _parameter(value: Mapping[str, Any], shapes: Shapes) -> Found | None:
    name, where = value.get("name"), value.get("in")
    if not isinstance(name, str) or where not in {place.value for place in Place}:
        message = f"a parameter needs a name and a place, not {name!r} in {where!r}"
        raise DocumentInvalid(message)
    place = Place(where)
    if place is Place.HEADER and name.lower() in NOT_OURS:
        return None
    style = value.get("style", _DEFAULTS[place])
    if style not in _STYLES[place] or style not in get_args(Style):
        message = f"parameter {name}: a parameter in {where} has no style {style!r}"
        raise DocumentInvalid(message)
    media_type, schema = _content(value.get("content"))
    required = place is Place.PATH or value.get("required") is True
    explode = value.get("explode")
    return Found(
        Parameter(
            argument="",
            name=name,
            place=place,
            required=required,
            style=style,
            explode=explode if isinstance(explode, bool) else style == "form",
            allow_reserved=value.get("allowReserved") is True,
            media_type=media_type,
        ),
        Wanted(
            place=place.value,
            name=name,
            schema=shapes.convert(value.get("schema", {}) if schema is None else schema),
            required=required,
            description=" ".join(_words(value)),
        ),
    )


def _content(content: Any) -> tuple[str, Any]:
    """The media type and the schema of a parameter with ``content``."""
    if not isinstance(content, dict) or not content:
        return "", None
    media_type, value = next(iter(content.items()))
    return media_type, value.get("schema", {}) if isinstance(value, dict) else {}


def _words(value: Mapping[str, Any]) -> Iterator[str]:
    if value.get("deprecated") is True:
        yield "Deprecated."
    if isinstance(value.get("description"), str):
        yield value["description"].strip()
