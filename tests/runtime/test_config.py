"""The runtime's own tables of ``hookline.toml``."""

import pytest

from hookline.agents import Agent
from hookline.config import Config, agents_of
from hookline.errors import ConfigError
from hookline.settings import load

HELPER = """
[agents."team/helper:1.0"]
name = "Helper"
provider = "local"
model = "qwen3"
instructions = "Help."
tools = ["calculator"]
locked = ["temperature"]
model_parameters = { temperature = 0.2, stop = ["a"] }
dialect = "librechat"
on_tool_failure = "degrade"
recursion_limit = 7
"""


def read(tmp_path, text, **environment):
    path = tmp_path / "hookline.toml"
    path.write_text(text, "utf-8")
    return load(path, Config, environment)


def refusal(tmp_path, text):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    return str(caught.value).removeprefix(f"{tmp_path}/")


def test_an_empty_file_is_a_whole_config(tmp_path):
    """Everything has a default that works on one machine."""
    config = read(tmp_path, "")

    assert Config() == config
    assert ("sqlite:///./hookline.db", "memory://") == (config.store.url, config.event_log.url)


def test_an_agent_of_the_config_is_marked_as_such(tmp_path):
    """Every key of ``[agents.<id>]`` arrives, and the table's name is the id."""
    [agent] = agents_of(read(tmp_path, HELPER))

    expected = Agent(
        id="team/helper:1.0",
        name="Helper",
        provider="local",
        model="qwen3",
        instructions="Help.",
        tools=("calculator",),
        locked=("temperature",),
        model_parameters={"temperature": 0.2, "stop": ["a"]},
        dialect="librechat",
        on_tool_failure="degrade",
        recursion_limit=7,
        managed_by="config",
        created_at=agent.created_at,
        updated_at=agent.updated_at,
    )
    assert expected == agent


def test_tables_of_providers_and_plugins_are_passed_on(tmp_path):
    """What is in them is for their owners to judge."""
    config = read(tmp_path, '[providers.local]\nkind = "openai"\n[plugins.acme]\nany = { a = 1 }')

    assert {"local": {"kind": "openai"}} == config.providers
    assert {"acme": {"any": {"a": 1}}} == config.plugins


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[stores]", "hookline.toml: there is no key 'stores'; the keys are agents, event_log, "),
        ("[store]\nuri = 1", "store: there is no key 'uri'; the keys are cache_seconds, url"),
        ("[store]\nurl = 1", "store.url: Expected `str`, got `int`"),
        ("[store]\ncache_seconds = -1", "store.cache_seconds: Expected `float` >= 0.0"),
        ("[runs]\ndeadline = 0", "runs.deadline: Expected `float` > 0.0"),
        ('[runs.part_deadlines]\na = 1\n"x.y" = 0', "runs.part_deadlines.x.y: Expected `float` >"),
        ("[runtime]\ndisabled_plugins = ['a', 3]", "runtime.disabled_plugins.1: Expected `str`"),
        (HELPER + "[agents.b]\nmodel = 'm'", "agents.b: Object missing required field `provider`"),
        (HELPER + "[agents.b]\nprovider = 1", "agents.b.provider: Expected `str`, got `int`"),
        (HELPER + "max_steps = 1", "agents.team/helper:1.0: there is no key 'max_steps'; the keys"),
        (HELPER + "[agents.'no spaces']\n", "agents.no spaces: "),
        (HELPER.replace("librechat", "other"), "agents.team/helper:1.0.dialect: Invalid enum"),
        ("agents = 3", "agents: Expected `object`, got `int`"),
        ("providers = { a = 1 }", "providers.a: Expected `object`, got `int`"),
    ],
)
def test_a_mistake_is_named_with_file_key_and_expectation(tmp_path, text, said):
    """The message leads to the line, in mappings of any names too."""
    message = refusal(tmp_path, text)

    assert message.startswith("hookline.toml: ")
    assert said in message
