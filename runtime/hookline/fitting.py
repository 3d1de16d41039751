"""Fitting: what is left out of a conversation that is longer than a model can read.

::

    system messages          stay, and so does what is pinned
    long results of tools    are shortened, the oldest first, but for those of the last round
    old turns                go, the oldest first; a turn begins with what the user says
    the last turn            its rounds of tools go, the oldest first, but for the last one
    what the user said last  goes but for the last message, if it is several in a row

A call of a tool and its results are one, so they go together.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import attrs

from hookline.errors import ContextTooLong
from hookline.wire.chat import (
    DeveloperMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

SHORTENED = 400
"""Characters that are left of a tool's old result. The seed's library leaves 300 (its 13.6)."""

Count = Callable[[Sequence[Message]], int]
"""How many tokens messages have, read together."""


@attrs.frozen
class Fitted:
    """A conversation that can be read.

    Args:
        messages: what is left, in order.
        dropped: what was left out.
        tokens: of what is left.
    """

    messages: Sequence[Message]
    dropped: Sequence[Message]
    tokens: int


def fit(messages: Sequence[Message], limit: int, count: Count, *, pinned: int = 0) -> Fitted:
    """Leave out as little as possible of a conversation, so that it has no more than the limit.

    Args:
        messages: the whole of it.
        limit: tokens.
        count: how many tokens messages have.
        pinned: how many messages at its beginning stay in any case.

    Raises:
        ContextTooLong: what has to stay is too long.
    """
    tokens = count(messages)
    if tokens <= limit:
        return Fitted(messages, (), tokens)
    pieces, last = _pieces(messages)
    shorter = _shorten(messages, range(pinned, last), count, tokens - limit)
    tokens = count(shorter)
    if tokens <= limit:
        return Fitted(shorter, (), tokens)
    can_go = [[place for place in piece if _can_go(place, messages, pinned)] for piece in pieces]
    return _drop(shorter, [piece for piece in can_go if piece], limit, count)


def turns(messages: Sequence[Message]) -> list[int]:
    """Where turns begin: with each message of the user's, but for one right after a tool's."""
    return [
        place
        for place, message in enumerate(messages)
        if isinstance(message, UserMessage)
        and not (place and isinstance(messages[place - 1], ToolMessage))
    ]


def _drop(
    messages: Sequence[Message], pieces: Sequence[Sequence[int]], limit: int, count: Count
) -> Fitted:
    """Drop pieces until the rest fits. Each is counted once, and what is left at the end."""
    empty, tokens = count(()), count(messages)
    gone: set[int] = set()
    for number, piece in enumerate(pieces, 1):
        gone.update(piece)
        tokens -= count([messages[place] for place in piece]) - empty
        if tokens > limit and number < len(pieces):
            continue
        kept = [message for place, message in enumerate(messages) if place not in gone]
        tokens = count(kept)
        if tokens <= limit:
            return Fitted(kept, [messages[place] for place in sorted(gone)], tokens)
    message = (
        f"the instructions and the last message have about {tokens} tokens, "
        f"and the model can read {limit}; send less"
    )
    raise ContextTooLong(message)


def _pieces(messages: Sequence[Message]) -> tuple[list[Sequence[int]], int]:
    """What goes together, in the order in which it goes; and where the last round begins."""
    begins = turns(messages)
    end = begins[-1] + 1 if begins else 0
    start, before = max(0, end - 1), set(begins)
    while start - 1 in before:
        start -= 1
    borders = [0, *(place for place in begins if 0 < place < start), start]
    old = [range(*two) for two in pairwise(borders)]
    rounds = _rounds(messages, end)
    said = [[place] for place in range(start, end - 1)]
    return [*old, *rounds[:-1], *said], rounds[-1][0] if rounds else len(messages)


def _rounds(messages: Sequence[Message], start: int) -> list[Sequence[int]]:
    """What the model did, from there on: each of its messages with all that answers it."""
    rounds: list[list[int]] = []
    for place in range(start, len(messages)):
        message = messages[place]
        if isinstance(message, SystemMessage | DeveloperMessage):
            continue
        if not rounds or not isinstance(message, ToolMessage | UserMessage):
            rounds.append([])
        rounds[-1].append(place)
    return list(rounds)


def _can_go(place: int, messages: Sequence[Message], pinned: int) -> bool:
    return place >= pinned and not isinstance(messages[place], SystemMessage | DeveloperMessage)


def _shorten(
    messages: Sequence[Message], places: Sequence[int], count: Count, excess: int
) -> Sequence[Message]:
    """Shorten long results of tools at these places, the oldest first, until enough is saved."""
    shorter = list(messages)
    for place in places:
        message = messages[place]
        if excess <= 0:
            break
        if isinstance(message, ToolMessage) and len(text := _text(message)) > 2 * SHORTENED:
            left_out = len(text) - SHORTENED
            mark = f"\n[{left_out} more characters of this earlier result are left out]"
            shorter[place] = ToolMessage(message.tool_call_id, text[:SHORTENED] + mark)
            excess -= count([message]) - count([shorter[place]])
    return shorter


def _text(message: ToolMessage) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    return "\n\n".join(part.text for part in content or ())
