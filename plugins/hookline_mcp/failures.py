"""What can go wrong between an agent and an MCP server.

::

    HooklineError
    └── McpError
        ├── NotConnected        the server could not be reached
        ├── CredentialsMissing  the server needs what its user has not given yet
        ├── ServerUnknown       there is no server of that name
        ├── ConnectionsTaken    too many users are connected to the server at once
        └── CallFailed          a call was made, and there is no result

Messages hold no secret: what is known to be one is cut out before they are made.
"""

from hookline.errors import HooklineError


class McpError(HooklineError):
    """Something about an MCP server is not as it should be."""

    code = "mcp_failed"


class NotConnected(McpError):
    """The server could not be reached, or does not speak the protocol.

    Args:
        message: for those who call agents.
        words: what the server's process said last, for operators alone.
    """

    code = "mcp_not_connected"

    def __init__(self, message: str, words: str = ""):
        super().__init__(message)
        self.words = words


class CredentialsMissing(McpError):
    """The server needs variables of the user that the user has not given yet."""

    code = "mcp_credentials_missing"


class ServerUnknown(McpError):
    """There is no server of that name, neither in the config nor in the store."""

    code = "mcp_server_unknown"


class ConnectionsTaken(McpError):
    """As many users as the server may serve at once are calling it now."""

    code = "mcp_connections_taken"


class CallFailed(McpError):
    """A call was made, and there is no result; whether it had its effect may not be known."""

    code = "mcp_call_failed"
