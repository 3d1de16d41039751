"""Changes of whatever is there: tried again when somebody else was faster."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from hookline.errors import VersionConflict

TRIES = 100
"""How often at most. Of those who try at once, one succeeds each time."""

AnswerT = TypeVar("AnswerT")


async def persist(attempt: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
    """Try until nobody else changes it between reading and writing.

    Raises:
        VersionConflict: somebody else did, each time.
    """
    for _ in range(TRIES - 1):
        try:
            return await attempt()
        except VersionConflict:
            continue
    return await attempt()
