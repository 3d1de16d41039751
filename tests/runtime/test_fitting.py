"""What is left out of a conversation that is too long."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.counting import estimated
from hookline.errors import ContextTooLong
from hookline.fitting import SHORTENED, Count, Fitted, fit, turns
from hookline.wire.chat import (
    AssistantMessage,
    DeveloperMessage,
    FunctionCall,
    ImagePart,
    ImageUrl,
    Message,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)

SYSTEM = SystemMessage("Be brief.")
RULES = DeveloperMessage("Be kind.")


def words(messages: Sequence[Message]) -> int:
    """A counter with a cost for each prompt, as models have one: 3, and 1 for each character."""
    return 3 + sum(len(m.content) if isinstance(m.content, str) else 1 for m in messages)


def called(*ids: str) -> AssistantMessage:
    """A message that calls a tool once for each id."""
    calls = [ToolCall(id=id_, function=FunctionCall("look", "{}")) for id_ in ids]
    return AssistantMessage(tool_calls=calls)


def a_round(id_: str, result: str = "found") -> list[Message]:
    """A call and its result."""
    return [called(id_), ToolMessage(id_, result)]


def user(letter: str) -> UserMessage:
    """Ten characters of the user's."""
    return UserMessage(letter * 10)


def said(letter: str) -> AssistantMessage:
    """Ten characters of the model's."""
    return AssistantMessage(letter * 10)


texts = st.text("ab", max_size=30)
results = st.one_of(texts, st.integers(0, 3_000).map(lambda length: "r" * length))


@st.composite
def rounds(draw: st.DrawFn) -> list[Message]:
    """A message of the model's that calls one to three tools, their results, perhaps images."""
    number = draw(st.integers(0, 10**9))
    ids = [f"call_{number}_{index}" for index in range(draw(st.integers(1, 3)))]
    answers = [ToolMessage(id_, draw(results)) for id_ in ids]
    shown = draw(st.booleans())
    image = UserMessage([TextPart("Images"), ImagePart(ImageUrl("https://example.com/a.png"))])
    return [called(*ids), *answers, *([image] if shown else [])]


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """What a model may have to read in the midst of a run."""
    messages: list[Message] = [SYSTEM, *draw(st.sampled_from([[], [RULES]]))]
    messages += draw(st.sampled_from([[], [AssistantMessage("Good day!")]]))
    for _ in range(draw(st.integers(1, 6))):
        messages += draw(st.lists(texts.map(UserMessage), min_size=1, max_size=2))
        for part in draw(st.lists(rounds(), max_size=3)):
            messages += part
        if draw(st.booleans()):
            messages.append(AssistantMessage(draw(texts)))
        if draw(st.integers(0, 5)) == 0:
            messages.append(RULES)
    return messages


def is_whole(messages: Sequence[Message]) -> bool:
    """Whether each call has its results right after it, and no result lacks its call."""
    waiting: set[str] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in waiting:
                return False
            waiting.remove(message.tool_call_id)
        elif waiting:
            return False
        elif isinstance(message, AssistantMessage):
            waiting = {call.id for call in message.tool_calls or ()}
    return not waiting


def fitted(messages: Sequence[Message], limit: int, count: Count) -> Fitted | None:
    """What is left; ``None`` if nothing fits."""
    try:
        return fit(messages, limit, count)
    except ContextTooLong:
        return None


counters = st.sampled_from([estimated, words])


@given(conversations(), st.integers(1, 4_000), counters)
def test_what_is_left_can_be_read(messages: list[Message], limit: int, count: Count) -> None:
    """It fits, is whole and in order, and has the instructions and what the user said last."""
    found = fitted(messages, limit, count)

    if found is None:
        return
    rest = [m for m in found.messages if not isinstance(m, SystemMessage | DeveloperMessage)]
    assert found.tokens == count(found.messages) <= limit
    assert is_whole(found.messages)
    assert not isinstance(rest[0], ToolMessage)
    assert [m for m in messages if isinstance(m, SystemMessage | DeveloperMessage)] == [
        m for m in found.messages if isinstance(m, SystemMessage | DeveloperMessage)
    ]
    assert any(message is messages[turns(messages)[-1]] for message in found.messages)
    assert len(messages) == len(found.messages) + len(found.dropped)


@given(conversations(), st.integers(1, 4_000), counters)
def test_messages_keep_their_order(messages: list[Message], limit: int, count: Count) -> None:
    """What is left stands in the order of the conversation; only long results are other ones."""
    found = fitted(messages, limit, count)

    if found is None:
        return
    places = iter(messages)
    for kept in found.messages:
        assert any(kept is message or _is_shorter(kept, message) for message in places)


def _is_shorter(kept: Message, message: Message) -> bool:
    return (
        isinstance(kept, ToolMessage)
        and isinstance(message, ToolMessage)
        and kept.tool_call_id == message.tool_call_id
        and len(kept.content or "") < len(message.content or "")
    )


@given(conversations(), st.integers(1, 4_000), counters)
def test_fitting_twice_changes_nothing(messages: list[Message], limit: int, count: Count) -> None:
    """What fits is left as it is."""
    once = fitted(messages, limit, count)

    if once is not None:
        assert fit(once.messages, limit, count) == Fitted(once.messages, (), once.tokens)


