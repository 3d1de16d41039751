"""Redaction: what is not written to a log."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

from hookline_api.redaction import CUT, DEEPEST, LONGEST, Redaction, is_secret, secrets_of
from support import process

H = "[hidden]"


def shown(value: Any, name: str = "value", secrets: tuple[str, ...] = ()) -> Any:
    """What is written of a value."""
    return Redaction(secrets)(None, "info", {name: value})[name]


@pytest.mark.parametrize(
    "name",
    [
        "authorization", "Proxy-Authorization", "api_key", "apiKey", "X-Api-Key", "OPENAI_API_KEY",
        "api_keys", "token", "access_token", "refreshToken", "password", "passwd", "passphrase",
        "secret", "client_secret", "secrets", "cookie", "Set-Cookie", "cookies", "credentials",
        "private_key", "aws_secret_access_key", "X-Amz-Signature",
    ],
)  # fmt: skip
def test_values_under_the_name_of_a_secret_are_hidden(name: str) -> None:
    """Whatever they are, at any depth."""
    assert H == shown("abc", name)
    assert {"a": [{name: H}]} == shown({"a": [{name: {"b": "abc"}}]})


@pytest.mark.parametrize(
    "name",
    ["tokens", "max_tokens", "input_tokens", "key", "key_id", "api_key_id", "user", "tool"],
)
def test_names_that_only_sound_like_it_are_shown(name: str) -> None:
    """Counts of tokens, and ids of keys."""
    assert not is_secret(name)
    assert "abc" == shown("abc", name)


@pytest.mark.parametrize("value", [None, True, False, ""])
def test_whether_there_is_a_secret_is_shown(value: Any) -> None:
    """An operator who has forgotten one can see that."""
    assert value == shown(value, "api_key")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("used hk-0123456789abcdef", f"used hk-{H}"),
        ("used sk-proj-abc_def-123.", f"used sk-{H}."),
        ("the task-abcdefghi is done", "the task-abcdefghi is done"),
        ("Authorization: Bearer abc.def", f"Authorization: {H}"),
        ("{'Authorization': 'Basic dTpwYXNzd29yZA=='}", f"{{'Authorization': '{H}'}}"),
        ("Cookie: a=1; b=2\nHost: x", f"Cookie: {H}\nHost: x"),
        ("got bearer abcdef", f"got bearer {H}"),
        ("a basic rule", "a basic rule"),
        ('{"password": "correct horse battery"}', f'{{"password": "{H}"}}'),
        (r"{\"client_secret\":\"abc\",\"a\":1}", rf"{{\"client_secret\":\"{H}"),
        ("api_key=abc, model=x", f"api_key={H}, model=x"),
        ("access_token=abc&b=c", f"access_token={H}&b=c"),
        ("https://host/v1?key=abc&a=b", f"https://host/v1?key={H}&a=b"),
        ("https://host/v1?a=b&api-key=abc#x", f"https://host/v1?a=b&api-key={H}"),
        ("mongodb://user:pa@ss@host:27017/db", f"mongodb://{H}@host:27017/db"),
        ("https://host/@user", "https://host/@user"),
        ("eyJhbGciOiJI.eyJzdWIi.c2ln", H),
        ("input_tokens=5, max_tokens: 7", "input_tokens=5, max_tokens: 7"),
        ("OPENAI_API_KEY=abc", f"OPENAI_API_KEY={H}"),
        ("token=sk-abcdefgh", f"token={H}"),
    ],
)
def test_secrets_in_texts_are_hidden(text: str, expected: str) -> None:
    """Keys, tokens, headers, assignments and URLs; twice is as good as once."""
    assert expected == shown(text)
    assert expected == shown(shown(text))


def test_exceptions_are_hidden_as_texts() -> None:
    """A tool's error may quote the request that it made."""
    error = ValueError("401 for https://api.test/v1?api_key=abc")

    assert f"ValueError('401 for https://api.test/v1?api_key={H}')" == shown(repr(error), "error")
    assert f"ValueError('401 for https://api.test/v1?api_key={H}')" == shown(error, "error")


def test_objects_are_looked_into() -> None:
    """Whatever the log would have shown of them."""

    @attrs.frozen
    class Login:
        user: str
        password: str

    class Header(msgspec.Struct):
        name: str
        token: str

    assert {"user": "bob", "password": H} == shown(Login("bob", "abc"))
    assert [{"name": "a", "token": H}] == shown((Header("a", "abc"),))
    assert [f"PosixPath('/x?token={H}')"] == shown({Path("/x?token=abc")})


def test_a_value_that_goes_round_in_circles_ends() -> None:
    """What lies deep is not written."""
    endless: list[Any] = []
    endless.append(endless)

    text = json.dumps(shown(endless), ensure_ascii=False)

    assert DEEPEST == text.count("[")


def test_known_secrets_are_hidden_wherever_they_are() -> None:
    """Those of the config, though nothing else gives them away; the longest first."""
    secrets = ("correct horse", "horse", "tiny")

    assert f"say {H} to {H}, tiny" == shown("say correct horse to correct, tiny", "said", secrets)


def test_the_secrets_of_a_config() -> None:
    """Texts under their names, in tables and lists, and passwords in URLs."""
    tables: Mapping[str, Any] = {
        "providers": {"a": {"api_key": "one", "base_url": "http://h", "model": "m"}},
        "plugins": {"mcp": {"servers": [{"env": {"GITHUB_TOKEN": "two"}, "api_keys": ["three"]}]}},
        "store": {"url": "mongodb://user:four@host/db", "cache_seconds": 5.0},
        "server": {"token": None},
    }

    assert {"one", "two", "three", "four"} == secrets_of(tables)


def test_a_long_text_is_cut() -> None:
    """A caller cannot keep the server busy with what it has it log."""
    assert "a" * LONGEST + CUT == shown("a" * 10_000_000)


PIECES = ("eyJaaaaaaaa-", "://", "token=", 'token="', "bearer ", "sk-", "://@", "\\", "a@")


@pytest.mark.parametrize("piece", PIECES)
def test_any_text_is_read_in_one_go(piece: str) -> None:
    """Looking takes time in proportion to the text; else the suite's limit would end this."""
    redaction = Redaction()

    for text in (piece * LONGEST)[:LONGEST], ("a" + piece * LONGEST)[:LONGEST]:
        assert redaction.text(text)


def test_a_server_hides_the_secrets_of_its_config(tmp_path: Path) -> None:
    """A value that the config takes from the environment is in no line, whoever writes it."""
    (tmp_path / "hookline.toml").write_text(
        '[store]\nurl = "memory://"\n[server]\nport = 0\n'
        '[providers.local]\nkind = "openai"\napi_key = "${UPSTREAM}"\n'
        "[runtime]\ndisabled_plugins = []\n"
    )
    plugin = "import structlog\nstructlog.get_logger().warning('heard', said='correct horse')\n"
    path = process.installed(tmp_path / "packages", {"acme_loud": plugin})
    variables = {"PYTHONPATH": path, "UPSTREAM": "correct horse"}

    with process.serving("serve", cwd=tmp_path, **variables) as program:
        program.stop()
        lines = [json.loads(line) for line in program.stderr.splitlines()]

    assert [H] == [line["said"] for line in lines if line["event"] == "heard"]
