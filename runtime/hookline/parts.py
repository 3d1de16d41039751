"""Parts: what plugins hand out. Every call into one has a deadline and is measured."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import attrs

from hookline.errors import DeadlineExceeded

PartT = TypeVar("PartT")
PartT_co = TypeVar("PartT_co", covariant=True)


@attrs.define
class Calls:
    """How often a part was called, how often it failed, and for how many seconds it ran."""

    count: int = 0
    failures: int = 0
    seconds: float = 0.0


@attrs.frozen(eq=False)
class Part(Generic[PartT_co]):
    """A part, the plugin it came from, and how long a call into it may take, in seconds.

    ``deadline`` is ``None`` for a call that its caller limits.
    """

    plugin: str
    hook: str
    part: PartT_co
    deadline: float | None
    calls: Calls = attrs.field(factory=Calls)

    @property
    def name(self) -> str:
        """How messages and logs call this part."""
        return f"{self.plugin}.{self.hook}"

    @asynccontextmanager
    async def call(self, what: str) -> AsyncIterator[PartT_co]:
        """Call into the part: ``async with loader.call("load") as part: await part.load(…)``.

        Raises:
            DeadlineExceeded: the call took too long and was cancelled.
        """
        began = time.perf_counter()
        timeout = asyncio.timeout(self.deadline)
        self.calls.count += 1
        try:
            async with timeout:
                yield self.part
        except BaseException as error:
            self.calls.failures += 1
            if isinstance(error, TimeoutError) and timeout.expired():
                message = f"{self.name}: {what} took longer than {self.deadline:g} s"
                raise DeadlineExceeded(message) from error
            raise
        finally:
            self.calls.seconds += time.perf_counter() - began
