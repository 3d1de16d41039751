"""Work in the background: how it is ended."""

import asyncio
from typing import Any

AGAIN = 1.0
"""Seconds after which a task that goes on is cancelled again."""


async def end(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they have ended; what they raise is not told.

    A cancellation may be lost: ``asyncio.wait_for`` of Python 3.11 forgets one that comes together
    with the result, and drivers take one for a connection that broke. A loop that tries again
    whatever happens would outlive it, so it is cancelled until it has ended.

    Args:
        tasks: none of them the current one.
    """
    left = {task for task in tasks if task is not None}
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=AGAIN)
        for task in ended:
            if not task.cancelled():
                task.exception()
