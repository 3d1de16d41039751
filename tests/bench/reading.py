"""What a client finds in an answer: by decoding all of it, or by a scan at a sixth of the cost."""

import re

import msgspec
from mock_answers import PROMPT_TOKENS, text_of

CONTENT = re.compile(rb'"content"\s*:\s*"([^"]+)"')  # the mock's text needs no escapes
FINISH = re.compile(rb'"finish_reason"\s*:\s*"(\w+)"')
USAGE = re.compile(rb'"usage"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})')
ENDING = 4000
"""Bytes at the end of a stream in which the finish reason and the usage stand."""


class Delta(msgspec.Struct):
    content: str | None = None


class Choice(msgspec.Struct):
    delta: Delta = msgspec.field(default_factory=Delta)
    message: Delta = msgspec.field(default_factory=Delta)
    finish_reason: str | None = None


class Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Chunk(msgspec.Struct):
    choices: list[Choice] | None = None
    usage: Usage | None = None
    error: msgspec.Raw | None = None


decode = msgspec.json.Decoder(Chunk).decode


class Answer(msgspec.Struct):
    """What one answer contained. ``problem`` says what was not as it should be in its form."""

    texts: list[str] = []
    finish: str | None = None
    usage: Usage | None = None
    done: bool = False
    problem: str = ""


def read_events(raw: bytes) -> Answer:
    """A stream, every event of it decoded."""
    answer = Answer()
    for event in raw.split(b"\n\n"):
        if not event or event.startswith(b":"):
            continue
        data = event.removeprefix(b"data: ")
        if data == b"[DONE]":
            answer.done = True
            continue
        try:
            chunk = decode(data)
        except msgspec.MsgspecError as error:
            answer.problem = f"undecodable event: {error}"
            continue
        if chunk.error is not None:
            answer.problem = "error event"
        answer.usage = chunk.usage or answer.usage
        for choice in chunk.choices or ():
            if choice.delta.content:
                answer.texts.append(choice.delta.content)
            answer.finish = choice.finish_reason or answer.finish
    return answer


def scan_events(raw: bytes) -> Answer:
    """A stream, only looked through."""
    ending = raw[-ENDING:]
    finish, usage = FINISH.findall(ending), USAGE.findall(ending)
    return Answer(
        texts=[text.decode() for text in CONTENT.findall(raw)],
        finish=finish[-1].decode() if finish else None,
        usage=msgspec.json.decode(usage[-1], type=Usage) if usage else None,
        done=b"[DONE]" in raw[-64:],
        problem="error event" if b'"error":' in ending else "",
    )


def read_body(raw: bytes) -> Answer:
    """An answer in one piece."""
    try:
        body = decode(raw)
    except msgspec.MsgspecError as error:
        return Answer(problem=f"undecodable body: {error}")
    choice = (body.choices or [Choice()])[0]
    text = choice.message.content or ""
    return Answer([text], choice.finish_reason, body.usage, done=True)


def faults_of(answer: Answer, tokens: int, turns: int, *, stream: bool) -> list[str]:
    """What differs from what the mock said in this many tokens, after this many model calls."""
    used = (PROMPT_TOKENS * turns, tokens * turns)
    usage = answer.usage or Usage()
    checks = {
        answer.problem: not answer.problem,
        "text differs": "".join(answer.texts) == text_of(tokens),
        "tokens merged or split": not stream or len(answer.texts) == tokens,
        "no [DONE]": answer.done,
        f"finish reason {answer.finish}": answer.finish == "stop",
        "usage differs": (usage.prompt_tokens, usage.completion_tokens) == used,
    }
    return [fault for fault, right in checks.items() if not right]
