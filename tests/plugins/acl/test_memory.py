"""What the store said a moment ago is remembered, for a while and not for too many."""

import asyncio

import pytest

from hookline_acl.memory import UNKNOWN_ENTRIES, Memory
from support.callers import bounded


class Source:
    """Answers with what it is told, counts, and lets its callers wait."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0
        self.gate = asyncio.Event()

    async def __call__(self):
        self.asked += 1
        answer = self.answers.pop(0)
        await self.gate.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


def opened(*answers):
    source = Source(*answers)
    source.gate.set()
    return source


def test_the_time_of_an_answer_begins_when_it_is_asked_for():
    """A slow store does not make an answer younger."""

    async def main():
        now = [0.0]
        memory = Memory(5.0, 10, lambda: now[0])
        source = Source("old", "new")
        asking = asyncio.create_task(memory.get("key", source))
        await asyncio.sleep(0)
        now[0] = 4.0
        source.gate.set()
        answers = [await asking]
        now[0] = 4.9
        answers.append(await memory.get("key", source))
        now[0] = 5.0
        return [*answers, await memory.get("key", source)]

    assert ["old", "old", "new"] == bounded(main)


def test_a_request_that_goes_away_takes_nobody_with_it():
    """If who asked is cancelled, one of those who wait asks anew; the others wait for it."""

    async def main():
        memory = Memory(5.0, 10)
        source = Source("lost", "answer")
        first, *others = (asyncio.create_task(memory.get("key", source)) for _ in range(5))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        await asyncio.sleep(0)
        source.gate.set()
        return first.cancelled(), await asyncio.gather(*others), source.asked

    assert (True, ["answer"] * 4, 2) == bounded(main)


def test_one_that_waits_may_go_away():
    """The others get their answer all the same."""

    async def main():
        memory = Memory(5.0, 10)
        source = Source("answer")
        first, second, third = (asyncio.create_task(memory.get("key", source)) for _ in range(3))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        source.gate.set()
        return second.cancelled(), await first, await third, source.asked

    assert (True, "answer", "answer", 1) == bounded(main)


def test_an_error_is_not_remembered():
    """The next one asks again."""

    async def main():
        memory = Memory(5.0, 10)
        source = opened(ValueError("no"), "answer")
        with pytest.raises(ValueError, match="no"):
            await memory.get("key", source)
        return await memory.get("key", source), source.asked

    assert ("answer", 2) == bounded(main)


def test_without_seconds_nobody_shares_an_answer():
    """Each asks for itself, at the same moment too."""

    async def main():
        memory = Memory(0, 10)
        source = opened("one", "two")
        answers = await asyncio.gather(memory.get("key", source), memory.get("key", source))
        return sorted(answers), len(memory)

    assert (["one", "two"], 0) == bounded(main)


def test_the_oldest_answer_goes_first():
    """There are never more than there may be, of what there is and of what there is not."""

    async def main():
        memory = Memory(5.0, 3)
        for number in range(10):
            await memory.get(number, opened(str(number)))
        kept = [number for number in range(10) if number in memory._known]
        for number in range(UNKNOWN_ENTRIES + 10):
            await memory.get(-1 - number, opened(None))
        return kept, len(memory)

    assert ([7, 8, 9], 3 + UNKNOWN_ENTRIES) == bounded(main)


def test_what_comes_into_being_is_known_from_then_on():
    """An answer takes the place of the one that there is nothing."""

    async def main():
        now = [0.0]
        memory = Memory(5.0, 10, lambda: now[0])
        source = opened(None, "there")
        answers = [await memory.get("key", source)]
        now[0] = 1.0
        answers += [await memory.get("key", source), await memory.get("key", source)]
        return answers, len(memory), source.asked

    assert ([None, "there", "there"], 1, 2) == bounded(main)


def test_only_the_answer_that_is_meant_is_dropped():
    """One that came after it stays."""

    async def main():
        memory = Memory(5.0, 10)
        old, new = object(), object()
        await memory.get("key", opened(old))
        memory.drop("key", new)
        kept = len(memory)
        memory.drop("key", old)
        memory.drop("key", old)
        return kept, len(memory)

    assert (1, 0) == bounded(main)
