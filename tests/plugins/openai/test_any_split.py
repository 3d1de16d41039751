"""However the bytes of a stream are split, the deltas are the same."""

from hypothesis import given
from hypothesis import strategies as st

from hookline_openai.answer import Answer
from hookline_openai.failures import Failures
from hookline_openai.sse import EventStream
from support.upstream import DONE, chunk, event, usage_chunk

LIMIT = 1024
texts = st.text(max_size=6)
deltas = st.one_of(
    st.builds(lambda t: event(chunk({"content": t})), texts),
    st.builds(lambda t: event(chunk({"reasoning": t})), texts),
    st.builds(
        lambda i, a: event(chunk({"tool_calls": [{"index": i, "function": {"arguments": a}}]})),
        st.one_of(st.none(), st.integers(0, 3)),
        texts,
    ),
    st.sampled_from(
        [
            b": ping\n\n",
            b"\n",
            b"event: x\nid: 3\ndata:{}\n\n",
            b'data: {"choices":\ndata: []}\n\n',
            event(usage_chunk()),
            event(chunk({}, "stop")),
            b"data: {broken}\n\n",
            event({"error": {"message": "no"}}),
            event(chunk({"content": "x" * LIMIT})),
            DONE,
        ]
    ),
)


def read(parts: list[bytes]) -> tuple[list[object], str]:
    answer = Answer(EventStream(LIMIT), Failures("local", ()))
    found: list[object] = []
    for part in parts:
        if answer.over:
            break
        found += answer.feed(part)
    return [*found, *answer.end()], str(answer.failure)


@given(st.lists(deltas, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
def test_any_split(events, line_end, data):
    """A stream in one piece and in any pieces says the same, or fails the same."""
    body = b"".join(events).replace(b"\n", line_end.encode())
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=12)))
    parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    assert read([body]) == read(parts)


@given(st.lists(deltas, max_size=4))
def test_byte_by_byte(events):
    """The same, a byte at a time."""
    body = b"".join(events)

    assert read([body]) == read([body[i : i + 1] for i in range(len(body))])