@given(conversations(), st.integers(1, 4_000), counters)
def test_no_more_is_left_out_than_must_be(
    messages: list[Message], limit: int, count: Count
) -> None:
    """Whatever else could be kept would not fit, and what is newer stays before what is older."""
    found = fitted(messages, limit, count)

    if found is None:
        return
    for more in range(limit, 2 * count(messages), 16):
        larger = fit(messages, more, count)
        if len(larger.messages) > len(found.messages):
            assert larger.tokens > limit
            break
    if not found.dropped:
        return
    newest = max(place for place, m in enumerate(messages) if any(m is d for d in found.dropped))
    older = [m for m in found.messages if any(m is k for k in messages[:newest])]
    assert all(not isinstance(m, ToolMessage | AssistantMessage) for m in older)


def test_what_fits_is_not_touched() -> None:
    """The very list is given back, and it is counted once."""
    counts = []

    def count(messages: Sequence[Message]) -> int:
        counts.append(len(messages))
        return words(messages)

    messages = [SYSTEM, user("a"), said("b"), user("c")]

    assert fit(messages, 100, count).messages is messages
    assert [4] == counts


def test_the_oldest_turn_goes_first() -> None:
    """With all that belongs to it."""
    messages = [SYSTEM, user("a"), *a_round("1"), said("b"), user("c"), said("d"), user("e")]

    found = fit(messages, words(messages) - 1, words)

    assert [SYSTEM, user("c"), said("d"), user("e")] == found.messages
    assert messages[1:5] == found.dropped


def test_a_greeting_is_no_turn() -> None:
    """What the model said before the user goes before the first turn."""
    messages = [SYSTEM, said("a"), user("b"), said("c"), user("d")]

    found = fit(messages, words(messages) - 1, words)

    assert [SYSTEM, user("b"), said("c"), user("d")] == found.messages


def test_rounds_of_the_last_turn_go_after_old_turns() -> None:
    """A run that calls many tools loses its first rounds, and keeps the question and the last."""
    messages = [user("a"), said("b"), user("c"), *a_round("1"), *a_round("2"), *a_round("3")]

    found = fit(messages, words([user("c"), *a_round("3")]), words)

    assert [user("c"), *a_round("3")] == found.messages


def test_images_of_tools_belong_to_their_round() -> None:
    """A message of the user's right after a tool's begins no turn: nobody has said anything."""
    shown = UserMessage("images of look")
    messages = [user("a"), *a_round("1"), shown, *a_round("2"), shown]

    found = fit(messages, words(messages) - 1, words)

    assert [user("a"), *a_round("2"), shown] == found.messages


def test_of_several_last_messages_the_last_one_stays() -> None:
    """Once nothing else is left, what the user said in a row goes from its beginning."""
    messages = [SYSTEM, user("a"), user("b"), user("c"), *a_round("1"), said("d")]

    found = fit(messages, words([SYSTEM, user("c"), said("d")]), words)

    assert [SYSTEM, user("c"), said("d")] == found.messages


def test_long_old_results_are_shortened_first() -> None:
    """As many as it takes, the oldest first; not the last one. Nothing else goes then."""
    long = "x" * 10_000
    messages = [user("a"), *a_round("1", long), *a_round("2", long), *a_round("3", long)]

    found = fit(messages, 21_000, words)

    lengths = [len(m.content or "") for m in found.messages if isinstance(m, ToolMessage)]
    assert [10_000, 10_000] == lengths[1:]
    assert SHORTENED < lengths[0] < 2 * SHORTENED
    assert "9600 more characters" in str(found.messages[2].content)
    assert () == found.dropped


def test_what_is_pinned_stays() -> None:
    """A summary at the beginning is neither dropped nor shortened."""
    messages = [SYSTEM, user("s"), user("a"), said("b"), user("c")]

    found = fit(messages, words(messages) - 1, words, pinned=2)

    assert [SYSTEM, user("s"), user("c")] == found.messages


def test_nobody_but_the_model() -> None:
    """A conversation without a user keeps its last round."""
    messages = [SYSTEM, said("a"), said("b"), *a_round("1")]

    found = fit(messages, words([SYSTEM, *a_round("1")]), words)

    assert [SYSTEM, *a_round("1")] == found.messages


@pytest.mark.parametrize(
    "messages", [[SYSTEM, user("a")], [user("a"), said("b"), SYSTEM, user("c")], [SYSTEM]]
)
def test_what_cannot_be_made_to_fit_is_refused(messages: list[Message]) -> None:
    """With both numbers, so that the caller knows how much less to send."""
    with pytest.raises(ContextTooLong, match=r"about \d+ tokens, and the model can read 11"):
        fit(messages, 11, words)


def test_counting_stays_in_proportion() -> None:
    """Each message is counted a handful of times, however many have to go."""
    counted = 0

    def count(messages: Sequence[Message]) -> int:
        nonlocal counted
        counted += len(messages)
        return words(messages)

    messages: list[Message] = []
    for _ in range(1_000):
        messages += [user("a"), *a_round("1"), said("b")]
    fit([*messages, user("c")], 30, count)

    assert counted < 5 * len(messages)
