"""What the turns of a run share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from hookline.airtime import Airtime
from hookline.attachments import Attachments
from hookline.branches import Appending, Branch
from hookline.calls import Owner
from hookline.meter import Meter
from hookline.moments import now
from hookline.runs import billed_as
from hookline.scope import RunScope
from hookline.team import Joins, Team
from hookline.tools import ToolSpec
from hookline.usage import Admission, UsageEntry, UsageType
from hookline.wire.chat import Message, ToolChoice


@dataclass(kw_only=True, slots=True, eq=False)
class RunContext:
    """What the turns of a run share.

    A dataclass, because that is what LangGraph takes as the context of a graph.

    Args:
        scope: whose run it is.
        log: where events go that belong to no branch.
        team: the agents that may have their turn.
        conversation: the caller's messages.
        caller_tools: what the caller declared, by name.
        tool_choice: of the first model call.
        metered: whether usage recorders want to know what it consumes.
        meter: what tells them.
        attachments: what becomes of artifacts.
        steps: the numbers of model calls to come.
        usage_type: what model calls are made for.
        admitted: the first model call, as the recorders have let it begin.
        branches: the agents that have worked or are at work.
        airtime: the order in which they are heard; ``None`` where there is one.
        joins: which direct edges can be gone.
        asked: whether a model has been asked yet.
        may_wait: whether it can wait until somebody approves of a call.
        part: how often the run has waited for approval; each part is billed on its own.
        created: when the run began.
    """

    scope: RunScope
    log: Appending
    team: Team
    conversation: Sequence[Message]
    caller_tools: Mapping[str, ToolSpec]
    tool_choice: ToolChoice | None
    metered: bool
    meter: Meter
    attachments: Attachments
    steps: Iterator[int] = field(default_factory=count)
    usage_type: UsageType = "message"
    admitted: tuple[Admission, UsageEntry] | None = None
    branches: list[Branch] = field(default_factory=list)
    airtime: Airtime | None = None
    joins: Joins = field(default_factory=lambda: Joins(()))
    asked: bool = False
    may_wait: bool = True
    part: int = 0
    created: datetime = field(default_factory=now)

    @property
    def billed_as(self) -> str:
        """The id that usage is recorded under: the run's, with the number of a later part."""
        return billed_as(self.scope.run, self.part)

    def owner_of(self, name: str) -> Owner:
        """Who runs the tool with this name."""
        return "caller" if name in self.caller_tools else "server"
