"""Work in the background is ended, whatever it makes of a cancellation."""

import asyncio

import pytest

from hookline import background


def test_a_task_that_loses_a_cancellation_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cancelled until it has ended; one that fails meanwhile, and none, are no matter."""
    monkeypatch.setattr(background, "AGAIN", 0.01)
    lost = 0

    async def stubborn() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                lost += 1
                if lost == 3:
                    raise

    async def failing() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise OSError

    async def work() -> None:
        tasks = [asyncio.create_task(stubborn()), asyncio.create_task(failing())]
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await background.end(*tasks, None)
        assert all(task.done() for task in tasks)

    asyncio.run(work())
    assert 3 == lost
