"""Documents become operations, whose arguments have one schema."""

from typing import Any

import pytest

from hookline.schemas import check_schema
from hookline_actions.failures import DocumentInvalid
from hookline_actions.operations import BodyForm
from hookline_actions.parsing import Parsed, parse
from hookline_actions.reading import read
from hookline_actions.settings import DocumentSettings
from support.action_documents import document, every_style, parameter, petstore


def parsed(*operations: tuple[str, str, Any], **fields: Any) -> Parsed:
    """The operations of a document."""
    return parse(document(*operations, **fields), DocumentSettings())


def posting(schema: Any, *, required: bool = True, media_type: str = "application/json") -> Any:
    """An operation with a body."""
    content = {media_type: {"schema": schema}}
    return {"requestBody": {"required": required, "content": content}}


def test_schemas_are_sound():
    """Every schema of the pet store and of all styles is one that models can be given."""
    stores = read(petstore("https://pets.example.com"), limit=10**6)
    styles = every_style("https://example.com")

    for source in (stores, styles):
        for operation in parse(source, DocumentSettings()).operations:
            check_schema(operation.schema)


def test_arguments_of_the_pet_store():
    """Parameters and the body's properties are arguments; what only answers have is not."""
    found = parse(read(petstore("https://p.example.com"), limit=10**6), DocumentSettings())
    schemas = {operation.id: operation.schema for operation in found.operations}

    assert [] == found.problems
    assert ["id", "name", "category", "photoUrls", "parents", "status"] == list(
        schemas["addPet"]["properties"]
    )
    assert ["id", "name"] == schemas["addPet"]["required"]
    assert {
        "type": "object",
        "properties": {
            "petId": {"type": "integer", "format": "int64", "description": "The id of the pet"}
        },
        "additionalProperties": False,
        "required": ["petId"],
    } == schemas["getPetById"]
    assert {"type": "integer", "exclusiveMinimum": 0} == schemas["placeOrder"]["properties"][
        "quantity"
    ]
    assert "https://p.example.com/api/v3" == found.operations[0].base


def test_parameters_of_an_operation_stand_for_those_of_its_path():
    """Of two parameters with one name and place the operation's is meant."""
    made = document(("get", "/x", {"parameters": [parameter("a", "query", {"type": "integer"})]}))
    made["paths"]["/x"]["parameters"] = [parameter("a", "query"), parameter("b", "query")]

    schema = parse(made, DocumentSettings()).operations[0].schema

    assert {"a": {"type": "integer"}, "b": {"type": "string"}} == schema["properties"]


def test_headers_that_no_model_sets():
    """Credentials, and headers that HTTP needs, are no arguments."""
    names = [
        "Authorization",
        "content-type",
        "Accept",
        "Host",
        "Idempotency-Key",
        "X-Key",
        "X-Mine",
    ]
    scheme = {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}

    found = parsed(
        ("get", "/x", {"parameters": [parameter(name, "header") for name in names]}),
        components={"securitySchemes": scheme},
    )

    assert ["X-Mine"] == list(found.operations[0].schema["properties"])


def test_variable_of_a_path_that_nobody_declares():
    """It is a text, and needed; a declared one that the path has not is left out."""
    found = parsed(("get", "/x/{a}", {"parameters": [parameter("b", "path")]}))

    assert ["a"] == found.operations[0].schema["required"]
    assert ["a"] == list(found.operations[0].schema["properties"])


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        (posting({"properties": {"a": {}}, "required": ["a"]}), ["a"]),
        (posting({"properties": {"a": {}}, "required": ["a"]}, required=False), ["body"]),
        (posting({"properties": {"a": {}}}, required=False), ["a"]),
        (posting({"properties": {"a": {}}, "additionalProperties": True}), ["body"]),
        (posting({"allOf": [{"properties": {"a": {}}}]}), ["body"]),
        (posting({"type": "array"}), ["body"]),
        (posting({"type": "string"}, media_type="text/plain"), ["body"]),
        ({}, []),
    ],
)
def test_body(body: Any, arguments: list[str]):
    """The properties of a plain object are arguments; any other body is one."""
    found = parsed(("post", "/x", body))

    assert arguments == list(found.operations[0].schema["properties"])


