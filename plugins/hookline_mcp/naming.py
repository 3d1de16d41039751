"""Names: what the tools of MCP servers are called in agents and by models. Source: seed 9.1."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping

DELIMITER = "_mcp_"
ALL = "sys__all__sys"
"""What stands in the place of a tool's name for all tools of a server."""

SERVER_NAME = r"^(?!mcp_)(?!.*_mcp_)[A-Za-z0-9][A-Za-z0-9_-]{0,31}(?!\n)$"
"""Names of servers: what follows the last delimiter is the server's name, whatever the tool's."""

LONGEST = 64
"""Characters of a name that models may call. Source: OpenAI's ``function.name``."""

HASHED = 6
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")


def auth_key(server: str) -> str:
    """Under which name a user's variables of a server are kept."""
    return f"mcp_{server}"


def all_of(server: str) -> str:
    """The entry of ``agent.tools`` that stands for all tools of a server."""
    return f"{ALL}{DELIMITER}{server}"


def server_in(entry: str) -> str | None:
    """The server that an entry of ``agent.tools`` is about; ``None`` if about none."""
    tool, delimiter, server = entry.rpartition(DELIMITER)
    return server if tool and delimiter and server else None


def public_names(server: str, tools: Iterable[str]) -> Mapping[str, str]:
    """The names of a server's tools by the names that models call them by.

    A name that is too long or has other characters than models may use is changed. If another
    tool has the name that comes of it, it gets some of its hash behind it; which name a tool gets
    does not depend on the order of the tools.
    """
    originals = sorted(set(tools))
    room = LONGEST - len(DELIMITER) - len(server)
    plain = {name: _UNFIT.sub("_", name)[:room] or "_" for name in originals}
    taken = Counter(plain.values())
    names: dict[str, str] = {}
    for name in originals:
        fit = plain[name]
        if name != fit and (taken[fit] > 1 or len(name) > room):
            digest = hashlib.sha256(name.encode()).hexdigest()[:HASHED]
            fit = f"{fit[: room - HASHED - 1]}_{digest}"
        names.setdefault(f"{fit}{DELIMITER}{server}", name)
    return names
