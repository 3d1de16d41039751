"""What upstreams answered when a prompt was too long: status and body, as they were reported."""

from typing import Any

OPENAI = {
    "error": {
        "message": "This model's maximum context length is 4097 tokens. However, your messages "
        "resulted in 4294 tokens. Please reduce the length of the messages.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }
}
OPENAI_NEW = {
    "error": {
        "message": "Your input exceeds the context window of this model. Please adjust your input "
        "and try again.",
        "type": "invalid_request_error",
        "param": "input",
        "code": "context_length_exceeded",
    }
}
CODE_ALONE = {"error": {"message": "No.", "type": "x", "code": "context_length_exceeded"}}
DEEPSEEK = {
    "error": {
        "message": "This model's maximum context length is 65536 tokens. However, you requested "
        "72814 tokens (68718 in the messages, 4096 in the completion). Please reduce the length "
        "of the messages or completion.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_request_error",
    }
}
ANTHROPIC = {
    "type": "error",
    "error": {
        "type": "invalid_request_error",
        "message": "prompt is too long: 213462 tokens > 200000 maximum",
    },
}
ANTHROPIC_OUTPUT = {
    "type": "error",
    "error": {
        "type": "invalid_request_error",
        "message": "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, "
        "decrease input length or `max_tokens` and try again",
    },
}
GEMINI = {
    "error": {
        "code": 400,
        "message": "The input token count (1200293) exceeds the maximum number of tokens allowed "
        "(1048576).",
        "status": "INVALID_ARGUMENT",
    }
}
VERTEX = {
    "error": {
        "code": 400,
        "message": "Unable to submit request because the input token count is 40000 but model only "
        "supports up to 32768. Reduce the input token count and try again.",
        "status": "INVALID_ARGUMENT",
    }
}
BEDROCK = {
    "message": "The model returned the following errors: Input is too long for requested model."
}
BEDROCK_CLAUDE = {
    "message": "The model returned the following errors: prompt is too long: 227255 tokens > "
    "200000 maximum"
}
MISTRAL = {
    "object": "error",
    "message": "Prompt contains 40644 tokens and 0 draft tokens, too large for model with 32768 "
    "maximum context length",
    "type": "invalid_request_error",
    "param": None,
    "code": "3051",
}
XAI = {
    "code": "Client specified an invalid argument",
    "error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
}
COHERE = {
    "message": "too many tokens: total number of tokens in the prompt cannot exceed 4081 - "
    "received 4829. Try using a shorter prompt, or enable prompt truncating."
}
LLAMA_CPP = {
    "error": {
        "code": 400,
        "message": "the request exceeds the available context size. try increasing the context "
        "size or enable context shift",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 14429,
        "n_ctx": 8192,
    }
}
LLAMA_CPP_PYTHON = {
    "error": {"message": "Requested tokens (2285) exceed context window of 2048", "code": None}
}
OLLAMA = {"error": "prompt too long; exceeded max context length by 4 tokens"}
OLLAMA_INPUT = {"error": "the input length exceeds the context length"}
LM_STUDIO = {
    "error": "Trying to keep the first 15857 tokens when context the overflows. However, the model "
    "is loaded with context length of only 4096 tokens, which is not enough. Try to load the model "
    "with a larger context length, or provide a shorter input"
}
LM_STUDIO_KEEP = {
    "error": "The number of tokens to keep from the initial prompt is greater than the context "
    "length. Try to load the model with a larger context length, or provide a shorter input"
}
VLLM = {
    "object": "error",
    "message": "The decoder prompt (length 10127) is longer than the maximum model length of 8192. "
    "Make sure that `max_model_len` is no smaller than the number of text tokens plus multimodal "
    "tokens.",
    "type": "BadRequestError",
    "param": None,
    "code": 400,
}
VLLM_OUTPUT = {
    "error": {
        "message": "'max_tokens' or 'max_completion_tokens' is too large: 2000. This model's "
        "maximum context length is 4096 tokens and your request has 2104 input tokens "
        "(2000 > 4096 - 2104).",
        "type": "BadRequestError",
        "param": None,
        "code": 400,
    }
}
VLLM_OLD = {
    "object": "error",
    "message": "The prompt (total length 25938) is too long to fit into the model (context length "
    "4096).",
    "type": "BadRequestError",
    "code": 400,
}
SGLANG = {
    "object": "error",
    "message": "The input (61709 tokens) is longer than the model's context length (40960 tokens).",
    "type": "BadRequestError",
    "param": None,
    "code": 400,
}
TGI = {
    "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: "
    "4080 `inputs` tokens and 100 `max_new_tokens`",
    "error_type": "validation",
}
OPENROUTER = {
    "error": {
        "message": "This endpoint's maximum context length is 131072 tokens. However, you "
        "requested about 140000 tokens. Please reduce the length of either one, or use the "
        '"middle-out" transform to compress your prompt automatically.',
        "code": 400,
    }
}

TOO_LONG: dict[str, tuple[int, Any]] = {
    "openai": (400, OPENAI),
    "openai, newer": (400, OPENAI_NEW),
    "code alone": (400, CODE_ALONE),
    "deepseek": (400, DEEPSEEK),
    "anthropic": (400, ANTHROPIC),
    "anthropic, with its answer": (400, ANTHROPIC_OUTPUT),
    "gemini": (400, GEMINI),
    "gemini, as a list": (400, [GEMINI]),
    "vertex": (400, VERTEX),
    "bedrock": (400, BEDROCK),
    "bedrock, claude": (400, BEDROCK_CLAUDE),
    "mistral": (400, MISTRAL),
    "xai": (400, XAI),
    "cohere": (400, COHERE),
    "llama.cpp": (400, LLAMA_CPP),
    "llama.cpp, older": (500, LLAMA_CPP),
    "llama-cpp-python": (400, LLAMA_CPP_PYTHON),
    "ollama": (400, OLLAMA),
    "ollama, input": (500, OLLAMA_INPUT),
    "lm studio": (400, LM_STUDIO),
    "lm studio, kept": (400, LM_STUDIO_KEEP),
    "vllm": (400, VLLM),
    "vllm, with its answer": (400, VLLM_OUTPUT),
    "vllm, older": (400, VLLM_OLD),
    "sglang": (400, SGLANG),
    "text-generation-inference": (422, TGI),
    "openrouter": (400, OPENROUTER),
}

OTHERWISE_WRONG: dict[str, tuple[int, Any]] = {
    "tokens a minute": (
        413,
        {
            "error": {
                "message": "Request too large for model `llama-3.1-8b-instant` on tokens per "
                "minute (TPM): Limit 6000, Requested 8000, please reduce your message size",
                "type": "tokens",
                "code": "rate_limit_exceeded",
            }
        },
    ),
    "a rate": (429, {"error": {"message": "This model's maximum context length is 8 tokens"}}),
    "an answer": (
        400,
        {
            "error": {
                "message": "max_tokens is too large: 100000. This model supports at most 16384 "
                "completion tokens, whereas you provided 100000.",
                "type": "invalid_request_error",
                "param": "max_tokens",
                "code": "invalid_value",
            }
        },
    ),
    "a text": (
        400,
        {
            "error": {
                "message": "Invalid 'messages[0].content': string too long. Expected a string with "
                "maximum length 10485760.",
                "code": "string_above_max_length",
            }
        },
    ),
    "a tool's name": (400, {"error": {"message": "tools.0.name: String is too long"}}),
    "a key": (401, {"error": {"message": "prompt is too long", "code": "invalid_api_key"}}),
    "nothing": (400, {}),
    "no object": (400, []),
}