def test_easiest_form_of_a_body():
    """Of several media types JSON is taken first, then forms, then text."""
    types = ["text/csv", "multipart/form-data", "application/x-www-form-urlencoded", "a/b+json"]
    forms = []
    while types:
        content = {name: {"schema": {"type": "object"}} for name in types}
        found = parsed(("post", "/x", {"requestBody": {"content": content}}))
        body = found.operations[0].body
        assert body is not None
        forms.append(body.form)
        types.pop()

    assert [BodyForm.JSON, BodyForm.URLENCODED, BodyForm.MULTIPART, BodyForm.TEXT] == forms


def test_names_that_models_cannot_write():
    """Names are made of letters that providers take, and told apart."""
    names = ["filter[a]", "filter(a)", "ü", "x" * 100, "$top"]

    found = parsed(("get", "/x", {"parameters": [parameter(name, "query") for name in names]}))

    assert ["query_filter_a", "query_filter_a_2", "value", "x" * 64, "top"] == list(
        found.operations[0].schema["properties"]
    )
    assert names == [one.name for one in found.operations[0].parameters]


def test_one_bad_operation_does_not_keep_others():
    """An operation that cannot be served is a problem with its reason."""
    found = parsed(
        ("get", "/good", {}),
        ("get", "/bad", {"parameters": [{"$ref": "other.yaml#/x"}]}),
        ("get", "/odd", {"parameters": [parameter("a", "path", style="form")]}),
        ("get", "/typed", {"parameters": [parameter("a", "query", {"type": "objekt"})]}),
        ("get", "/f#x", {}),
    )

    assert ["/good"] == [operation.path for operation in found.operations]
    assert ["GET /bad", "GET /odd", "GET /typed", "GET /f#x"] == [
        problem.partition(":")[0] for problem in found.problems
    ]


@pytest.mark.parametrize(
    ("servers", "settings", "source", "base"),
    [
        ([{"url": "https://a.com/v1/"}], {}, "", "https://a.com/v1"),
        ([{"url": "/v1"}], {}, "https://b.com/docs/openapi.json", "https://b.com/v1"),
        (None, {}, "https://b.com/docs/openapi.json", "https://b.com"),
        ([{"url": "/v1"}], {"base_url": "https://c.com/x"}, "", "https://c.com/x"),
        (
            [{"url": "https://{r}.a.com", "variables": {"r": {"default": "eu"}}}],
            {"server_variables": {"r": "us"}},
            "",
            "https://us.a.com",
        ),
    ],
)
def test_server(servers: Any, settings: Any, source: str, base: str):
    """The first server counts, with its variables, relative to where the document is from."""
    made = document(("get", "/x", {}), servers=servers)

    found = parse(made, DocumentSettings(**settings), source)

    assert [base] == [operation.base for operation in found.operations]


@pytest.mark.parametrize(
    "server",
    [
        {"url": "/v1"},
        {"url": "ftp://a.com"},
        {"url": "https://{r}.a.com"},
        {"url": "https://{r}.a.com", "variables": {"r": {"default": "x", "enum": ["y"]}}},
        {"url": "https://a.com?x=1"},
        {"url": "https://user:pw@a.com"},
        {},
    ],
)
def test_server_that_nobody_knows(server: Any):
    """A server without a full URL is a problem of the operation."""
    assert [] == parsed(("get", "/x", {}), servers=[server]).operations


def test_server_of_an_operation():
    """Servers of an operation come before those of its path, and those before the document's."""
    made = document(
        ("get", "/x", {"servers": [{"url": "https://one.com"}]}),
        ("put", "/x", {}),
        ("get", "/y", {}),
    )
    made["paths"]["/x"]["servers"] = [{"url": "https://two.com"}]

    bases = [operation.base for operation in parse(made, DocumentSettings()).operations]

    assert ["https://one.com", "https://two.com", "https://api.example.com"] == bases


@pytest.mark.parametrize(
    "made", [{}, {"swagger": "2.0", "paths": {}}, {"openapi": "3.0.0"}, {"openapi": 3.1}]
)
def test_what_is_no_openapi(made: Any):
    """Another version, or no paths, is refused."""
    with pytest.raises(DocumentInvalid):
        parse(made, DocumentSettings())
