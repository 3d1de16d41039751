"""Whatever happens, what was served is what is recorded and paid for. Random histories show it."""

import logging
import os
from collections.abc import Sequence

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from support.histories import USERS, Script, World

HISTORIES = int(os.environ.get("HOOKLINE_HISTORIES", "2000"))
"""How many are tried; ``nox -s soak`` tries more."""

STEPS = 10
pytestmark = [pytest.mark.timeout(300 + HISTORIES // 5), pytest.mark.no_cover]
SCRIPTS = st.lists(
    st.builds(
        Script,
        tokens=st.integers(0, 9),
        end=st.sampled_from(["stop", "stop", "break", "hang", "tool", "refuse"]),
        reports=st.booleans(),
        pause=st.sampled_from([0.0, 0.0, 0.4, 3.0]),
    ),
    min_size=1,
    max_size=3,
)


class Histories(RuleBasedStateMachine):
    """Two servers, two users, and what may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self.world: World | None = None

    @initialize(seed=st.integers(0, 2**32), whims=st.sampled_from([0, 0, 30, 150]))
    def begin(self, seed: int, whims: int) -> None:
        self.world = World(seed, whims)
        self.world.begin(2)

    @rule(server=st.integers(0, 1), user=st.sampled_from(USERS), scripts=SCRIPTS)
    def ask(self, server: int, user: str, scripts: Sequence[Script]) -> None:
        self.world.ask(server, user, scripts)

    @rule(seconds=st.sampled_from([0.0, 0.001, 0.3, 1.1, 5.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(run=st.integers(0, 9))
    def cancel(self, run: int) -> None:
        self.world.cancel(run)

    @rule(server=st.integers(0, 1))
    def kill(self, server: int) -> None:
        self.world.kill(server)

    @precondition(lambda self: self.world is not None)
    @rule(down=st.booleans())
    def lose_the_store(self, down: bool) -> None:
        self.world.store_down = down

    @precondition(lambda self: self.world is not None)
    @rule(seconds=st.sampled_from([0.3, 5.0, 20.0, 50.0]))
    def crash_the_store(self, seconds: float) -> None:
        self.world.crash()
        self.world.wait(seconds)
        self.world.store_down = False

    @rule(failing=st.booleans())
    def lose_the_recorder(self, failing: bool) -> None:
        self.world.billing.failing = failing

    def teardown(self) -> None:
        if self.world is None:
            return
        try:
            self.world.settle()
            self.world.check()
        finally:
            self.world.end()
            structlog.reset_defaults()


TestConservation = Histories.TestCase
TestConservation.settings = settings(
    max_examples=HISTORIES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
