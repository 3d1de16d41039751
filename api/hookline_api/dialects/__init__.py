"""Dialects: what a run looks like on the wire. Each is a contract held by snapshots."""

from collections.abc import Mapping

from hookline_api.dialects.dialect import Answer, Dialect, Encoder
from hookline_api.dialects.librechat import LIBRECHAT
from hookline_api.dialects.openai import OPENAI

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (OPENAI, LIBRECHAT)}

__all__ = ["DIALECTS", "Answer", "Dialect", "Encoder"]
