"""The plugin as the server finds it."""

import pytest

from hookline.errors import ConfigError
from hookline.plugins import Plugins
from hookline.providers import sees_images
from hookline.settings import decode_table
from hookline_openai import OpenAIProvider, OpenAISettings


def test_kind():
    """The entry point offers one kind, which opens a provider without I/O."""
    plugins = Plugins({}, "test")
    plugins.discover()

    kinds = {kind.kind: kind for _, kind in plugins.parts("model_provider")}
    provider = kinds["openai"].open("local", OpenAISettings())

    assert kinds["openai"].settings is OpenAISettings
    assert isinstance(provider, OpenAIProvider)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"base_url": "localhost:8000"}, "base_url"),
        ({"base_url": "http://user:pass@host/v1"}, "base_url"),
        ({"base_url": "http://host/v1?key=1"}, "base_url"),
        ({"api_key": "sk-1\n"}, "api_key"),
        ({"headers": {"x y": "1"}}, "headers"),
        ({"retries": -1}, "retries"),
        ({"token_timeout": 0}, "token_timeout"),
        ({"max_tokens_field": "tokens"}, "max_tokens_field"),
        ({"apikey": "sk-1"}, "apikey"),
    ],
)
def test_wrong_settings(table, words):
    """A wrong setting is named, and its value is not told."""
    with pytest.raises(ConfigError) as caught:
        decode_table(table, OpenAISettings, "hookline.toml: providers.local")

    assert words in str(caught.value)
    assert "pass" not in str(caught.value)
    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, True),
        ({"images": False}, False),
        ({"base_url": "http://127.0.0.1:11434/v1"}, False),
        ({"base_url": "http://127.0.0.1:11434/v1", "images": True}, True),
    ],
)
def test_who_sees_images(table, expected):
    """OpenAI's own models do, others if the config says so."""
    settings = decode_table(table, OpenAISettings, "t")

    assert expected == sees_images(OpenAIProvider("local", settings))
