"""Answers in one piece, as OpenAI's client for Python gets them."""

import asyncio
from typing import Any

import pytest

from support.witness import async_client, client

USER: Any = {"role": "user", "content": "Good morning"}


def test_an_answer(site: Any) -> None:
    """A question has an answer, a reason why it ended, and token counts."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(model="helper", messages=[USER])

    (choice,) = answer.choices
    assert ("assistant", "Good morning") == (choice.message.role, choice.message.content)
    assert (0, "stop", None) == (choice.index, choice.finish_reason, choice.logprobs)
    assert ("chat.completion", "helper") == (answer.object, answer.model)
    assert answer.id.startswith("chatcmpl-")
    assert answer.usage is not None
    assert answer.usage.prompt_tokens + 2 == answer.usage.total_tokens


def test_answers_at_the_same_time(site: Any) -> None:
    """Ten questions of the asynchronous client, asked at once, get each its own answer."""

    async def ask() -> list[str | None]:
        async with async_client(site.server) as openai:
            asked = [
                openai.chat.completions.create(
                    model="helper", messages=[{"role": "user", "content": f"number {i}"}]
                )
                for i in range(10)
            ]
            answers = await asyncio.gather(*asked)
            return [answer.choices[0].message.content for answer in answers]

    assert [f"number {i}" for i in range(10)] == asyncio.run(ask())


def test_an_upstreams_answer(site: Any) -> None:
    """What an upstream streams arrives in one piece, counts and reasoning included."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(model="thinker", messages=[USER])

    message, counts = answer.choices[0].message, answer.usage
    assert "Done." == message.content
    assert {"reasoning": "Let me see.", "reasoning_content": "Let me see."} == message.model_extra
    assert counts is not None
    assert (20, 9, 29) == (counts.prompt_tokens, counts.completion_tokens, counts.total_tokens)
    assert counts.prompt_tokens_details is not None
    assert 4 == counts.prompt_tokens_details.cached_tokens
    assert counts.completion_tokens_details is not None
    assert 5 == counts.completion_tokens_details.reasoning_tokens


def test_all_roles(site: Any) -> None:
    """Every role that OpenAI knows may speak, the caller's earlier tool calls included."""
    call: Any = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    with client(site.server) as openai:
        answer = openai.chat.completions.create(
            model="helper",
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
                {"role": "user", "content": "What is f?", "name": "Ann"},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": "seven"},
                {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
                {"role": "user", "content": "And now?"},
            ],
        )

    assert "And now?" == answer.choices[0].message.content


def test_all_parts(site: Any) -> None:
    """Text, images, sound and files are taken in one message."""
    content: Any = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:;base64,AA=="}},
    ]
    with client(site.server) as openai:
        answer = openai.chat.completions.create(
            model="helper", messages=[{"role": "user", "content": content}]
        )

    assert "Look:\n[image]\n[audio]\n[file: a.pdf]" == answer.choices[0].message.content


def test_reasoning(site: Any) -> None:
    """With an effort there is reasoning, in a field of its own and counted."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(
            model="helper", messages=[USER], reasoning_effort="low"
        )

    message = answer.choices[0].message
    extra = message.model_extra or {}
    assert "Good morning" == message.content
    assert extra["reasoning"]
    assert extra["reasoning"] == extra["reasoning_content"]
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert (answer.usage.completion_tokens_details.reasoning_tokens or 0) > 0


def test_a_refusal(site: Any) -> None:
    """A refusal stands in its own field, and there is no content beside it."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(model="refuser", messages=[USER])

    message = answer.choices[0].message
    assert (None, "I will not.") == (message.content, message.refusal)


