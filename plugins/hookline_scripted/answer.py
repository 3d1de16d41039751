"""An answer: what is said, cut to what was asked for, counted, and split into chunks."""

from collections.abc import Iterator, Sequence

import attrs

from hookline.events import Reasoning, Refusal, Text
from hookline.providers import ToolCallPiece
from hookline.usage import TokenCounts
from hookline.wire.completion import Logprobs, TokenLogprob, TopLogprob
from hookline_scripted.tokens import count, tokens

Chunk = Text | Reasoning | Refusal | ToolCallPiece


@attrs.frozen
class Words:
    """Text, reasoning or refusal. ``chunks`` are kept as they are, if given."""

    kind: type[Text] | type[Reasoning] | type[Refusal]
    text: str
    chunks: Sequence[str] | None = None


@attrs.frozen
class Call:
    """A tool call; or one piece of it, if it is to be sent in one chunk.

    Args:
        opening: index, id and name; its arguments are empty.
        arguments: JSON text.
        whole: whether all of it is one chunk.
    """

    opening: ToolCallPiece
    arguments: str
    whole: bool = False


Part = Words | Call


@attrs.frozen
class Answer:
    """What the model says in one turn, in order, and why it stops."""

    parts: Sequence[Part]
    finish_reason: str


@attrs.frozen
class Shape:
    """How an answer is sent. ``top_logprobs`` is ``None`` where no logprobs are wanted."""

    chunk_tokens: int = 1
    top_logprobs: int | None = None


def stopped(answer: Answer, stops: Sequence[str]) -> Answer:
    """The answer up to the first of the stop strings in its text, without it.

    The text counts as one, whatever is said between its parts.
    """
    text = "".join(_text(part) for part in answer.parts)
    places = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
    if not places:
        return answer
    left = min(places)
    parts: list[Part] = []
    for part in answer.parts:
        said = _text(part)
        if said and len(said) > left:
            parts.append(_cut(part, left))
            break
        parts.append(part)
        left -= len(said)
    return Answer(parts, "stop")


def limited(answer: Answer, limit: int | None) -> Answer:
    """The answer up to this many tokens, reasoning and tool calls included."""
    if limit is None:
        return answer
    parts: list[Part] = []
    for part in answer.parts:
        size = tokens_of(part)
        if size > limit:
            return Answer([*parts, *_beginning(part, limit)], "length")
        parts.append(part)
        limit -= size
    return attrs.evolve(answer, parts=parts)


def counted(answer: Answer) -> TokenCounts:
    """The tokens of the answer: ``output``, and ``reasoning`` as a part of it."""
    thoughts = (p for p in answer.parts if isinstance(p, Words) and p.kind is Reasoning)
    return TokenCounts(
        output=sum(map(tokens_of, answer.parts)), reasoning=sum(map(tokens_of, thoughts))
    )


def tokens_of(part: Part) -> int:
    """How many tokens a part has; a call has those of its name and of its arguments."""
    if isinstance(part, Words):
        return count(part.text)
    return count(part.opening.name or "") + count(part.arguments)


def chunks(answer: Answer, shape: Shape) -> Iterator[Chunk]:
    """The answer as it is sent."""
    for part in answer.parts:
        if isinstance(part, Words):
            pieces = _split(part.text, shape) if part.chunks is None else part.chunks
            for piece in pieces:
                yield _logged(piece, shape) if part.kind is Text else part.kind(piece)
        else:
            yield from _call(part, shape)


def _call(call: Call, shape: Shape) -> Iterator[ToolCallPiece]:
    opening = call.opening
    if call.whole:
        yield ToolCallPiece(opening.index, opening.id, opening.name, call.arguments)
        return
    yield opening
    for piece in _split(call.arguments, shape):
        yield ToolCallPiece(index=opening.index, arguments=piece)


def _split(text: str, shape: Shape) -> Iterator[str]:
    pieces, size = tokens(text), shape.chunk_tokens
    return ("".join(pieces[start : start + size]) for start in range(0, len(pieces), size))


def _logged(piece: str, shape: Shape) -> Text:
    """The piece with the logprobs of its tokens: 0 each, for nothing else could be said."""
    if shape.top_logprobs is None:
        return Text(piece)
    content = []
    for token in tokens(piece):
        encoded = list(token.encode())
        top = [TopLogprob(token, 0.0, encoded)] if shape.top_logprobs else []
        content.append(TokenLogprob(token, 0.0, encoded, top))
    return Text(piece, Logprobs(content))


def _text(part: Part) -> str:
    return part.text if isinstance(part, Words) and part.kind is Text else ""


def _beginning(part: Part, limit: int) -> list[Part]:
    """The part up to this many tokens; nothing, if not even a call's name fits."""
    if isinstance(part, Words):
        size = sum(map(len, tokens(part.text)[:limit]))
        return [_cut(part, size)] if size else []
    limit -= count(part.opening.name or "")
    if limit < 0:
        return []
    return [attrs.evolve(part, arguments="".join(tokens(part.arguments)[:limit]))]


def _cut(part: Part, size: int) -> Part:
    if isinstance(part, Call) or part.chunks is None:
        return part if isinstance(part, Call) else attrs.evolve(part, text=part.text[:size])
    kept, left = [], size
    for chunk in part.chunks:
        if left > 0:
            kept.append(chunk[:left])
        left -= len(chunk)
    return attrs.evolve(part, text=part.text[:size], chunks=kept)
