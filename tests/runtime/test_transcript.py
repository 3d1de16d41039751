"""A run's events, folded into one answer."""

from hookline.events import (
    AgentSwitched,
    ArtifactAttached,
    Reasoning,
    Refusal,
    RunFinished,
    RunStarted,
    Text,
    ToolCallArguments,
    ToolCallFinished,
    ToolCallStarted,
    UsageReported,
)
from hookline.transcript import Transcript, total
from hookline.wire.completion import Logprobs, TokenLogprob

TOKEN = TokenLogprob("Hi", -0.5)


def test_every_event_has_its_place() -> None:
    """Words, calls with their results, attachments, usage and the end."""
    started = ToolCallStarted(0, "call_1", "add", "server")
    done = ToolCallFinished(0, "call_1", "add", "success", "3")
    picture = ArtifactAttached("call_1", "image", "a.svg", 1)
    usage = UsageReported(0, 5, 2)
    transcript = Transcript()

    transcript.add(
        [
            RunStarted("run_1", "helper", 1, 0),
            Reasoning("Hm. "),
            Text("Hi", Logprobs([TOKEN])),
            Text(" you", Logprobs(None)),
            ToolCallStarted(0, "call_1", "add", "server"),
            ToolCallArguments(0, '{"a":'),
            ToolCallArguments(0, "1}"),
            done,
            picture,
            AgentSwitched("helper", "other"),
            Refusal("No"),
            Text("!"),
            usage,
            RunFinished("stop"),
        ]
    )

    (call,) = transcript.calls
    assert (call.started, call.finished) == (started, done)
    assert call.message().function.arguments == '{"a":1}'
    assert transcript.texts == ["Hi", " you", "!"]
    assert transcript.spoken == "Hi youNo!"
    assert (transcript.thoughts, transcript.refusals) == (["Hm. "], ["No"])
    assert (transcript.logprobs, transcript.attachments) == ([TOKEN], [picture])
    assert transcript.ended == RunFinished("stop")
    assert transcript.usage.total_tokens == 7


def test_usage_is_the_sum_of_all_model_calls() -> None:
    """In OpenAI's words, details included."""
    usage = total(
        [
            UsageReported(0, 10, 5, cache_read_tokens=4, reasoning_tokens=2),
            UsageReported(1, 20, 7, audio_input_tokens=3, audio_output_tokens=1),
        ]
    )

    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (30, 12, 42)
    assert usage.prompt_tokens_details
    assert usage.completion_tokens_details
    assert usage.prompt_tokens_details.cached_tokens == 4
    assert usage.prompt_tokens_details.audio_tokens == 3
    assert usage.completion_tokens_details.reasoning_tokens == 2
    assert usage.completion_tokens_details.audio_tokens == 1