def test_logprobs(site: Any) -> None:
    """Each token comes with its probability and with the likeliest others."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(
            model="helper", messages=[USER], logprobs=True, top_logprobs=1
        )

    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert "Good morning" == "".join(token.token for token in logprobs.content or ())
    assert [1, 1] == [len(token.top_logprobs) for token in logprobs.content or ()]


@pytest.mark.parametrize(
    ("asked", "content", "reason"),
    [
        ({"max_tokens": 1}, "Good", "length"),
        ({"max_completion_tokens": 1}, "Good", "length"),
        ({"max_tokens": 2}, "Good morning", "stop"),
        ({"stop": " mor"}, "Good", "stop"),
        ({"stop": ["x", "ning", "y", "z"]}, "Good mor", "stop"),
    ],
)
def test_an_answer_ends_early(site: Any, asked: Any, content: str, reason: str) -> None:
    """A limit of tokens ends it as ``length``, a stop string as ``stop``."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(model="helper", messages=[USER], **asked)

    (choice,) = answer.choices
    assert (content, reason) == (choice.message.content, choice.finish_reason)


def test_an_answer_that_was_filtered(site: Any) -> None:
    """A filter upstream ends it as ``content_filter``."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(model="cautious", messages=[USER])

    assert "content_filter" == answer.choices[0].finish_reason


def test_every_parameter_of_the_client(site: Any) -> None:
    """All that the client can say about sampling is taken."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(
            model="helper",
            messages=[USER],
            frequency_penalty=0.1,
            logit_bias={"50256": -100},
            metadata={"tour": "one"},
            modalities=["text"],
            n=1,
            presence_penalty=-0.1,
            prompt_cache_key="k",
            safety_identifier="s",
            seed=7,
            service_tier="auto",
            store=False,
            temperature=0,
            top_p=1,
            user="ann",
            verbosity="low",
        )

    assert "Good morning" == answer.choices[0].message.content


def test_fields_that_nobody_knows(site: Any) -> None:
    """They are taken and ignored, in the body and in the query."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(
            model="helper",
            messages=[USER],
            extra_body={"top_k": 40, "provider": {"order": ["x"]}},
            extra_query={"api-version": "1"},
        )

    assert "Good morning" == answer.choices[0].message.content


def test_the_seeds_path(site: Any) -> None:
    """The same API answers under ``/api/agents/v1``."""
    with client(site.server, path="/api/agents/v1") as openai:
        answer = openai.chat.completions.create(model="helper", messages=[USER])
        models = [model.id for model in openai.models.list()]

    assert "Good morning" == answer.choices[0].message.content
    assert "helper" in models


def test_a_raw_response(site: Any) -> None:
    """``with_raw_response`` gives headers besides the parsed answer; a caller's id is kept."""
    with client(site.server) as openai:
        raw = openai.chat.completions.with_raw_response.create(
            model="helper", messages=[USER], extra_headers={"x-request-id": "mine-1"}
        )

    assert ("mine-1", 200) == (raw.request_id, raw.status_code)
    assert "application/json" == raw.headers["content-type"]
    assert "Good morning" == raw.parse().choices[0].message.content


def test_a_response_that_is_streamed_to_the_client(site: Any) -> None:
    """``with_streaming_response`` reads the same body piece by piece."""
    with client(site.server) as openai:
        with openai.chat.completions.with_streaming_response.create(
            model="helper", messages=[USER]
        ) as response:
            request_id, answer = response.request_id, response.parse()

    assert (request_id or "").startswith("req_")
    assert "Good morning" == answer.choices[0].message.content


def test_a_run_that_goes_in_circles(site: Any) -> None:
    """The agent's recursion limit ends it as ``length``, and says so."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(model="runaway", messages=[USER])

    assert "length" == answer.choices[0].finish_reason
    assert {"hookline": {"stop_reason": "recursion_limit"}} == answer.model_extra


def test_models(site: Any) -> None:
    """Agents are listed in order, and each can be asked for."""
    with client(site.server) as openai:
        listed = [model.id for model in openai.models.list()]
        one = openai.models.retrieve("helper")

    assert sorted(listed) == listed
    assert {"helper", "clerk", "plain"} <= set(listed)
    assert ("helper", "model", "hookline") == (one.id, one.object, one.owned_by)


def test_models_to_the_asynchronous_client(site: Any) -> None:
    """The list is paged as the client expects it."""

    async def ask() -> list[str]:
        async with async_client(site.server) as openai:
            return [model.id async for model in openai.models.list()]

    assert "helper" in asyncio.run(ask())
