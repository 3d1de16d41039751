"""What the commands change in the process that runs them, put back after each test."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command sets how the whole process logs; here, other tests live in that process too."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
