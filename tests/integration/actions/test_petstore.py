"""A pet store on a real socket, used by its document."""

from typing import Any

import msgspec
import pytest

from support.action_documents import petstore
from support.action_servers import HEADER_KEY, PNG, PetStore, serving
from support.actions import agent, call, names, opened, run, scope

KEY = {"api_key": {"type": "api_key", "value": HEADER_KEY}}


def with_store(work: Any, **settings: Any) -> Any:
    """What comes of ``work(loader, store)`` with a pet store."""

    async def body() -> Any:
        store = PetStore()
        async with serving(store.app()) as origin:
            document = {"document": petstore(origin), "security": KEY, **settings}
            async with opened({"pets": document}) as loader:
                return await work(loader, store)

    return run(body)


def test_every_operation_becomes_a_tool():
    """Operations are named by their id, or by method and path, and by their domain."""

    async def work(loader: Any, store: PetStore) -> list[str]:
        return sorted(await names(loader, "pets"))

    assert [
        "addPet",
        "deletePet",
        "findPetsByStatus",
        "getImage",
        "getPetById",
        "get_store_inventory",
        "placeOrder",
        "updatePet",
        "updatePetWithForm",
        "uploadFile",
    ] == with_store(work)


def test_agent_may_name_one_tool():
    """An agent that names one tool gets that one, and only those that read are repeatable."""

    async def work(loader: Any, store: PetStore) -> list[tuple[str, bool]]:
        found = await names(loader, "pets")
        wanted = agent(found["getPetById"], found["addPet"], "calculator")
        specs = await loader.definitions(wanted, scope().principal)
        return [(spec.name.partition("_action_")[0], spec.repeatable) for spec in specs]

    assert [("getPetById", True), ("addPet", False)] == with_store(work)


def test_pet_is_read():
    """A JSON answer is given in compact form."""

    async def work(loader: Any, store: PetStore) -> Any:
        return await call(loader, "pets", "getPetById", petId=1)

    result = with_store(work)
    assert '{"id":1,"name":"Rex","status":"available"}' == result.text
    assert not result.failed


def test_missing_pet_is_a_failure_with_its_status():
    """An error of the server is text for the model, with the status, and marked as failed."""

    async def work(loader: Any, store: PetStore) -> Any:
        return await call(loader, "pets", "getPetById", petId=2)

    result = with_store(work)
    assert 'HTTP 404 Not Found\n{"message":"Pet not found"}' == result.text
    assert result.failed


def test_pet_is_added_once():
    """A body's properties are arguments; the effect of the call is the idempotency key."""

    async def work(loader: Any, store: PetStore) -> Any:
        result = await call(
            loader, "pets", "addPet", id=2, name="Mia", parents=[{"id": 1, "name": "Rex"}]
        )
        return result.failed, store.pets[2], store.keys

    added = {"id": 2, "name": "Mia", "parents": [{"id": 1, "name": "Rex"}]}
    assert (False, added, ["effect_1"]) == with_store(work)


def test_form_query_header_and_empty_answer():
    """Forms, exploded queries and headers arrive; an empty answer is its status."""

    async def work(loader: Any, store: PetStore) -> list[str]:
        form = await call(
            loader, "pets", "updatePetWithForm", petId=1, name="R & B=é", status="sold"
        )
        found = await call(loader, "pets", "findPetsByStatus", status=["sold", "pending"])
        counts = await call(loader, "pets", "get_store_inventory")
        gone = await call(loader, "pets", "deletePet", petId=1, reason="moved")
        assert "moved" == store.seen[-1].headers["reason"]
        return [form.text, found.text, counts.text, gone.text]

    pet = '{"id":1,"name":"R & B=é","status":"sold"}'
    assert [pet, f"[{pet}]", '{"sold":1}', "HTTP 204 No Content"] == [
        text.partition("\n")[0] for text in with_store(work)
    ]


def test_multipart_and_order():
    """Text fields and a file go into a multipart body; null is allowed where the document says."""

    async def work(loader: Any, store: PetStore) -> list[Any]:
        sent = await call(
            loader, "pets", "uploadFile", petId=1, file="æøå", additionalMetadata='a"b'
        )
        order = await call(loader, "pets", "placeOrder", petId=1, quantity=2, note=None)
        return [msgspec.json.decode(sent.text), msgspec.json.decode(order.text)]

    assert [
        {"size": 6, "metadata": 'a"b'},
        {"id": 7, "petId": 1, "quantity": 2, "note": None},
    ] == with_store(work)


def test_picture_is_an_artifact():
    """An answer that is no text is a file, and the model is told so."""

    async def work(loader: Any, store: PetStore) -> Any:
        return await call(loader, "pets", "getImage", petId=1)

    result = with_store(work)
    assert "HTTP 200 OK: the answer is the file image.png (image/png, 264 bytes)" == result.text
    assert [("files", {"files": [{"name": "image.png", "content": PNG}]})] == [
        (artifact.kind, artifact.data) for artifact in result.artifacts
    ]


def test_credential_is_not_repeated():
    """What a server repeats of a credential is hidden from the model."""

    async def work(loader: Any, store: PetStore) -> Any:
        return await call(loader, "pets", "deletePet", petId=1)

    wrong = {"api_key": {"type": "api_key", "value": "wrong-key-99"}}
    result = with_store(work, security=wrong)
    assert "HTTP 403 Forbidden\nwrong key: [secret]" == result.text


def test_operations_without_credentials_are_left_out():
    """What needs a credential that nobody gave is not offered."""

    async def work(loader: Any, store: PetStore) -> list[str]:
        return sorted(await names(loader, "pets"))

    assert [
        "findPetsByStatus",
        "getImage",
        "getPetById",
        "get_store_inventory",
        "placeOrder",
    ] == with_store(work, security={})


def test_only_named_operations_are_offered():
    """``operations`` names those that are offered, by id or by method and path."""

    async def work(loader: Any, store: PetStore) -> list[str]:
        return sorted(await names(loader, "pets"))

    wanted = ["getPetById", "GET /store/inventory"]
    assert ["getPetById", "get_store_inventory"] == with_store(work, operations=wanted)


@pytest.mark.parametrize("argument", ["..", "1/../../secret", "%2e%2e", "..;x", "a\\..\\b", ""])
def test_path_cannot_be_left(argument: str):
    """A value that would lead to another path is not sent."""

    async def work(loader: Any, store: PetStore) -> Any:
        return await call(loader, "pets", "getPetById", petId=argument)

    result = with_store(work)
    assert result.failed
    assert result.text.startswith("The request was not sent: {petId}:")
