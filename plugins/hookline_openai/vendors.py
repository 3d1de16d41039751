"""Whose API is behind an address, as price lists call the vendor."""

from collections.abc import Mapping
from urllib.parse import urlsplit

HOSTS: Mapping[str, str] = {
    "api.anthropic.com": "anthropic",
    "api.cerebras.ai": "cerebras",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
    "api.moonshot.ai": "moonshotai",
    "api.moonshot.cn": "moonshotai",
    "api.novita.ai": "novita",
    "api.openai.com": "openai",
    "api.perplexity.ai": "perplexity",
    "api.together.ai": "together",
    "api.together.xyz": "together",
    "api.x.ai": "x-ai",
    "api.z.ai": "zai",
    "generativelanguage.googleapis.com": "google",
    "open.bigmodel.cn": "zhipuai",
    "openrouter.ai": "openrouter",
}
"""Vendors by the whole name of the host."""

DOMAINS: Mapping[str, str] = {
    ".openai.azure.com": "azure",
    ".services.ai.azure.com": "azure",
    ".cognitiveservices.azure.com": "azure",
    ".aiplatform.googleapis.com": "google",
}
"""Vendors that give each customer a host of its own."""


def vendor_at(base_url: str) -> str | None:
    """The vendor of an address; ``None`` if it is nobody's that is known."""
    host = (urlsplit(base_url).hostname or "").lower()
    if host in HOSTS:
        return HOSTS[host]
    return next((vendor for domain, vendor in DOMAINS.items() if host.endswith(domain)), None)
