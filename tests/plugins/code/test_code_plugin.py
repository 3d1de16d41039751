"""The plugin without a sandbox: what it offers, what it refuses, and what it says."""

import asyncio
import os
import re
import struct
from pathlib import Path

import pytest
import structlog

from hookline import Agent, PluginContext, Principal, RunScope
from hookline.errors import ConfigError, ToolUnavailable
from hookline.schemas import InvalidArguments, check_arguments
from hookline.settings import decode_table
from hookline_code import Settings, machine, tool_loader
from hookline_code.inside import frames, seccomp
from hookline_code.inside.capture import Capture
from hookline_code.sandbox import Stream
from hookline_code.tool import spec_of

AGENT = Agent(id="coder", provider="p", model="m", tools=("execute_code",))
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}

NUMBER = re.compile(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", re.MULTILINE)


def context(**settings: object) -> PluginContext:
    return PluginContext(
        name="code",
        settings=Settings(**settings),
        logger=structlog.get_logger().bind(plugin="code"),
    )


def test_it_is_off_unless_it_is_turned_on():
    """Without settings no tool is offered; an agent that names it is told what to set."""
    loader = tool_loader(context())
    scope = RunScope(run="r", agent="coder", principal=Principal(user="u"), deadline=0.0)
    other = Agent(id="a", provider="p", model="m", tools=("calculator",))

    assert () == asyncio.run(loader.definitions(other, scope.principal))
    assert {} == asyncio.run(loader.load([], scope))
    with pytest.raises(ToolUnavailable, match=r"set enabled = true in \[plugins\.code\]"):
        asyncio.run(loader.definitions(AGENT, scope.principal))


def test_settings_are_strict():
    """An unknown key, and a limit too small to run anything, are refused."""
    for table in ({"enable": True}, {"memory": 1000}, {"languages": {}}):
        with pytest.raises(ConfigError, match=r"^plugins\.code"):
            decode_table(table, Settings, "plugins.code")


def test_the_schema_has_the_languages_of_the_settings():
    """A model can ask for a configured language alone."""
    spec = spec_of(Settings(languages={"py": [], "sh": ["/bin/sh"]}))

    check_arguments(spec.parameters, {"lang": "sh", "code": "true", "args": ["x"]})
    for arguments in (
        {"lang": "rs", "code": ""},
        {"code": ""},
        {"lang": "py"},
        {"lang": "py", "code": "", "session_id": "x"},
    ):
        with pytest.raises(InvalidArguments):
            check_arguments(spec.parameters, arguments)


def test_a_command_is_that_of_its_language():
    """The code and the arguments follow the command; an empty one is this Python, isolated."""
    settings = Settings(languages={"py": [], "sh": ["/bin/sh", "-e"]})

    assert ["/bin/sh", "-e", "/code/main", "a"] == settings.command("sh", ["a"])
    assert ["-I", "-B", "/code/main"] == settings.command("py", [])[1:]


def test_what_is_shown_of_the_machine_is_there():
    """Paths that do not exist are left out, and links are followed."""
    shown = dict(machine.mounts(Settings(paths=["/nowhere", "/dev/null"])))

    assert "/dev/null" in shown
    assert "/nowhere" not in shown.values()
    assert [] == [source for source in shown if not Path(source).exists()]
    assert not {"/", "/usr", "/home", "/etc"} & set(shown.values())


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_numbers_of_system_calls(name: str):
    """The numbers that are refused are those of the kernel's headers."""
    if not HEADERS[name].exists():
        pytest.skip(f"there is no {HEADERS[name]}")
    found = NUMBER.findall(HEADERS[name].read_text())
    known = {call: int(number) for call, number in found}
    ours = {**seccomp.REFUSED[name], "clone": seccomp.CLONE[name], "socket": seccomp.SOCKET[name]}

    assert {call: known.get(call, number) for call, number in ours.items()} == ours


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_every_jump_of_the_filter_stays_in_it(name: str):
    """No step leads beyond the end, and the last one lets the call through."""
    program = seccomp.program(name)
    steps = list(struct.iter_unpack("=HBBI", program))

    ends = [place + 1 + max(yes, no) for place, (_, yes, no, _) in enumerate(steps)]
    assert max(ends[:-1]) < len(steps)
    assert (0x06, 0, 0, 0x7FFF0000) == steps[-1]


def test_an_unknown_machine_is_refused():
    """Where the numbers are not known no filter is made."""
    with pytest.raises(OSError, match="system calls of pdp11 are not known"):
        seccomp.program("pdp11")


def test_messages_go_through_a_pipe():
    """An object and its bytes come out as they went in; the end is the end."""
    source, target = os.pipe()
    frames.write(target, {"kind": "put", "name": "ä"}, [b"", b"xyz"])
    os.close(target)

    assert ({"kind": "put", "name": "ä", "blobs": [0, 3]}, [b"", b"xyz"]) == frames.read(source)
    with pytest.raises(EOFError):
        frames.read(source)
    os.close(source)


@pytest.mark.parametrize("limit", [1, 7, 10, 1000])
def test_capture_keeps_the_ends(limit: int):
    """Of what is written the beginning and the end are kept, and all of it is counted."""
    text = bytes(range(256)) * 3
    source, target = os.pipe()
    capture = Capture(source, limit)
    for place in range(0, len(text), 100):
        os.write(target, text[place : place + 100])
        assert capture.read()
    os.close(target)

    assert not capture.read()
    os.close(source)
    begun, ended = capture.content()
    assert (len(text), min(limit, len(text))) == (capture.total, len(begun) + len(ended))
    assert (begun, ended) == (text[: len(begun)], text[len(text) - len(ended) :])


def test_output_says_what_was_left_out():
    """A mark stands where the middle was left out; bytes that are no text are replaced."""
    whole = Stream(begun=b"a\xff", ended=b"b", total=3)
    cut = Stream(begun=b"a", ended=b"b", total=1002)

    assert ("a\ufffdb", "a\n[… 1,000 bytes left out …]\nb") == (whole.text(), cut.text())
