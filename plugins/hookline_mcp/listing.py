"""Listings: the tools that a server has, as agents and models see them."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import attrs

from hookline import ToolSpec
from hookline.schemas import InvalidSchema, check_schema
from hookline_mcp.naming import public_names


@attrs.frozen(kw_only=True)
class Listed:
    """A tool as its server describes it."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    repeatable: bool


@attrs.frozen(kw_only=True)
class Listing:
    """The tools of a server.

    Args:
        specs: by public name, in the server's order.
        originals: the server's names, by public name.
        left_out: the server's names of tools that cannot be used, with the reasons.
        instructions: what the server wants models to know of them.
    """

    specs: Mapping[str, ToolSpec]
    originals: Mapping[str, str]
    left_out: Mapping[str, str]
    instructions: str = ""

    @classmethod
    def of(cls, server: str, tools: Sequence[Listed], limit: int) -> Self:
        """The listing of a server's tools, of which only so many are used."""
        left_out = {tool.name: f"more than {limit} tools (max_tools)" for tool in tools[limit:]}
        sound: dict[str, Listed] = {}
        for tool in tools[:limit]:
            try:
                check_schema(tool.parameters)
            except InvalidSchema as error:
                left_out[tool.name] = f"its schema is wrong: {error}"
                continue
            sound[tool.name] = tool
        originals = public_names(server, sound)
        public = {original: name for name, original in originals.items()}
        specs = {
            public[tool.name]: ToolSpec(
                public[tool.name],
                tool.description,
                tool.parameters,
                repeatable=tool.repeatable,
            )
            for tool in sound.values()
            if tool.name in public
        }
        return cls(specs=specs, originals=originals, left_out=left_out)
