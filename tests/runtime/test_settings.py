"""Settings: one TOML file, variables of the environment on top, decoded strictly."""

from typing import Any

import pytest
from msgspec import Struct

from hookline.errors import ConfigError
from hookline.settings import decode_table, load


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: int = 8000
    tags: list[str] = []


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    server: Server = Server()
    plugins: dict[str, dict[str, Any]] = {}
    servers: list[Server] = []


def read(tmp_path, text, environment=None):
    path = tmp_path / "some.toml"
    path.write_text(text, "utf-8")
    return load(path, Settings, environment or {})


def refusal(tmp_path, text, environment=None):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, environment)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_without_a_file_there_are_defaults_and_the_environment():
    """No file is no error; variables apply all the same, and mistakes are those of defaults."""
    assert Settings() == load(None, Settings, {})
    assert Server(port=1) == load(None, Settings, {"HOOKLINE_SERVER__PORT": "1"}).server
    with pytest.raises(ConfigError, match=r"^defaults: server.port: Expected `int`"):
        load(None, Settings, {"HOOKLINE_SERVER__PORT": "x"})


def test_a_variable_of_the_environment_wins_over_the_file(tmp_path):
    """It sets one value and leaves its neighbours."""
    environment = {"HOOKLINE_SERVER__PORT": "9000"}

    settings = read(tmp_path, "[server]\nhost = '::1'\nport = 1", environment)

    assert Server(host="::1", port=9000) == settings.server


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain text", "plain text"),
        ("", ""),
        ("7", 7),
        ("-0.5", -0.5),
        ("true", True),
        ('"7"', "7"),
        ("[1, 2]", [1, 2]),
        ("{ a = { b = 1 } }", {"a": {"b": 1}}),
        ("a = b", "a = b"),
        ("1\nother = 2", "1\nother = 2"),
        ("http://x/?a=1#b", "http://x/?a=1#b"),
        ("${HOME}", "${HOME}"),
    ],
)
def test_a_variable_is_read_as_toml_if_it_is_that(text, value):
    """Anything else is text, an empty value too."""
    settings = load(None, Settings, {"HOOKLINE_PLUGINS__ACME__VALUE": text})

    assert {"acme": {"value": value}} == settings.plugins


def test_variables_reach_as_deep_as_they_need(tmp_path):
    """Each ``__`` is a step into a table, which is made if it is missing."""
    environment = {"HOOKLINE_PLUGINS__ACME__A__B_C": "1", "HOOKLINE_PLUGINS__ACME__A__D": "2"}

    settings = read(tmp_path, "[plugins.acme.a]\ne = 3", environment)

    assert {"acme": {"a": {"b_c": 1, "d": 2, "e": 3}}} == settings.plugins


def test_other_variables_are_left_alone():
    """Only ``HOOKLINE_`` with a table and a key in it is a setting."""
    environment = {"HOOKLINE_CONFIG": "x", "PORT": "1", "XHOOKLINE_SERVER__PORT": "2"}

    assert Settings() == load(None, Settings, environment)


def test_a_variable_cannot_reach_into_a_value(tmp_path):
    """The message names the variable and the key that is no table."""
    said = refusal(tmp_path, "server = 1", {"HOOKLINE_SERVER__PORT": "1"})

    assert said == "HOOKLINE_SERVER__PORT: server is a value in the config, not a table"


def test_strings_take_variables(tmp_path):
    """Everywhere: in tables, in lists, more than once, empty ones too; and never twice."""
    text = """
    [server]
    host = "${A}-${EMPTY}-${A}"
    tags = ["${B}", "plain", "$A", "$ {A}"]
    """

    settings = read(tmp_path, text, {"A": "a", "B": "${A}", "EMPTY": ""})

    assert "a--a" == settings.server.host
    assert ["${A}", "plain", "$A", "$ {A}"] == settings.server.tags


def test_two_dollars_stand_for_the_text_itself(tmp_path):
    """A prompt may speak of ``${name}``."""
    assert "${A} a" == read(tmp_path, '[server]\nhost = "$${A} ${A}"', {"A": "a"}).server.host


def test_a_missing_variable_is_named(tmp_path):
    """With the file, the key, and the way out."""
    said = refusal(tmp_path, '[server]\ntags = ["x", "${NOT_SET}"]')

    expected = (
        "some.toml: server.tags[1]: the environment variable NOT_SET is not set; "
        "$${NOT_SET} stands for the text itself"
    )
    assert expected == said


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("[server]\nport = 'x'", {}, "some.toml: server.port: Expected `int`, got `str`"),
        ("[server]\nprot = 1", {}, "some.toml: server: there is no key 'prot'; the keys are host"),
        ("[[servers]]\nport = 1\n[[servers]]\nprot = 1", {}, "servers.1: there is no key 'prot'"),
        ("[plugins]\nacme = 1", {}, "some.toml: plugins.acme: Expected `object`, got `int`"),
        (
            "",
            {"HOOKLINE_SERVER__PORT": "x"},
            "some.toml: server.port: Expected `int`, got `str` "
            "(set by the environment variable HOOKLINE_SERVER__PORT)",
        ),
        ("", {"HOOKLINE_SERVER__PROT": "1"}, "environment variable HOOKLINE_SERVER__PROT)"),
        ("", {"HOOKLINE___PORT": "1"}, "there is no key ''"),
        ("[server", {}, "some.toml: not TOML: "),
    ],
)
def test_a_mistake_names_the_source_the_key_and_what_was_expected(
    tmp_path, text, environment, said
):
    """A mistake in the environment names the variable, too."""
    assert said in refusal(tmp_path, text, environment)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """With the reason of the system, and for bytes that are no text."""
    with pytest.raises(ConfigError, match=r"missing.toml: cannot be read: No such file"):
        load(tmp_path / "missing.toml", Settings, {})
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"bytes.toml: not TOML: "):
        load(tmp_path / "bytes.toml", Settings, {})


def test_a_table_is_decoded_under_its_own_name():
    """A plugin's table says where it stands."""
    assert Server(port=1) == decode_table({"port": 1}, Server, "x.toml: plugins.acme")
    with pytest.raises(ConfigError, match=r"^x.toml: plugins.acme: tags.0: Expected `str`"):
        decode_table({"tags": [1]}, Server, "x.toml: plugins.acme")
