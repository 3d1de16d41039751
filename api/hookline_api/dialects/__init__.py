"""Dialects: what a run looks like on the wire. Each is a contract held by snapshots."""

from collections.abc import Mapping

from hookline.errors import InvalidRequest
from hookline_api.dialects.dialect import Answer, Dialect, Encoder
from hookline_api.dialects.librechat import LIBRECHAT
from hookline_api.dialects.openai import OPENAI

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (OPENAI, LIBRECHAT)}

HEADER = "hookline-dialect"
"""Chooses the dialect of one request."""


def named(name: str) -> Dialect:
    """The dialect with this name.

    Raises:
        InvalidRequest: there is none.
    """
    dialect = DIALECTS.get(name)
    if dialect is None:
        message = f"{HEADER} must be one of: {', '.join(DIALECTS)}"
        raise InvalidRequest(message, param=HEADER)
    return dialect


__all__ = ["DIALECTS", "HEADER", "Answer", "Dialect", "Encoder", "named"]
