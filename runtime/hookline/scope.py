"""What a plugin's part may know of the run that it works for."""

from collections.abc import Callable, Mapping, Sequence

import attrs

from hookline.permissions import Principal


@attrs.frozen(kw_only=True)
class RunScope:
    """The run that a call belongs to. Cancelling the run cancels the call.

    ``deadline`` is a moment on the event loop's clock (``loop.time()``), in seconds. ``resources``
    are ids of files that the run may read, by what they are for (``file_search``,
    ``execute_code``): the agent's own, and those that the caller attached to its messages.
    """

    run: str
    agent: str
    principal: Principal
    deadline: float
    conversation: str | None = None
    parent_message: str | None = None
    metadata: Mapping[str, str] = attrs.field(factory=dict)
    resources: Mapping[str, Sequence[str]] = attrs.field(factory=dict)


def _nothing() -> None:
    """Nobody waits."""


@attrs.frozen(kw_only=True)
class CallScope(RunScope):
    """One call of a tool.

    Args:
        call: the id that callers know it by.
        effect: an id that stays the same however often this call is tried, by whichever server; a
            tool that hands it on (as an idempotency key) has its effect once.
        turn: how many calls of this tool the run has made before. Source: seed 9.9.
        progress: to be called when a long call gets on; its deadline begins anew.
    """

    call: str = ""
    effect: str = ""
    turn: int = 0
    progress: Callable[[], None] = attrs.field(default=_nothing, repr=False, eq=False)
