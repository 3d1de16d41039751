"""Tool calls of one model turn, put together from whatever pieces an upstream sends."""

import secrets
from collections.abc import Callable, Iterator
from typing import Literal

import attrs
import msgspec

from hookline.events import Event, ToolCallArguments, ToolCallStarted
from hookline.providers import ToolCallPiece
from hookline.wire.chat import FunctionCall, ToolCall

Owner = Literal["server", "caller"]


@attrs.define(kw_only=True)
class Call:
    """A tool call as far as it has come.

    ``id`` is the model's own and stays in the messages it reads; ``public_id`` is what callers see
    and is unique, so that what they send back finds the run that it belongs to.
    """

    index: int
    owner: Owner
    name: str
    id: str
    public_id: str
    arguments: list[str] = attrs.field(factory=list)

    def text(self) -> str:
        """The arguments, as JSON text; no arguments are an empty object."""
        return "".join(self.arguments) or "{}"

    def complete(self) -> bool:
        """Whether the arguments are a whole JSON value already."""
        try:
            msgspec.json.decode("".join(self.arguments))
        except msgspec.DecodeError:
            return False
        return True

    def message(self) -> ToolCall:
        """The call as the model reads it again in the next turn."""
        return ToolCall(id=self.id, function=FunctionCall(self.name, self.text()))


@attrs.define
class _Opening:
    """Pieces that came before the name."""

    id: str | None = None
    arguments: list[str] = attrs.field(factory=list)


class CallAssembly:
    """Puts pieces together and appends the events of each call: one opening, then its arguments.

    A piece belongs to the call with its id, else to the one with its index, else to the last one.
    A second id or a second name where the call is whole already begins another call, because some
    upstreams send every call with index 0 or with none.
    """

    def __init__(
        self, append: Callable[[Event], None], owner_of: Callable[[str], Owner], first_index: int
    ):
        self._append = append
        self._owner_of = owner_of
        self._next = first_index
        self._by_id: dict[str, Call] = {}
        self._by_index: dict[int, Call] = {}
        self._openings: dict[int | None, _Opening] = {}
        self.calls: list[Call] = []

    def add(self, piece: ToolCallPiece) -> None:
        """Take a piece."""
        call = self._find(piece)
        if call is not None:
            self._extend(call, piece.arguments)
            return
        opening = self._openings.setdefault(piece.index, _Opening())
        opening.id = piece.id or opening.id
        opening.arguments.append(piece.arguments)
        if piece.name:
            del self._openings[piece.index]
            self._open(piece, opening)

    def finish(self) -> list[Call]:
        """All calls of the turn, in order; those without arguments get an empty object."""
        for call in self.calls:
            if not call.arguments:
                self._extend(call, "{}")
        return self.calls

    def texts(self) -> Iterator[str]:
        """All that the model wrote for the calls: their names and their arguments."""
        for call in self.calls:
            yield call.name
            yield from call.arguments

    def _find(self, piece: ToolCallPiece) -> Call | None:
        if piece.id and piece.id in self._by_id:
            return self._by_id[piece.id]
        if piece.index is not None:
            call = self._by_index.get(piece.index)
        else:
            call = self.calls[-1] if self.calls else None
        if call is None or not _begins_another(call, piece, known=call.id in self._by_id):
            return call
        return None

    def _open(self, piece: ToolCallPiece, opening: _Opening) -> None:
        name = piece.name or ""
        public = "call_" + secrets.token_hex(12)
        call = Call(
            index=self._next,
            owner=self._owner_of(name),
            name=name,
            id=opening.id or public,
            public_id=public,
        )
        self._next += 1
        self.calls.append(call)
        if opening.id:
            self._by_id[opening.id] = call
        if piece.index is not None:
            self._by_index[piece.index] = call
        self._append(ToolCallStarted(call.index, call.public_id, name, call.owner))
        for text in opening.arguments:
            self._extend(call, text)

    def _extend(self, call: Call, text: str) -> None:
        if text:
            call.arguments.append(text)
            self._append(ToolCallArguments(call.index, text))


def _begins_another(call: Call, piece: ToolCallPiece, *, known: bool) -> bool:
    if piece.id and known:
        return True
    return bool(piece.name) and call.complete()
