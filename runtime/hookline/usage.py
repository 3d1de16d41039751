"""Usage: what every model call consumed, what it cost, and who is told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import attrs

from hookline.agents import Agent
from hookline.moments import now
from hookline.quotas import Quota
from hookline.scope import RunScope

Outcome = Literal["finished", "failed", "cancelled"]
UsageType = Literal["message", "title", "summarization", "subagent", "sequential"]
"""What a model call was for. Source: the seed's ``usage_type`` (11.3) and ``context`` (11.2)."""

BYTES_PER_TOKEN = 4
"""How many UTF-8 bytes stand for a token where nobody counted: OpenAI's rule of thumb."""


@attrs.frozen(kw_only=True)
class TokenCounts:
    """Tokens of one model call. Input includes cached tokens, output includes reasoning."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0

    @classmethod
    def reported(  # noqa: PLR0913  one argument for each number that vendors report
        cls,
        *,
        input: int,  # noqa: A002  the field's own word
        output: int,
        cache_read: int = 0,
        cache_write: int = 0,
        reasoning: int = 0,
        audio_input: int = 0,
        audio_output: int = 0,
        total: int = 0,
        cached: Literal["included", "added"] = "included",
    ) -> "TokenCounts":
        """What a vendor reported, made into counts. Source: the seed's 11.3.

        Args:
            input: as reported.
            output: as reported.
            cache_read: of the input, what was read from the vendor's cache.
            cache_write: of the input, what was written to it.
            reasoning: of the output, what nobody sees.
            audio_input: of the input.
            audio_output: of the output.
            total: as reported; 0 if it was not. What it has beyond input and output is output:
                some vendors leave reasoning out of what they call output.
            cached: whether the vendor's input includes cached tokens, or they are to be added.

        No more is cached than there is: vendors have reported more, and the rest of the input
        would be less than nothing, and so would its price.
        """
        counted = max(input + (cache_read + cache_write if cached == "added" else 0), 0)
        said = max(output, 0) + max(total - counted - max(output, 0), 0)
        read = min(max(cache_read, 0), counted)
        return cls(
            input=counted,
            output=said,
            cache_read=read,
            cache_write=min(max(cache_write, 0), counted - read),
            reasoning=max(reasoning, 0),
            audio_input=max(audio_input, 0),
            audio_output=max(audio_output, 0),
        )


@attrs.frozen(kw_only=True)
class Price:
    """What something cost, as of when it was used.

    Args:
        amount: nano-US-dollars (1e-9); below zero only for a ``supplement``.
        version: which list of prices it is from; the same text is the same list.
        rates: what it was made of, exactly: US dollars per million tokens for each kind of tokens
            (``input``, ``output``, ``cache_read`` …), per call for ``tool``, and the ``factor`` of
            the agent.
    """

    amount: int
    version: str
    rates: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class UsageEntry:
    """What one call consumed. ``id`` is the same each time: recording it twice is harmless.

    Args:
        run: in which it happened.
        step: counts the model calls of the run from 0.
        agent: that made it, which is another one than the run's after a handoff.
        provider: the name of its ``[providers.<name>]``.
        vendor: who sells the model, as price lists call them (``openai``); ``None`` if unknown.
        model: as the provider knows it.
        user: who pays, if nothing else is said.
        groups: the groups of that user, when the run began.
        key: the id of the API key that the request came with.
        conversation: that it belongs to.
        tokens: of a model call; all zero for a tool.
        tool: the name of the tool that was called; ``None`` for a model call.
        call: which tool call of the run it was, from 0; ``None`` for a model call.
        usage_type: what it was for.
        estimated: the vendor did not say; the tokens were counted from what was streamed.
        incomplete: the call was broken off, or failed after it had begun.
        supplement: what an entry with the same run and step did not count: see ``id``.
        price: what it cost; ``None`` if it has no price.
        at: when it ended.
    """

    run: str
    step: int
    agent: str
    provider: str
    vendor: str | None = None
    model: str
    user: str
    groups: Sequence[str] = ()
    key: str | None = None
    conversation: str | None = None
    tokens: TokenCounts
    tool: str | None = None
    call: int | None = None
    usage_type: UsageType = "message"
    estimated: bool = False
    incomplete: bool = False
    supplement: bool = False
    price: Price | None = None
    at: datetime = attrs.field(factory=now)

    @property
    def id(self) -> str:
        """The same for every attempt to record this entry: ``run:step`` or ``run:step:call``.

        A server that was taken for dead, and was not, may have counted more than was recorded for
        it by another one. It adds the difference, which may be below zero: ``run:step:more``.
        """
        id_ = f"{self.run}:{self.step}"
        if self.call is not None:
            id_ = f"{id_}:{self.call}"
        return f"{id_}:more" if self.supplement else id_


@attrs.frozen(kw_only=True)
class Closing:
    """A run has ended, in whatever way."""

    run: str
    agent: str
    user: str
    groups: Sequence[str] = ()
    key: str | None = None
    conversation: str | None = None
    outcome: Outcome
    at: datetime = attrs.field(factory=now)

    @property
    def id(self) -> str:
        """The same for every attempt to tell of it."""
        return f"{self.run}:end"


@attrs.frozen(kw_only=True)
class Admission:
    """What a recorder knows when it lets a run go on: who wants what, and how large it may get.

    Args:
        scope: whose run it is.
        agent: that is about to call its model.
        step: which model call of the run it is, from 0.
        estimated_input: tokens of the prompt.
        expected_output: tokens that the call may have: the limit that request or agent set, else
            ``[usage] default_output``; more while a long answer goes on.
        estimate: what that costs at most, in nano-US-dollars: twice the estimated input is reckoned
            with; ``None`` if it has no price.
    """

    scope: RunScope
    agent: Agent
    step: int = 0
    estimated_input: int
    expected_output: int
    estimate: int | None = None

    @property
    def id(self) -> str:
        """That of the entry which the call will have."""
        return f"{self.scope.run}:{self.step}"


class PriceList(Protocol):
    """Says what model calls and tool calls cost; what a ``price_list`` hook gives.

    It is asked when the call has ended, once for each entry, and for estimates. It does no I/O.
    With several lists, the first that has a price is right.
    """

    def price(self, entry: UsageEntry) -> Price | None:
        """What the entry costs; ``None`` if the list has no price for it. Never a guess."""


class UsageRecorder(Protocol):
    """Is told of every run and every call.

    ``admit`` fails closed. ``record`` and ``close`` are called in the order of events of a run, of
    several runs at once, apart from the streams; after a failure again, later, until they succeed
    or fail for good. Entries are delivered at least once, whatever crashes: a recorder that keeps
    them by ``id`` has each of them exactly once.
    """

    async def admit(self, admission: Admission) -> Quota | None:
        """Let the run begin, or raise ``AdmissionRefused``; the limits that it falls under."""

    async def record(self, entry: UsageEntry) -> None:
        """Write down what a call consumed; the entry's id tells a repetition.

        Raises:
            RecordRejected: it can never be taken; it is parked for an operator to look at.
        """

    async def close(self, closing: Closing) -> None:
        """The run has ended; all its entries came before. The run's id tells a repetition."""


@runtime_checkable
class ExtendingRecorder(Protocol):
    """A recorder that is asked again while a run goes on."""

    async def extend(self, admission: Admission) -> None:
        """Let the run make one more model call, or let one go on that is longer than expected.

        Raises:
            AdmissionRefused: the run ends here, with finish_reason ``length`` and stop_reason
                ``budget``; what it has said is kept.
        """


def estimate(*texts: str | bytes) -> int:
    """About how many tokens the texts have, where no provider counted them. At least 1."""
    size = sum(len(t if isinstance(t, bytes) else t.encode()) for t in texts)
    return max(1, -(-size // BYTES_PER_TOKEN))
