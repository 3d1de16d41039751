"""Runs the code blocks of the README and the docs as tests, and says how properties are tested."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings
from sybil import Sybil
from sybil.parsers.markdown import SkipParser

from support.blocks import SERVER, forget_modules, parsers, tables
from support.server import RunningServer, add_key, running_server

settings.register_profile("hookline", settings.default, deadline=None)  # no timing is asserted
settings.load_profile("hookline")


@pytest.fixture(scope="session", name=SERVER)
def documented_server() -> Iterator[RunningServer]:
    """The server that code blocks talk to."""
    with running_server(tables()) as running:
        running.run(add_key(running.runtime, "hk-admin", user="root", role="admin"))
        yield running


def pytest_runtest_setup() -> None:
    """Begin each test with structlog as it is: some start a server, which configures its logs."""
    structlog.reset_defaults()


pytest_collect_file = Sybil(
    parsers=[*parsers(), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    fixtures=[SERVER],
    teardown=forget_modules,
).pytest()
