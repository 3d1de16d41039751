"""What ``GET /v1/models`` answers. Shape: OpenAI's ``Model``, with the seed's additions (4)."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType


class Model(Struct, frozen=True, kw_only=True):
    """An agent, as a model. ``created`` is in seconds since 1970.

    The fields from ``permission`` on belong to the ``librechat`` dialect alone.
    """

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    permission: list[str] | UnsetType = UNSET
    root: str | UnsetType = UNSET
    parent: None | UnsetType = UNSET
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    provider: str | UnsetType = UNSET


class ModelList(Struct, frozen=True, kw_only=True):
    """All agents that the caller may call."""

    object: Literal["list"] = "list"
    data: list[Model]
