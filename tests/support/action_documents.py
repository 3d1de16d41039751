"""OpenAPI documents for the tests of actions: a pet store, and every style of parameter."""

from typing import Any

import msgspec

PETSTORE = """
openapi: 3.0.3
info:
  title: Pet store
  description: A store of pets, with the paths that everybody knows.
  version: 1.0.0
servers:
  - url: "ORIGIN/api/{version}"
    variables:
      version: {default: v3, enum: [v2, v3]}
paths:
  /pet:
    put:
      tags: [pet]
      summary: Update a pet
      operationId: updatePet
      requestBody: {$ref: "#/components/requestBodies/Pet"}
      responses: {"200": {description: The pet}, 404: {description: No such pet}}
      security: [{api_key: []}]
    post:
      summary: Add a pet
      operationId: addPet
      requestBody: {$ref: "#/components/requestBodies/Pet"}
      responses: {"200": {description: The pet}}
      security: [{api_key: []}]
  /pet/findByStatus:
    get:
      summary: Find pets by status
      operationId: findPetsByStatus
      parameters:
        - name: status
          in: query
          description: Statuses that are looked for
          explode: true
          schema: {type: array, items: {$ref: "#/components/schemas/Status"}}
      responses: {"200": {description: Pets}}
  /pet/{petId}:
    parameters:
      - $ref: "#/components/parameters/petId"
    get:
      summary: Find a pet
      operationId: getPetById
      responses: {"200": {description: The pet}}
      security: [{api_key: []}, {}]
    post:
      summary: Update a pet with a form
      operationId: updatePetWithForm
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              properties:
                name: {type: string}
                status: {$ref: "#/components/schemas/Status"}
      responses: {"200": {description: The pet}}
      security: [{api_key: []}]
    delete:
      summary: Delete a pet
      operationId: deletePet
      parameters:
        - {name: reason, in: header, schema: {type: string}}
      responses: {"204": {description: It is gone}}
      security: [{api_key: []}]
  /pet/{petId}/uploadImage:
    parameters:
      - $ref: "#/components/parameters/petId"
    post:
      operationId: uploadFile
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema:
              type: object
              required: [file]
              properties:
                additionalMetadata: {type: string}
                file: {type: string, format: binary}
      responses: {"200": {description: What was uploaded}}
      security: [{api_key: []}]
  /pet/{petId}/image:
    parameters:
      - $ref: "#/components/parameters/petId"
    get:
      operationId: getImage
      responses: {"200": {description: A picture, content: {image/png: {}}}}
  /store/inventory:
    get:
      summary: Count pets by status
      responses: {"200": {description: Counts}}
  /store/order:
    post:
      operationId: placeOrder
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: "#/components/schemas/Order"}}
      responses: {"200": {description: The order}}
components:
  securitySchemes:
    api_key: {type: apiKey, name: api_key, in: header}
  parameters:
    petId:
      name: petId
      in: path
      required: true
      description: The id of the pet
      schema: {type: integer, format: int64}
  requestBodies:
    Pet:
      required: true
      content:
        application/xml: {schema: {$ref: "#/components/schemas/Pet"}}
        application/json: {schema: {$ref: "#/components/schemas/Pet"}}
  schemas:
    Status: {type: string, enum: [available, pending, sold]}
    Category:
      type: object
      properties: {id: {type: integer}, name: {type: string}}
    Pet:
      type: object
      required: [id, name]
      properties:
        id: {type: integer, format: int64}
        name: {type: string, example: Rex}
        category: {$ref: "#/components/schemas/Category"}
        photoUrls: {type: array, items: {type: string}}
        parents: {type: array, items: {$ref: "#/components/schemas/Pet"}}
        status: {$ref: "#/components/schemas/Status"}
        added: {type: string, format: date-time, readOnly: true}
    Order:
      type: object
      required: [petId]
      properties:
        petId: {type: integer}
        quantity: {type: integer, minimum: 0, exclusiveMinimum: true}
        note: {type: string, nullable: true}
"""


def petstore(origin: str) -> str:
    """The document of a pet store at an origin."""
    return PETSTORE.replace("ORIGIN", origin)


LIST = {"type": "array", "items": {"type": "string"}}
OBJECT = {"type": "object", "additionalProperties": {"type": "string"}}


def document(*operations: tuple[str, str, Any], **fields: Any) -> dict[str, Any]:
    """A document of 3.1 with these operations: method, path and what is said of it."""
    paths: dict[str, Any] = {}
    for method, path, operation in operations:
        paths.setdefault(path, {})[method] = {"responses": {}, **operation}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tests", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": paths,
        **fields,
    }


def parameter(name: str, place: str, schema: Any = None, **fields: Any) -> dict[str, Any]:
    """A parameter."""
    found = {"name": name, "in": place, **fields}
    if "content" not in fields:
        found["schema"] = {"type": "string"} if schema is None else schema
    return {"required": True, **found} if place == "path" else found


def text_of(value: Any) -> str:
    """A document as JSON."""
    return msgspec.json.encode(value).decode()


STYLED = [
    ("path", "simple"), ("path", "label"), ("path", "matrix"),
    ("query", "form"), ("query", "spaceDelimited"), ("query", "pipeDelimited"),
    ("query", "deepObject"), ("header", "simple"), ("cookie", "form"),
]  # fmt: skip
"""Every place with every style that it has."""


def every_style(origin: str) -> dict[str, Any]:
    """A document with an operation for each place, style, explode and kind of value.

    ``q_form_yes_list`` sends the argument ``value`` as an exploded list in the query.
    """
    operations = []
    for place, style in STYLED:
        for explode in (True, False):
            for kind, schema in (("text", {"type": "string"}), ("list", LIST), ("object", OBJECT)):
                name = f"{place[0]}_{style}_{'yes' if explode else 'no'}_{kind}"
                path = f"/echo/{name}" + ("/{value}" if place == "path" else "")
                given = parameter("value", place, schema, style=style, explode=explode)
                operations.append(("get", path, {"operationId": name, "parameters": [given]}))
    return document(*operations, servers=[{"url": origin}])
