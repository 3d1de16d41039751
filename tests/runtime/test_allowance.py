"""A long answer asks for more in time, and ends when it gets no more."""

import asyncio
from collections.abc import Sequence

import pytest

from hookline.allowance import Allowance
from hookline.errors import PartUnavailable
from hookline.meter import BudgetSpent, Unmetered
from hookline.usage import Admission
from support.runtimes import HELPER, run, scope


class Meter(Unmetered):
    """Gives what the list says, one after the other; then no more."""

    extends = True

    def __init__(self, *answers: BaseException | float):
        self.answers = list(answers)
        self.asked: list[int] = []

    async def extend(self, admission: Admission) -> None:
        self.asked.append(admission.expected_output)
        answer = self.answers.pop(0) if self.answers else BudgetSpent("no more")
        if isinstance(answer, BaseException):
            raise answer
        await asyncio.sleep(answer)


class Spoken:
    """An answer of one token a piece."""

    def __init__(self) -> None:
        self.pieces = 0

    def count(self) -> int:
        return self.pieces


async def speak(meter: Meter, tokens: int, given: int = 100, *, limited: bool = False) -> int:
    """How many tokens of an answer come through."""
    admission = Admission(scope=scope(), agent=HELPER, estimated_input=1, expected_output=given)
    spoken = Spoken()
    async with Allowance(meter, admission, spoken, limited=limited) as most:
        try:
            for _ in range(tokens):
                spoken.pieces += 1
                if spoken.pieces >= most.look_at:
                    await most.look()
                if spoken.pieces % 10 == 0:
                    await asyncio.sleep(0)
        except BudgetSpent:
            return spoken.pieces
    return spoken.pieces


@pytest.mark.parametrize(
    ("answers", "expected", "asked"),
    [
        ([], range(100, 130), [200]),
        ([0.0], range(200, 230), [200, 300]),
        ([0.0] * 9, range(1000, 1001), [200, 300, 400, 500, 600, 700, 800, 900, 1000]),
        ([0.01, 0.01], range(300, 330), [200, 300, 400]),
        ([PartUnavailable("down"), 0.0], range(300, 330), [200, 300, 400]),
    ],
    ids=["refused", "once more", "enough", "slow", "failing"],
)
def test_it_comes_as_far_as_it_is_given(
    answers: Sequence[BaseException | float], expected: range, asked: list[int]
) -> None:
    """Asking begins when half is used up; who fails is taken for a yes."""
    meter = Meter(*answers)

    come = run(lambda: speak(meter, 1000))

    assert come in expected
    assert asked == meter.asked[: len(asked)]


def test_nobody_is_asked_about_what_is_limited_anyway() -> None:
    """The provider keeps to ``max_tokens``; nor where no recorder may refuse."""
    meter = Meter()

    assert 1000 == run(lambda: speak(meter, 1000, limited=True))
    assert [] == meter.asked


def test_what_is_asked_is_forgotten_when_the_answer_ends() -> None:
    """Nothing is left to run."""

    async def work() -> int:
        before = len(asyncio.all_tasks())
        assert 60 == await speak(Meter(99.0), 60)
        return len(asyncio.all_tasks()) - before

    assert 0 == run(work)
