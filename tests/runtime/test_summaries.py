"""Summaries of the oldest turns."""

from collections.abc import Sequence

import pytest

from hookline.agents import Summary
from hookline.counting import estimated
from hookline.errors import ContextTooLong, ProviderBroken
from hookline.summaries import INSTRUCTIONS, LONGEST, OPENING, Digest, due, prompt, summarise
from hookline.wire.chat import (
    AssistantMessage,
    AudioPart,
    DeveloperMessage,
    FileData,
    FilePart,
    FunctionCall,
    ImagePart,
    ImageUrl,
    InputAudio,
    Message,
    RefusalPart,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from support.runtimes import run

SYSTEM, RULES = SystemMessage("Be brief."), DeveloperMessage("Be kind.")
CALL = ToolCall(id="1", function=FunctionCall("look", '{"at":"it"}'))
OLD: list[Message] = [
    UserMessage("First?"),
    AssistantMessage(tool_calls=[CALL]),
    ToolMessage("1", "found"),
    AssistantMessage("One."),
]
RECENT: list[Message] = [UserMessage("Second?"), AssistantMessage("Two."), UserMessage("Third?")]
SAID = Digest(5, UserMessage(OPENING + "It was about numbers."))


class Author:
    """A model that sums up, and remembers what it was asked."""

    def __init__(self, *summaries: str):
        self._summaries = list(summaries)
        self.asked: list[Sequence[Message]] = []

    async def ask(self, messages: Sequence[Message]) -> str:
        self.asked.append(messages)
        return self._summaries.pop(0)


def summed_up(messages: Sequence[Message], author: Author, **more: object) -> Digest | None:
    """What comes of a conversation."""
    return run(lambda: summarise(messages, author.ask, limit=8_000, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(("tokens", "expected"), [(799, False), (800, False), (801, True)])
def test_it_is_due_beyond_the_threshold(tokens: int, *, expected: bool) -> None:
    """The share of what can be read that the agent names."""
    assert expected == due(Summary(provider="local", model="small"), tokens, 1_000)


def test_all_but_the_last_two_turns_is_summed_up() -> None:
    """Instructions are no part of it; they stay where they are."""
    author = Author(" It was about numbers.\n")

    digest = summed_up([SYSTEM, *OLD, *RECENT], author)

    assert SAID == digest
    (instructions, told), *others = author.asked
    assert (SystemMessage(INSTRUCTIONS), []) == (instructions, others)
    assert (
        "<user>\nFirst?\n</user>\n\n"
        '<assistant>\n[calls look with {"at":"it"}]\n</assistant>\n\n'
        "<tool>\nfound\n</tool>\n\n<assistant>\nOne.\n</assistant>"
    ) == told.content


def test_a_digest_stands_for_the_beginning() -> None:
    """A model reads all instructions, the summary, and what came after; the first two stay."""
    messages = [SYSTEM, UserMessage("a"), RULES, UserMessage("b"), AssistantMessage("c"), *RECENT]

    read, pinned = SAID.read(messages)

    assert [SYSTEM, RULES, SAID.message, *RECENT] == read
    assert [SYSTEM, RULES, SAID.message] == read[:pinned]


def test_a_summary_goes_into_the_next_one() -> None:
    """What was summed up is not read again, but its summary is."""
    author = Author("All of it.")
    messages = [SYSTEM, *OLD, *RECENT, AssistantMessage("Three."), UserMessage("Fourth?")]

    digest = summed_up(messages, author, digest=SAID)

    assert digest == Digest(7, UserMessage(OPENING + "All of it."))
    told = str(author.asked[0][1].content)
    assert "It was about numbers." in told
    assert "Second?" in told
    assert "First?" not in told


@pytest.mark.parametrize(
    ("messages", "digest"),
    [
        ([SYSTEM, *RECENT], None),
        ([SYSTEM], None),
        ([SYSTEM, RULES, *RECENT], None),
        ([SYSTEM, *OLD, *RECENT], SAID),
    ],
)
def test_nothing_to_sum_up(messages: Sequence[Message], digest: Digest | None) -> None:
    """With two turns or fewer, or nothing since the last summary, nobody is asked."""
    author = Author()

    assert summed_up(messages, author, digest=digest) is None
    assert [] == author.asked


def test_an_empty_summary_is_none() -> None:
    """Then the oldest turns are left out as if nobody had been asked."""
    assert summed_up([*OLD, *RECENT], Author(" \n")) is None


def test_a_summary_has_its_length() -> None:
    """A model that does not stop is cut off, between two characters."""
    digest = summed_up([*OLD, *RECENT], Author("日本" * LONGEST * 4))

    assert digest is not None
    assert estimated([UserMessage(digest.message.content)]) < LONGEST + 30
    assert str(digest.message.content).endswith(("日", "本"))


def test_failures_are_passed_on() -> None:
    """Whoever asks decides what a failure of the model that sums up means."""

    async def ask(_: Sequence[Message]) -> str:
        raise ProviderBroken("gone")

    with pytest.raises(ProviderBroken):
        run(lambda: summarise([*OLD, *RECENT], ask, limit=8_000))


def test_what_is_no_text_is_named() -> None:
    """Pictures, files and sounds are not sent along; long results are cut."""
    content = [
        TextPart("Look"),
        ImagePart(ImageUrl("https://example.com/a.png")),
        FilePart(FileData(filename="a.pdf", file_data="AAAA")),
        AudioPart(InputAudio("AAAA", "wav")),
    ]
    refusal = AssistantMessage([RefusalPart("I cannot.")])

    told = str(prompt([UserMessage(content), refusal, ToolMessage("1", "x" * 9_000)], 20_000)[1])

    assert "Look\\n[an image]\\n[the file a.pdf]\\n[sound]" in told
    assert "I cannot." in told
    assert "[7000 more characters]" in told


def test_the_newest_is_summed_up_if_it_is_too_much() -> None:
    """The model that sums up has a limit, too; its answer has room."""
    messages = [UserMessage(f"{number}. " + "word " * 200) for number in range(100)]

    asked = prompt(messages, 8_000)

    assert estimated(asked) <= 8_000 - LONGEST
    assert "99. word" in str(asked[1].content)
    assert "\n0. word" not in str(asked[1].content)


def test_a_huge_message_is_cut() -> None:
    """One message does not keep all others out."""
    told = str(prompt([UserMessage("First"), UserMessage("x" * 100_000)], 8_000)[1].content)

    assert "First" in told
    assert "more characters" in told


def test_a_model_that_can_read_nothing() -> None:
    """Is refused before it is asked."""
    with pytest.raises(ContextTooLong):
        prompt(OLD, 2_000)
