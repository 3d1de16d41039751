"""Parsing: an OpenAPI document as operations."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from hookline_actions.arguments import Wanted, named, schema_of
from hookline_actions.bodies import FoundBody, body_of
from hookline_actions.failures import DocumentInvalid
from hookline_actions.operations import Body, Operation, Requirement
from hookline_actions.parameters import parameters_of
from hookline_actions.references import References
from hookline_actions.schemes import ApiKeyScheme, Scheme, schemes_of
from hookline_actions.servers import base_of, checked, origin_of
from hookline_actions.settings import DocumentSettings
from hookline_actions.shapes import Shapes

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
"""All but ``trace``, whose answers repeat credentials."""

OPERATIONS = 2_000
"""Operations that a document may have."""

DESCRIPTION = 1_024
"""Characters of a description that models are shown."""


@attrs.frozen(kw_only=True)
class Parsed:
    """What a document lets one ask.

    Args:
        problems: operations that cannot be served, each with the reason.
    """

    title: str
    operations: Sequence[Operation]
    schemes: Mapping[str, Scheme]
    problems: Sequence[str]


def parse(document: Mapping[str, Any], settings: DocumentSettings, source: str = "") -> Parsed:
    """The operations of a document. One that cannot be served does not keep others from it.

    Args:
        document: as it was read.
        settings: what the operator says of it.
        source: the URL that it was read from, or empty.

    Raises:
        DocumentInvalid: it is no OpenAPI document of version 3.0 or 3.1.
    """
    version, paths = document.get("openapi"), document.get("paths")
    if not isinstance(version, str) or not version.startswith(("3.0", "3.1")):
        message = f"an OpenAPI document of version 3.0 or 3.1 is expected, not {version!r}"
        raise DocumentInvalid(message)
    if not isinstance(paths, dict):
        message = "the document has no paths"
        raise DocumentInvalid(message)
    reader = _Reader(document, settings, source)
    operations: list[Operation] = []
    problems: list[str] = []
    for path, method, item, value in reader.entries(paths):
        label = f"{method.upper()} {path}"
        if settings.operations and not {label, value.get("operationId")} & {*settings.operations}:
            continue
        if len(operations) + len(problems) >= OPERATIONS:
            message = f"the document has more than {OPERATIONS:,} operations; name some"
            raise DocumentInvalid(message)
        try:
            operations.append(reader.operation(path, method, item, value))
        except DocumentInvalid as error:
            problems.append(f"{label}: {error}")
    info = document.get("info")
    title = info.get("title") if isinstance(info, dict) else None
    return Parsed(
        title=title if isinstance(title, str) else "",
        operations=operations,
        schemes=reader.schemes,
        problems=[*problems, *_missing(settings.operations, operations, problems)],
    )


class _Reader:
    """Reads the operations of one document."""

    def __init__(self, document: Mapping[str, Any], settings: DocumentSettings, source: str):
        self.references = References(document)
        self.schemes = schemes_of(document, self.references)
        self._keys = {  # which only the operator sets
            (scheme.place, scheme.name)
            for scheme in self.schemes.values()
            if isinstance(scheme, ApiKeyScheme)
        }
        self._document = document
        self._settings = settings
        self._source = source

    def entries(
        self, paths: Mapping[str, Any]
    ) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
        """Path, method, path item and operation of each one."""
        for path, value in paths.items():
            if not path.startswith("/"):
                continue
            item = self.references.resolve(value)
            for method in METHODS:
                if isinstance(item.get(method), dict):
                    yield path, method, item, item[method]

    def operation(
        self, path: str, method: str, item: Mapping[str, Any], value: Mapping[str, Any]
    ) -> Operation:
        """One operation.

        Raises:
            DocumentInvalid: it cannot be served.
        """
        if "#" in path:
            message = "a path has no fragment"
            raise DocumentInvalid(message)
        shapes = Shapes(self.references)
        declared = [*_list(item.get("parameters")), *_list(value.get("parameters"))]
        found = [
            one
            for one in parameters_of(path, declared, self.references, shapes)
            if (one.parameter.place, one.parameter.name) not in self._keys
        ]
        body = None
        if method not in {"get", "head"}:
            body = body_of(value.get("requestBody"), self.references, shapes)
        wanted: list[Wanted] = [one.wanted for one in found] + (body.wanted if body else [])
        names = named(wanted)
        base = self._base(item, value)
        return Operation(
            id=value["operationId"] if isinstance(value.get("operationId"), str) else "",
            method=method.upper(),
            path=path,
            base=base,
            origin=origin_of(base),
            description=_description(value),
            parameters=[
                attrs.evolve(one.parameter, argument=name)
                for one, name in zip(found, names, strict=False)
            ],
            body=None if body is None else _with_names(body, names[len(found) :]),
            schema=schema_of(wanted, names, shapes.definitions),
            security=_security(value.get("security", self._document.get("security"))),
        )

    def _base(self, item: Mapping[str, Any], value: Mapping[str, Any]) -> str:
        if self._settings.base_url:
            return checked(self._settings.base_url)
        servers = value.get("servers") or item.get("servers") or self._document.get("servers")
        return base_of(servers, self._source, self._settings.server_variables)


def _with_names(found: FoundBody, names: Sequence[str]) -> Body:
    if found.whole:
        return attrs.evolve(found.body, argument=names[0])
    properties = {name: one.name for name, one in zip(names, found.wanted, strict=True)}
    return attrs.evolve(found.body, properties=properties)


def _security(value: Any) -> list[Requirement]:
    """The alternatives, each with all that it needs."""
    return [
        {name: [s for s in _list(scopes) if isinstance(s, str)] for name, scopes in one.items()}
        for one in _list(value)
        if isinstance(one, dict)
    ]


def _description(value: Mapping[str, Any]) -> str:
    said = [value.get("summary"), value.get("description")]
    texts = list(dict.fromkeys(text.strip() for text in said if isinstance(text, str)))
    if value.get("deprecated") is True:
        texts.insert(0, "Deprecated.")
    text = "\n".join(filter(None, texts))
    return text if len(text) <= DESCRIPTION else f"{text[: DESCRIPTION - 1]}…"


def _missing(
    wanted: Sequence[str], operations: Sequence[Operation], problems: Sequence[str]
) -> Iterator[str]:
    """Those that the settings name and the document does not have."""
    there = {name for one in operations for name in (one.id, one.label)}
    for name in wanted:
        if name not in there and not problems:
            yield f"{name}: the document has no such operation"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
