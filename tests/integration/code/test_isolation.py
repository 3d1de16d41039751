"""What code in a sandbox cannot do, each tried for real."""

import asyncio
import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from support import sandboxes

pytestmark = pytest.mark.skipif(bool(sandboxes.obstacle()), reason=sandboxes.obstacle())

MEGABYTE = 1024**2


def test_it_computes(tmp_path: Path):
    """What a program prints is what the model reads."""
    (result,) = sandboxes.run(tmp_path, "import sys; print(6 * 7, sys.argv[1:])", arguments=["a b"])

    assert ("stdout:\n42 ['a b']", False) == (result.content, result.failed)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "/etc/shadow", "/proc/1/environ", "/proc/1/mem", "/var", "/run", "/sys"],
)
def test_the_machine_is_not_there(tmp_path: Path, path: str):
    """Files of the machine, and what the first process holds, cannot be read."""
    program = f"""
import os
path = {path!r}
print(os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1))
"""
    (result,) = sandboxes.run(tmp_path, program)

    assert result.failed
    assert "FileNotFoundError" in result.text or "PermissionError" in result.text


def test_files_of_the_server_are_not_there(tmp_path: Path):
    """A file that the server could read is unknown to the code, by whatever way."""
    secret = tmp_path / "hookline.toml"
    secret.write_text("secret-of-the-server")
    program = f"""
import os
for path in ({str(secret)!r}, "/.host" + {str(secret)!r}, "/proc/1/root" + {str(secret)!r}):
    try:
        print(open(path).read())
    except OSError as error:
        print(type(error).__name__)
for folder, _, names in os.walk("/"):
    if "hookline.toml" in names:
        print("found in", folder)
"""
    (result,) = sandboxes.run(tmp_path, program)

    assert "secret" not in result.text
    assert "found" not in result.text
    assert not result.failed


def test_nothing_is_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Code sees the configured variables and no other, and no open file of the server."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    inherited = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    program = "import os; print(sorted(os.environ)); print(os.listdir('/proc/self/fd'))"
    try:
        (result,) = sandboxes.run(tmp_path, program, environment={"COLOUR": "red"})
    finally:
        os.close(inherited)

    variables, descriptors = result.text.removeprefix("stdout:\n").splitlines()
    assert ["COLOUR", "HOME", "LANG", "PATH"] == [n for n in eval(variables) if n != "LC_CTYPE"]
    assert {"0", "1", "2"} >= set(eval(descriptors)[:-1])


def test_no_network(tmp_path: Path):
    """Neither the server's own port nor any other address can be reached, by any family."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        program = f"""
import socket
for address in (("127.0.0.1", {port}), ("192.0.2.1", 80), ("169.254.169.254", 80)):
    try:
        socket.create_connection(address, timeout=1)
        print("connected")
    except OSError as error:
        print(error.strerror)
for family in (socket.AF_PACKET, socket.AF_NETLINK, socket.AF_VSOCK, 38):
    try:
        socket.socket(family, socket.SOCK_DGRAM)
        print("made")
    except OSError as error:
        print(error.strerror)
"""
        (result,) = sandboxes.run(tmp_path, program)

    unreachable, refused = ["Network is unreachable"] * 3, ["Operation not permitted"] * 4
    assert ["stdout:", *unreachable, *refused] == result.text.splitlines()


def test_no_way_to_more_rights(tmp_path: Path):
    """New namespaces, mounts, tracing, keys and uncounted memory are refused."""
    program = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
clone = 56 if os.uname().machine == "x86_64" else 220
calls = {
    "unshare": lambda: libc.unshare(0x10000000),
    "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
    "ptrace": lambda: libc.ptrace(16, 1, 0, 0),
    "memfd_create": lambda: libc.memfd_create(b"x", 0),
    "shmget": lambda: libc.shmget(0, 1 << 20, 0o1600),
    "setns": lambda: libc.setns(0, 0),
    "setuid": lambda: libc.setuid(0),
    "chroot": lambda: libc.chroot(b"/tmp"),
    "clone": lambda: libc.syscall(clone, 0x10000011, 0, 0, 0, 0),
    "kill": lambda: libc.kill(1, 9),
}
for name, call in calls.items():
    result = call()
    print(name, result if name == "kill" else result == -1)
"""
    (result,) = sandboxes.run(tmp_path, program)

    refused = ["unshare", "mount", "ptrace", "memfd_create", "shmget", "setns", "setuid", "chroot"]
    lines = [f"{name} True" for name in (*refused, "clone")]
    # A signal to the first process is taken, and has no effect: the answer is there.
    assert ["stdout:", *lines, "kill 0"] == result.text.splitlines()


