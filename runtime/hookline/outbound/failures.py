"""What can go wrong with a request to somebody else's server.

::

    RunError
    └── OutboundError
        ├── TargetRefused    the policy does not allow the target; nothing was sent to it
        ├── FetchFailed      it could not be reached, or its answer could not be read
        └── FetchTimeout     it did not answer in time

Messages name a scheme, a host and a port, never a path, a query or a header: those hold secrets.
"""

from hookline.errors import RunError


class OutboundError(RunError):
    """A request to another server did not succeed."""

    code = "outbound_failed"


class TargetRefused(OutboundError):
    """The policy does not allow the target. Nothing was sent to it."""

    code = "target_refused"


class FetchFailed(OutboundError):
    """The server could not be reached, or its answer could not be read."""

    code = "fetch_failed"


class FetchTimeout(OutboundError):
    """The server did not connect, begin or finish in time."""

    code = "fetch_timeout"
