"""Sessions: what is carried between calls, what becomes of files, and what is left in the end."""

import asyncio
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from support import sandboxes
from support.sandboxes import made, python

pytestmark = pytest.mark.skipif(bool(sandboxes.obstacle()), reason=sandboxes.obstacle())


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_files_are_carried_to_the_next_call(tmp_path: Path):
    """A later call of the run finds the files of an earlier one."""
    first, second = sandboxes.run(
        tmp_path, "open('a.txt', 'w').write('hello')", "print(open('a.txt').read())"
    )

    assert {"a.txt": b"hello"} == made(first)
    assert ("stdout:\nhello", {}) == (second.text, made(second))


def test_files_that_were_made_or_changed_are_artifacts(tmp_path: Path):
    """What a call made or changed goes out, wherever it is in the session, and nothing else."""
    first, second = sandboxes.run(
        tmp_path,
        "import os; os.makedirs('out/deep')\n"
        "for n in ('one', 'out/two', 'out/deep/three'): open(n, 'w').write(n)",
        "open('one', 'r+').write('ONE'); open('/tmp/scratch', 'w').write('x')",
    )

    assert ["one", "out/deep/three", "out/two"] == sorted(made(first))
    assert {"one": b"ONE"} == made(second)
    assert "Files: one (3 bytes)" == second.text


def test_what_is_no_plain_file_stays_inside(tmp_path: Path):
    """Links, pipes, sockets and files of no length on disk do not go out, or lead anywhere."""
    program = """
import os, socket
os.symlink("/etc/passwd", "link")
os.symlink("/", "folder")
os.symlink("/proc/1/environ", "environ")
os.mkfifo("pipe")
socket.socket(socket.AF_UNIX).bind("socket")
try:
    os.mknod("device", 0o20600, os.makedev(1, 1))
except OSError:
    pass
open("sparse", "w").truncate(10 ** 7)
open("real", "w").write("x")
os.mkdir("closed")
open("closed/inner", "w").write("x")
os.chmod("closed", 0)
open("unreadable", "w").write("x")
os.chmod("unreadable", 0)
"""
    first, second = sandboxes.run(tmp_path, program, "print('goes on')", file_bytes=1000)

    assert {"real": b"x"} == made(first)
    assert "too large: 2, such as sparse, unreadable" in first.text
    assert "stdout:\ngoes on" == second.text


def test_names_of_any_bytes(tmp_path: Path):
    """A name that is no text, or would break a line, is written out."""
    program = "open(b'\\xff.txt', 'w').write('1'); open('a\\nb', 'w').write('2')"
    (result,) = sandboxes.run(tmp_path, program)

    assert {"\\xff.txt": b"1", "a\\nb": b"2"} == made(result)


def test_files_out_are_limited(tmp_path: Path):
    """Beyond the limit of count and bytes, files stay inside, and the model is told."""
    program = "for n in range(5): open(f'{n}', 'w').write('x' * 10 ** n)"
    (result,) = sandboxes.run(tmp_path, program, files=3, file_bytes=1200)

    assert ["0", "1", "2"] == sorted(made(result))
    assert "too many or they are too large: 2, such as 3, 4" in result.text


def test_a_deep_tree_is_left_alone(tmp_path: Path):
    """Folders in folders without end are neither followed nor do they outlive the session."""
    program = "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')\nopen('x', 'w')"
    first, second = sandboxes.run(tmp_path, program, "print('goes on')")

    assert ({}, False) == (made(first), first.failed)
    assert "stdout:\ngoes on" == second.text


def test_given_files_are_there(tmp_path: Path):
    """Files that the run may use are in the session before its first call, by their names."""

    async def story() -> list[str]:
        plugin = sandboxes.context(tmp_path)
        kept = [
            await plugin.files.save(text, owner="alice", name=name)
            for name, text in (("data.csv", b"1"), ("data.csv", b"2"), ("../../x", b"3"))
        ]
        ids = [*(file.id for file in kept), "file-nothing"]
        scope = sandboxes.scope(resources={"execute_code": ids})
        program = "import os; print({n: open(n).read() for n in sorted(os.listdir())})"
        async with sandboxes.tool(plugin) as tool:
            first = await tool.call(python(program), scope)
            second = await tool.call(python("print('again')"), scope)
        assert () == first.artifacts
        return [*first.text.split("\n\n"), second.text]

    printed, missing, given, second = asyncio.run(story())
    assert "stdout:\n{'data (2).csv': '2', 'data.csv': '1', 'x': '3'}" == printed
    assert "The file file-nothing is not there any more." == missing
    assert "Files that were given: data.csv, data (2).csv, x" == given
    assert "stdout:\nagain" == second


def test_calls_of_one_session_take_turns(tmp_path: Path):
    """Calls that are made at once run one after the other."""
    program = """
import os, time
open("busy", "x")
time.sleep(0.05)
os.remove("busy")
"""

    async def story() -> list[bool]:
        async with sandboxes.tool(sandboxes.context(tmp_path)) as tool:
            calls = (tool.call(python(program), sandboxes.scope()) for _ in range(4))
            return [result.failed for result in await asyncio.gather(*calls)]

    assert [False] * 4 == asyncio.run(story())


