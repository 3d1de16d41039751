"""Operations: what an OpenAPI document lets one ask, each one by one."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Literal

import attrs

Style = Literal[
    "simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject"
]


class Place(Enum):
    """Where in a request a parameter goes."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"


@attrs.frozen(kw_only=True)
class Parameter:
    """A parameter that is not in the body.

    Args:
        argument: its name among the arguments of the tool.
        name: its name in the request.
        media_type: how the value is written, for a parameter with ``content``; else empty.
    """

    argument: str
    name: str
    place: Place
    required: bool = False
    style: Style = "form"
    explode: bool = False
    allow_reserved: bool = False
    media_type: str = ""


class BodyForm(Enum):
    """How a body is written."""

    JSON = "json"
    URLENCODED = "urlencoded"
    MULTIPART = "multipart"
    TEXT = "text"


@attrs.frozen(kw_only=True)
class Encoding:
    """How one property of a form is written. Source: OpenAPI, Encoding Object."""

    style: Style | None = None
    explode: bool = True
    allow_reserved: bool = False
    media_type: str = ""
    file: bool = False


@attrs.frozen(kw_only=True)
class Body:
    """The body of a request.

    Args:
        properties: names in the body by the arguments that they are made of; ``None`` when one
            argument is all of it.
        argument: that one.
        encodings: of the properties of a form, by name.
    """

    media_type: str
    form: BodyForm
    required: bool = False
    properties: Mapping[str, str] | None = None
    argument: str = ""
    encodings: Mapping[str, Encoding] = attrs.field(factory=dict)


Requirement = Mapping[str, Sequence[str]]
"""Security schemes that are all needed, by name, with the scopes."""


@attrs.frozen(kw_only=True)
class Operation:
    """One operation of a document.

    Args:
        id: its ``operationId``, or empty.
        method: in capitals.
        path: the template, such as ``/pets/{petId}``.
        base: of the URL, without a slash at its end.
        origin: scheme, host and port of ``base``, in their one spelling.
        parameters: those that are not in the body.
        schema: of the arguments, all of them together.
        security: alternatives; none of them means that nothing is needed.
    """

    id: str
    method: str
    path: str
    base: str
    origin: str
    description: str = ""
    parameters: Sequence[Parameter] = ()
    body: Body | None = None
    schema: Mapping[str, Any] = attrs.field(factory=dict)
    security: Sequence[Requirement] = ()

    @property
    def label(self) -> str:
        """Method and path, for messages."""
        return f"{self.method} {self.path}"
