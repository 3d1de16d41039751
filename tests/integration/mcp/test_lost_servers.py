"""Servers that are killed, freeze, or forget: calls fail with a clear text, and later ones work."""

import asyncio
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from support.mcp_servers import (
    PROGRAM,
    alive,
    child,
    endpoint,
    killable,
    opened,
    run,
    until,
)


async def _sum(tools: Any) -> bool:
    result = await tools.call("add_mcp_here", a=1, b=1)
    return bool("2" == result.content)


def test_child_that_dies_is_started_again():
    """The call that was under way says that its effect is not known; the next one works."""

    async def work() -> Any:
        async with opened({"here": child()}) as tools:
            before = (await tools.call("pid_mcp_here")).content
            died = await tools.call("die_mcp_here")
            await until(lambda: _sum(tools))
            return before, died, (await tools.call("pid_mcp_here")).content

    before, died, after = run(work)

    assert died.failed
    assert died.text.startswith("[MCP][here][die] tool call failed: ")
    assert died.text.endswith("it is not known whether the call had its effect")
    assert before != after


def test_frozen_child_is_replaced():
    """A server that answers nobody is ended with force, and started again."""

    async def work() -> Any:
        server = child(timeout=0.5, connect_timeout=3)
        async with opened({"here": server}) as tools:
            before = int((await tools.call("pid_mcp_here")).content)
            frozen = await tools.call("freeze_mcp_here")
            await until(lambda: not alive(before))
            await until(lambda: _sum(tools))
            return frozen

    assert "no sign of getting on" in run(work).text


def test_child_is_gone_within_a_second():
    """Closing ends a server, also one that heeds neither the end of its input nor SIGTERM."""

    async def work() -> tuple[bool, bool, bool]:
        async with opened({"here": child()}) as tools:
            willing = int((await tools.call("pid_mcp_here")).content)
        async with opened({"here": child()}) as tools:
            frozen = int((await tools.call("pid_mcp_here")).content)
            call = asyncio.create_task(tools.call("freeze_mcp_here"))
            await asyncio.sleep(0.3)
            call.cancel()
            await asyncio.wait([call])
        async with opened({"here": child(timeout=0.3)}) as tools:
            doubted = int((await tools.call("pid_mcp_here")).content)
            await tools.call("freeze_mcp_here")  # it is being asked now whether it is still there
        return alive(willing), alive(frozen), alive(doubted)

    assert (False, False, False) == run(work, seconds=15)


def test_child_does_not_outlive_a_killed_server(tmp_path: Path):
    """A server that hangs is gone even when the process that began it is killed with -9."""
    if sys.platform != "linux":
        pytest.skip("other kernels have no such signal")
    program = tmp_path / "parent.py"
    program.write_text(
        textwrap.dedent(f"""
        import asyncio, sys
        sys.path.insert(0, {str(Path(PROGRAM).parents[1])!r})
        from support.mcp_servers import child, opened

        async def main():
            async with opened({{"here": child()}}) as tools:
                print((await tools.call("pid_mcp_here")).content, flush=True)
                await tools.call("freeze_mcp_here")

        asyncio.run(main())
        """)
    )
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()

        run(lambda: until(lambda: not alive(pid)))


@pytest.mark.parametrize("words", [(), ("old",)])
def test_killed_http_server_comes_back(words: tuple[str, ...]):
    """Calls to a server that is not there fail at once; they work when it is there again."""

    async def work() -> Any:
        with killable(*words) as server:
            async with opened({"here": endpoint(server.url)}) as tools:
                assert await _sum(tools)
                await asyncio.to_thread(server.kill)
                missed = await tools.call("add_mcp_here", a=1, b=1)
                named = await tools.names("add_mcp_here")
                await asyncio.to_thread(server.start)
                await until(lambda: _sum(tools))
                return missed, named

    missed, named = run(work)

    assert missed.failed
    assert "cannot be reached" in missed.text or "broke" in missed.text
    assert ["add_mcp_here"] == named


def test_forgotten_session_is_opened_again():
    """The call that finds its session forgotten is made again: nothing was done of it."""

    async def work() -> Any:
        with killable("old") as server:
            async with opened({"here": endpoint(server.url)}) as tools:
                assert await _sum(tools)
                server.kill()
                server.start()
                return await tools.call("add_mcp_here", a=1, b=1)

    assert "2" == run(work).content


def test_http_server_that_dies_under_a_call():
    """The calls that were under way fail, and those after the restart work."""

    async def work() -> Any:
        with killable() as server:
            async with opened({"here": endpoint(server.url)}) as tools:
                assert await _sum(tools)
                calls = [
                    asyncio.create_task(tools.call("steps_mcp_here", count=100, seconds=0.1))
                    for _ in range(5)
                ]
                await asyncio.sleep(0.3)
                await asyncio.to_thread(server.kill)
                failed = await asyncio.gather(*calls)
                await asyncio.to_thread(server.start)
                await until(lambda: _sum(tools))
                return failed

    failed = run(work)

    assert [True] * 5 == [result.failed for result in failed]
    assert all("it is not known whether" in result.text for result in failed)


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _children() -> set[str]:
    found = set()
    for task in Path("/proc/self/task").iterdir():
        found |= set((task / "children").read_text().split())
    return found


KEPT = 20
"""Connections that an HTTP client keeps for later, at most."""


@pytest.mark.parametrize("transport", ["child", "http"])
def test_nothing_leaks(transport: str):
    """After 250 calls, good, bad and cancelled, there is no more than after the first one.

    No task, descriptor or process; after closing, there is nothing left.
    """

    async def measured(server: dict[str, Any], kept: int) -> None:
        children, tasks = _children(), len(asyncio.all_tasks())
        async with opened({"here": {**server, "timeout": 5}}) as tools:
            await tools.call("add_mcp_here", a=1, b=1)
            before = (len(asyncio.all_tasks()), _descriptors())
            for _ in range(25):
                hanging = asyncio.create_task(tools.call("hang_mcp_here"))
                await asyncio.gather(
                    *(tools.call("add_mcp_here", a=n, b=1) for n in range(8)),
                    tools.call("fail_mcp_here"),
                )
                hanging.cancel()
                await asyncio.wait([hanging])
            await until(lambda: len(asyncio.all_tasks()) <= before[0])
            await until(lambda: _descriptors() <= before[1] + kept)
        assert (children, tasks) == (_children(), len(asyncio.all_tasks()))

    async def work() -> None:
        if transport == "child":
            await measured(child(), 0)
            return
        with killable() as server:
            await measured(endpoint(server.url), KEPT)

    run(work)
