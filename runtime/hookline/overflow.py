"""Overflow: telling from an upstream's error that it was given more than its model can read.

Vendors share neither a status nor a code for it, and most have nothing but a sentence.
"""

import re
from collections.abc import Collection

CODES = frozenset(
    {
        "context_length_exceeded",  # OpenAI, Azure, Groq, Cerebras
        "context_window_exceeded",
        "exceed_context_size_error",  # llama.cpp
        "model_context_window_exceeded",  # Anthropic
    }
)
"""Codes and types of errors that say so."""

STATUSES = frozenset({400, 413, 422, 500})
"""Statuses that come with it: 500 from servers that do not tell it from a crash."""

READ = 2_000
"""Characters of a message that are looked at."""

_WORDINGS = re.compile(
    r"prompt is too long"  # Anthropic, also behind Bedrock and Vertex; Fireworks
    r"|input length and `?max_tokens`? exceed context limit"  # Anthropic
    r"|maximum context length (?:is|of) \d"  # OpenAI, vLLM, SGLang, DeepSeek, OpenRouter
    r"|maximum prompt length is \d"  # xAI
    r"|maximum model length of \d"  # vLLM
    r"|too large for model with \d{1,12} maximum context length"  # Mistral
    r"|model'?s context length (?:is only \d|\(\d)"  # vLLM, SGLang
    r"|too long to fit into the model"  # vLLM
    r"|exceeds the (?:model'?s )?context (?:window|length)"  # OpenAI, Ollama
    r"|exceeds (?:the )?(?:model'?s )?maximum context length"  # Ollama, SGLang
    r"|exceeded max context length"  # Ollama
    r"|exceeds model context window"  # Vertex
    r"|exceeds the available context size"  # llama.cpp
    r"|exceed context window of \d"  # llama-cpp-python
    r"|context length of only \d"  # LM Studio
    r"|greater than the context length"  # LM Studio
    r"|input token count (?:\(\d{1,12}\) )?exceeds the maximum"  # Gemini
    r"|input token count is \d{1,12} but (?:the )?model only supports"  # Vertex
    r"|input is too long for requested model"  # Bedrock
    r"|too many input tokens"  # Bedrock
    r"|number of tokens in the prompt cannot exceed"  # Cohere
    r"|inputs`? tokens \+ `?max_new_tokens`? must be"  # text-generation-inference
    r"|input length \d{1,12} exceeds the maximum (?:allowed input )?length",  # GLM, SGLang
    re.IGNORECASE,
)
"""Sentences that say so, each as precise as vendors let it be. Nothing in them repeats freely, so
a message is read in one go, whoever wrote it."""


def too_long(message: str, codes: Collection[object] = (), status: int | None = None) -> bool:
    """Whether an upstream's error says that what it was given to read is too long.

    Args:
        message: the upstream's own words.
        codes: its codes and types, where it has any.
        status: the HTTP status; ``None`` in the midst of an answer.
    """
    if any(isinstance(code, str) and code in CODES for code in codes):
        return True
    if status is not None and status not in STATUSES:
        return False
    return _WORDINGS.search(message[:READ]) is not None
