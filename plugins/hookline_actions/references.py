"""References: ``$ref`` within one document. What lies elsewhere is never fetched."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from hookline_actions.failures import DocumentInvalid

CHAIN = 20
"""References that may lead to one another."""


class References:
    """What the references of a document stand for."""

    def __init__(self, document: Mapping[str, Any]):
        self._document = document

    def at(self, reference: str) -> Any:
        """What a reference leads to, which may be another reference.

        Raises:
            DocumentInvalid: it leads out of the document, or nowhere.
        """
        if not reference.startswith("#/"):
            message = f"$ref {reference!r}: only references within the document are followed"
            raise DocumentInvalid(message)
        value: Any = self._document
        for step in reference[2:].split("/"):
            value = _inner(value, unquote(step).replace("~1", "/").replace("~0", "~"))
            if value is None:
                message = f"$ref {reference!r} leads nowhere"
                raise DocumentInvalid(message)
        return value

    def resolve(self, value: Any) -> dict[str, Any]:
        """An object itself, or the one that its ``$ref`` leads to.

        Raises:
            DocumentInvalid: it is no object, or the reference cannot be followed.
        """
        for _ in range(CHAIN):
            if not isinstance(value, dict):
                message = f"an object is expected, not {type(value).__name__}"
                raise DocumentInvalid(message)
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            value = self.at(reference)
        message = f"more than {CHAIN} references lead to one another"
        raise DocumentInvalid(message)


def _inner(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None
