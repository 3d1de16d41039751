"""What a plugin's part may know of the run that it works for."""

from collections.abc import Mapping

import attrs

from hookline.permissions import Principal


@attrs.frozen(kw_only=True)
class RunScope:
    """The run that a call belongs to. Cancelling the run cancels the call.

    ``deadline`` is a moment on the event loop's clock (``loop.time()``), in seconds.
    """

    run: str
    agent: str
    principal: Principal
    deadline: float
    conversation: str | None = None
    parent_message: str | None = None
    metadata: Mapping[str, str] = attrs.field(factory=dict)
