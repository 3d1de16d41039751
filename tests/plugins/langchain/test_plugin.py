"""The plugin as the runtime finds it."""

import subprocess
import sys
from typing import Any

import pytest

from hookline.providers import sees_images
from hookline.settings import decode_table
from hookline_langchain.provider import LangChainProvider
from hookline_langchain.settings import COMMON, OPENAI, LangChainSettings

WITHOUT_LANGCHAIN = """
import importlib.util, sys
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "langchain" else real(name, *rest)
from hookline.plugins import Plugins
plugins = Plugins({}, "test")
plugins.discover()
found = {plugin.name: plugin for plugin in plugins}["langchain"]
print(found.quarantined, found.remedy)
"""

QUICK = """
import sys
import hookline_langchain
print(sorted(name for name in ("langchain", "langchain_core", "pydantic") if name in sys.modules))
"""


def python(code: str) -> str:
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return result.stdout.splitlines()[-1]


def test_without_the_extra_the_plugin_is_set_aside() -> None:
    """Where LangChain is missing, the plugin is quarantined with the command that mends it."""
    assert "True pip install 'hookline[langchain]'" == python(WITHOUT_LANGCHAIN)


def test_the_plugin_is_quick_to_import() -> None:
    """LangChain is not imported before a provider of this kind is opened."""
    assert "[]" == python(QUICK)


def test_parameters_depend_on_the_model() -> None:
    """OpenAI's models honour its fields, others the common ones, or what the operator says."""
    table = {"model_provider": "anthropic", "parameters": ["temperature", "top_k"]}

    assert OPENAI == LangChainSettings(model_provider="openai").honoured()
    assert COMMON == LangChainSettings(model_provider="anthropic").honoured()
    assert {"temperature", "top_k"} == decode_table(table, LangChainSettings, "t").honoured()


def test_settings_show_no_secret() -> None:
    """Printing the settings does not show the options, which hold keys."""
    settings = LangChainSettings(model_provider="openai", options={"api_key": "sk-secret"})

    assert "sk-secret" not in repr(settings)
    assert "api_key" in repr(settings)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"model_provider": "anthropic"}, True),
        ({"model_provider": "anthropic", "images": False}, False),
        ({"model_provider": "openai"}, True),
        ({"model_provider": "openai", "options": {"base_url": "http://127.0.0.1/v1"}}, False),
        ({"model_provider": "ollama"}, False),
        ({"model_provider": "ollama", "images": True}, True),
    ],
)
def test_who_sees_images(table: dict[str, Any], expected: bool) -> None:
    """Models of those whose models all do, others if the config says so."""
    settings = decode_table(table, LangChainSettings, "t")

    assert expected == sees_images(LangChainProvider("local", settings))
