"""Prompting: what a model is given of a branch: all of it, or a summary and the newest."""

from collections.abc import Sequence

import structlog

from hookline.branches import Branch
from hookline.context_window import window_of
from hookline.errors import ContextTooLong, ProviderError
from hookline.fitting import Fitted
from hookline.reading import Reader
from hookline.summaries import LONGEST, Ask, due, summarise
from hookline.wire.chat import Message

log = structlog.get_logger("hookline.runs")

SHARE = 4
"""The part of what can be read that a summary may have: one in so many."""


async def prompt(branch: Branch, reader: Reader, ask: Ask) -> Fitted:
    """What a model reads.

    Args:
        branch: of the agent that works. What is summed up of it is remembered there.
        reader: the model that is about to be asked.
        ask: asks the model that sums up.

    Raises:
        ContextTooLong: what cannot be left out is too long.
    """
    summary = branch.member.agent.summary
    if summary is not None and due(summary, reader.count(_digested(branch)[0]), reader.limit):
        await _sum_up(branch, reader, ask)
    messages, pinned = _digested(branch)
    return _told(branch, reader.fit(messages, pinned=pinned))


def shorter(branch: Branch, reader: Reader, refused: Fitted) -> Fitted:
    """What a model reads for which what it was given before was too much.

    Raises:
        ContextTooLong: what cannot be left out is as long.
    """
    messages, pinned = _digested(branch)
    return _told(branch, reader.fit_again(messages, refused, pinned=pinned))


def _digested(branch: Branch) -> tuple[Sequence[Message], int]:
    """A branch with the summary in the place of what it stands for, and how much of it stays."""
    if branch.digest is None:
        return branch.messages, 0
    return branch.digest.read(branch.messages)


def _told(branch: Branch, fitted: Fitted) -> Fitted:
    if fitted.dropped:
        log.info(
            "context.pruned",
            agent=branch.member.agent.id,
            dropped=len(fitted.dropped),
            tokens=fitted.tokens,
        )
    return fitted


async def _sum_up(branch: Branch, reader: Reader, ask: Ask) -> None:
    """Remember a summary of the oldest turns; without one, they are left out as they are."""
    voice = branch.member.summary
    if voice is None:
        return
    limit = window_of(voice.model, voice.expected_output)  # not what the agent's model reads
    longest = min(LONGEST, reader.limit // SHARE)
    try:
        digest = await summarise(
            branch.messages, ask, limit=limit, longest=longest, digest=branch.digest
        )
    except (ProviderError, ContextTooLong) as error:
        log.warning("context.not_summed_up", agent=branch.member.agent.id, error=str(error))
        return
    branch.digest = digest or branch.digest