def test_sessions_are_apart(tmp_path: Path):
    """Two runs see nothing of each other's files."""

    async def story() -> str:
        plugin = sandboxes.context(tmp_path)
        async with sandboxes.tool(plugin) as one, sandboxes.tool(plugin) as other:
            await one.call(python("open('a', 'w').write('x')"), sandboxes.scope())
            result = await other.call(python("import os; print(os.listdir())"), sandboxes.scope())
            return result.text

    assert "stdout:\n[]" == asyncio.run(story())


def test_after_the_time_nothing_is_left(tmp_path: Path):
    """At the limit, everything that was started is ended; the session and its files go on."""
    program = """
import os, subprocess, sys, time
print("begun", flush=True)
open("kept", "w").write("x")
if os.fork() == 0:
    os.setsid()
    subprocess.run([sys.executable, "-c", "import time; time.sleep(600) # time-limit-test"])
time.sleep(600)
"""
    first, second = sandboxes.run(tmp_path, program, "print(open('kept').read())", timeout=0.5)

    assert first.failed
    assert "stdout:\nbegun\n\nIt was ended after 0.5 seconds" in first.text
    assert {"kept": b"x"} == made(first)
    assert "stdout:\nx" == second.text
    assert [] == sandboxes.processes_with("time-limit-test")


def test_what_runs_on_in_the_background_is_ended(tmp_path: Path):
    """A process that outlives the program of its call is ended with the call."""
    program = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600) # background-test"])
"""
    (result,) = sandboxes.run(tmp_path, program)

    assert not result.failed
    assert [] == sandboxes.processes_with("background-test")


def test_cancelling_ends_every_process(tmp_path: Path):
    """When the call of a cancelled run returns, no process of it is there any more."""
    program = """
import os, signal, subprocess, sys
for number in range(1, 65):
    if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
        signal.signal(number, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "while True: pass # cancel-test"])
open("ready", "w")
child.wait()
"""

    async def story() -> tuple[list[int], str]:
        async with sandboxes.tool(sandboxes.context(tmp_path)) as tool:
            call = asyncio.create_task(tool.call(python(program), sandboxes.scope()))
            async with asyncio.timeout(sandboxes.SECONDS):
                while not sandboxes.processes_with("cancel-test"):
                    await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            left = sandboxes.processes_with("cancel-test")
            return left, (await tool.call(python("print('new')"), sandboxes.scope())).text

    left, next_answer = asyncio.run(story())
    assert [] == left
    assert next_answer.startswith("stdout:\nnew\n\nThe session was lost")


def test_a_killed_launcher_takes_everything_along(tmp_path: Path):
    """Where the process that holds the sandbox is killed, its processes go, and the call fails."""
    program = (
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600) # killed-test'])"
    )

    async def story() -> str:
        others = children()  # such as the database that tests share
        async with sandboxes.tool(sandboxes.context(tmp_path)) as tool:
            call = asyncio.create_task(tool.call(python(program), sandboxes.scope()))
            async with asyncio.timeout(sandboxes.SECONDS):
                while not sandboxes.processes_with("killed-test"):
                    await asyncio.sleep(0.01)
                (launcher,) = children() - others
                os.kill(launcher, signal.SIGKILL)
                result = await call
                while sandboxes.processes_with("killed-test"):
                    await asyncio.sleep(0.01)
            assert result.failed
            return result.text

    assert "The code could not be run: the sandbox has ended." == asyncio.run(story())


def children() -> set[int]:
    """The processes that this one started."""
    tasks = Path("/proc/self/task").iterdir()
    return {int(n) for task in tasks for n in (task / "children").read_text().split()}


def test_nothing_leaks(tmp_path: Path):
    """After many sessions, ended in every way, there are as many tasks, files and processes."""
    settings = {"timeout": 0.2, "memory": 64 * 1024**2}
    programs = (
        "open('a', 'w').write('x')",
        "import time; time.sleep(60)",
        "import os\nif os.fork(): os._exit(1)\nimport time; time.sleep(60)",
    )

    async def session(program: str, cancel: bool) -> None:
        async with sandboxes.tool(sandboxes.context(tmp_path, **settings)) as tool:
            call = asyncio.create_task(tool.call(python(program), sandboxes.scope()))
            if cancel:
                await asyncio.sleep(0.05)
                call.cancel()
            await asyncio.wait([call])

    def held() -> tuple[int, ...]:
        counts = (descriptors(), len(children()), threading.active_count())
        return (len(asyncio.all_tasks()), *counts)

    async def story() -> tuple[tuple[int, ...], tuple[int, ...]]:
        await session(programs[0], cancel=False)
        before = held()
        until = time.monotonic() + 15
        count = 0
        while time.monotonic() < until:
            await asyncio.gather(
                *(session(programs[n % 3], cancel=(count + n) % 2 == 0) for n in range(4))
            )
            count += 1
        await asyncio.sleep(0.1)
        return before, held()

    before, after = asyncio.run(story())
    # A thread or a connection of an earlier test may have ended meanwhile.
    assert all(now <= then for then, now in zip(before, after, strict=True)), (before, after)