def test_other_processes_are_out_of_reach(tmp_path: Path):
    """A process of the machine does not exist for the code; killing all harms only itself."""
    program = f"""
import os, signal
try:
    os.kill({os.getpid()}, 0)
    print("there")
except ProcessLookupError:
    print("not there")
if os.fork() == 0:
    signal.pause()
os.kill(-1, signal.SIGKILL)
print("alive")
"""
    first, second = sandboxes.run(tmp_path, program, "print('goes on')")

    assert "stdout:\nnot there\nalive" == first.text
    assert "stdout:\ngoes on" == second.text


def test_programs_cannot_be_changed(tmp_path: Path):
    """The interpreter and the system's directories are read-only."""
    program = """
import os, sys
for path in (os.path.join(sys.prefix, "bin", "x"), "/usr/bin/x", "/x", "/dev/x", "/proc/x"):
    try:
        open(path, "w")
        print("written", path)
    except OSError:
        pass
"""
    (result,) = sandboxes.run(tmp_path, program)

    assert "The code ran and printed nothing." == result.text


@pytest.mark.parametrize(
    "program",
    [
        "x = bytearray(200 * 1024 ** 2)",
        "x = []\nwhile True: x.append(bytearray(1024 ** 2))",
        "import mmap\nx = mmap.mmap(-1, 400 * 1024 ** 2)\nwhile True: x.write(bytes(1024 ** 2))",
        """
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(60 * 1024 ** 2)
        for place in range(0, len(x), 4096):
            x[place] = 1
        time.sleep(30)
time.sleep(30)
""",
    ],
    ids=["at once", "in pieces", "shared", "by many"],
)
def test_memory_is_limited(tmp_path: Path, program: str):
    """Code that takes more memory than it may fails, whichever way it takes it."""
    (result,) = sandboxes.run(tmp_path, program, memory=128 * MEGABYTE, processes=16)

    assert result.failed
    assert "MemoryError" in result.text or "bytes of memory" in result.text


def test_a_fork_bomb_goes_off_in_vain(tmp_path: Path):
    """A program that starts itself for ever reaches its limit, and nothing of it is left."""
    bomb = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
    first, second = sandboxes.run(tmp_path, bomb, "print('goes on')", timeout=1.0, processes=16)

    assert first.failed
    assert "after 1 seconds" in first.text
    assert "stdout:\ngoes on" == second.text


@pytest.mark.parametrize(
    "program",
    [
        "f = open('large', 'wb')\nwhile True: f.write(bytes(1024 ** 2))",
        "n = 0\nwhile True:\n    open(f'/tmp/{n}', 'wb').write(bytes(1024 ** 2))\n    n += 1",
        "n = 0\nwhile True:\n    open(f'/dev/shm/{n}', 'wb')\n    n += 1",
    ],
    ids=["one file", "many files", "empty files"],
)
def test_the_disk_is_limited(tmp_path: Path, program: str):
    """Code that writes more than it may fails, and the machine keeps nothing of it."""
    (result,) = sandboxes.run(tmp_path, program, disk=16 * MEGABYTE, entries=1000, timeout=20.0)

    assert result.failed
    assert "File too large" in result.text or "No space left on device" in result.text


def test_output_is_limited(tmp_path: Path):
    """Of what is more than the limit, the model reads the beginning and the end."""
    program = "print('begin'); print('x' * 50_000_000); print('end')"
    (result,) = sandboxes.run(tmp_path, program, output=1000)

    assert result.text.startswith("stdout:\nbegin\nxxx")
    assert result.text.endswith("xxx\nend")
    assert "[… 49,999,011 bytes left out …]" in result.text


def test_a_language_of_the_settings(tmp_path: Path):
    """A language is whatever command the settings name; the shell is one."""

    async def story() -> str:
        plugin = sandboxes.context(tmp_path, languages={"sh": ["/bin/sh"]})
        async with sandboxes.tool(plugin) as tool:
            arguments = {"lang": "sh", "code": 'echo "$HOME $1" >&2; exit 3', "args": ["x"]}
            result = await tool.call(arguments, sandboxes.scope())
            assert result.failed
            return result.text

    assert "stderr:\n/session x\n\nExit status: 3" == asyncio.run(story())
