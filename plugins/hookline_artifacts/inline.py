"""Results that are handed on as they are: of searches in the web, and resources for UIs."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hookline import Attachment
from hookline_artifacts.failures import Unusable

NAMES: Mapping[str, str] = {"web_search": "web_search_results", "ui_resources": "ui_resources"}
"""What attachments of these kinds are called."""


def hand_on(kind: str, data: Any, limit: int) -> Attachment:
    """An attachment with the data as it came.

    Raises:
        Unusable: it is no JSON, or larger than ``limit`` bytes of it.
    """
    if kind == "ui_resources" and isinstance(data, Mapping) and "data" in data:
        data = data["data"]
    try:
        encoded = msgspec.json.encode(data)
    except (TypeError, ValueError, RecursionError) as error:
        message = "it is no JSON"
        raise Unusable(message) from error
    if len(encoded) > limit:
        message = f"it has {len(encoded):,} bytes, and {limit:,} are handed on at most"
        raise Unusable(message)
    return Attachment(kind=kind, name=NAMES[kind], data=msgspec.json.decode(encoded))
