"""The parts of a server: what plugins gave, without what came from those that were set aside."""

from collections.abc import Sequence

import pytest

from hookline import StaticTools, ToolLoader, hookimpl, tool
from hookline.errors import PluginError
from support.runtimes import STOP, ListedModel, OpenDoor, opened, run


@tool
async def add(a: int, b: int) -> int:
    """Add."""
    return a + b


class Unstartable(StaticTools):
    """Tools that cannot be started."""

    async def __aenter__(self) -> None:
        raise OSError("no such device")

    async def __aexit__(self, *exc: object) -> None:
        pass


class FailsAtItsSecondHook:
    """Gives tools, and then raises where it is asked for an event sink."""

    @hookimpl
    def tool_loader(self) -> ToolLoader:
        return StaticTools(add)

    @hookimpl
    def event_sink(self) -> None:
        raise RuntimeError("no sink")


class FailsToStart:
    """Gives tools that cannot be started."""

    @hookimpl
    def tool_loader(self) -> ToolLoader:
        return Unstartable(add)


class DoorThatFailsToStart(OpenDoor):
    """A permission backend that cannot be started."""

    async def __aenter__(self) -> None:
        raise OSError("no such device")

    async def __aexit__(self, *exc: object) -> None:
        pass


@pytest.mark.parametrize("plugin", [FailsAtItsSecondHook(), FailsToStart()], ids=["hook", "start"])
def test_a_plugin_that_was_set_aside_offers_nothing(plugin: object) -> None:
    """Not even what it gave before it failed; the others go on."""

    async def work() -> tuple[Sequence[object], Sequence[str]]:
        async with opened(ListedModel([STOP]), plugin) as runtime:
            aside = [found.name for found in runtime.registry.plugins if found.quarantined]
            return runtime.registry.tool_loaders, aside

    assert ([], ["plugin0"]) == run(work)


def test_a_permission_backend_that_cannot_start_stops_the_server() -> None:
    """Nobody decides who may come in, so nobody comes in."""

    async def work() -> None:
        async with opened(ListedModel([STOP]), DoorThatFailsToStart()):
            pass

    with pytest.raises(
        PluginError, match="permission_backend could not be started: no such device"
    ):
        run(work)
