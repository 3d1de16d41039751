r"""The shortest text that a simple regular expression matches.

Known are literals, escapes, ``\d \w \s``, classes, groups, ``|``, ``* + ? {m} {m,n}``, ``^`` and
``$``. What is not known (look-around, back-references, ``\p{…}``) raises ``UnknownPattern``.
Whether the text really matches is for the caller to check.
"""

from collections.abc import Sequence

import attrs

LENGTH_LIMIT = 10_000
DEPTH_LIMIT = 50
COUNT_LIMIT = 12
"""Characters of a quantifier such as ``{2,40}``, without the first."""
_CLASSES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": " ", "S": "a"}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_FILLERS = "a0A-_ .é"


class UnknownPattern(ValueError):
    """The regular expression is beyond this module."""


@attrs.frozen
class _Atom:
    """A text, which may be repeated up to ``spare`` times more."""

    text: str
    unit: str = ""
    spare: int = 0


def shortest(pattern: str, length: int = 0) -> str:
    """A text that the pattern matches, of at least this many characters if that can be.

    Raises:
        UnknownPattern: the pattern is too long, too deep, or not a simple one.
    """
    parser = _Pattern(pattern)
    atoms = parser.alternatives(0)
    if parser.rest:
        message = f"cannot make a text for the pattern {pattern!r}"
        raise UnknownPattern(message)
    missing = length - sum(len(atom.text) for atom in atoms)
    parts = []
    for atom in atoms:
        more = min(atom.spare, -(-missing // len(atom.unit))) if atom.unit and missing > 0 else 0
        parts.append(atom.text + atom.unit * more)
        missing -= len(atom.unit) * more
    return "".join(parts)


class _Pattern:
    """A recursive descent through the text of a pattern."""

    def __init__(self, text: str):
        self._text = text
        self._at = 0

    @property
    def rest(self) -> str:
        """What is not read yet."""
        return self._text[self._at :]

    def alternatives(self, depth: int) -> Sequence[_Atom]:
        """The shortest of the alternatives."""
        if depth > DEPTH_LIMIT:
            raise self._unknown()
        found = [self._sequence(depth)]
        while self._takes("|"):
            found.append(self._sequence(depth))
        return min(found, key=lambda atoms: sum(len(atom.text) for atom in atoms))

    def _sequence(self, depth: int) -> list[_Atom]:
        atoms: list[_Atom] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            if self._takes("^") or self._takes("$"):
                continue
            atoms.append(self._repeated(self._atom(depth)))
        if sum(len(atom.text) for atom in atoms) > LENGTH_LIMIT:
            raise self._unknown()
        return atoms

    def _atom(self, depth: int) -> str:
        if self._takes("("):
            if self._takes("?") and not (self._takes(":") or self._takes_name()):
                raise self._unknown()
            text = "".join(atom.text for atom in self.alternatives(depth + 1))
            if not self._takes(")"):
                raise self._unknown()
            return text
        if self._takes("["):
            return self._class()
        if self._takes("\\"):
            return self._escape()
        if self._takes("."):
            return "a"
        return self._next()

    def _repeated(self, unit: str) -> _Atom:
        least, most = self._times()
        self._takes("?")  # a lazy quantifier matches the same texts
        if least * len(unit) > LENGTH_LIMIT:
            raise self._unknown()
        return _Atom(unit * least, unit, max(0, min(most, LENGTH_LIMIT) - least))

    def _times(self) -> tuple[int, int]:
        if self._takes("*"):
            return 0, LENGTH_LIMIT
        if self._takes("+"):
            return 1, LENGTH_LIMIT
        if self._takes("?"):
            return 0, 1
        if not self._takes("{"):
            return 1, 1
        inside, found, _ = self.rest[:COUNT_LIMIT].partition("}")
        low, comma, high = inside.partition(",")
        if not found or not low.isdecimal() or (high and not high.isdecimal()):
            raise self._unknown()
        self._at += len(inside) + 1
        return int(low), int(high) if high else LENGTH_LIMIT if comma else int(low)

    def _class(self) -> str:
        negated = self._takes("^")
        members: list[tuple[str, str]] = []
        while not self._takes("]"):
            low = high = self._member()
            if self.rest.startswith("-") and not self.rest.startswith("-]"):
                self._takes("-")
                high = self._member()
            members.append((low, high))
        if not negated:
            return members[0][0] if members else ""
        for filler in _FILLERS:
            if not any(low <= filler <= high for low, high in members):
                return filler
        raise self._unknown()

    def _member(self) -> str:
        return self._escape() if self._takes("\\") else self._next()

    def _escape(self) -> str:
        sign = self._next()
        if sign in _CLASSES:
            return _CLASSES[sign]
        if sign in {"A", "Z", "z"}:
            return ""
        if sign in {"x", "u"}:
            return self._code(2 if sign == "x" else 4)
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign.isalnum():
            raise self._unknown()
        return sign

    def _code(self, digits: int) -> str:
        code = "".join(self._next() for _ in range(digits))
        try:
            return chr(int(code, 16))
        except ValueError as error:
            raise self._unknown() from error

    def _takes_name(self) -> bool:
        name, found, _ = self.rest.partition(">")
        if not found or not name.removeprefix("P").removeprefix("<").isidentifier():
            return False
        self._at += len(name) + 1
        return True

    def _takes(self, sign: str) -> bool:
        if not self._text.startswith(sign, self._at):
            return False
        self._at += 1
        return True

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise self._unknown()
        self._at += 1
        return self._text[self._at - 1]

    def _unknown(self) -> UnknownPattern:
        return UnknownPattern(f"cannot make a text for the pattern {self._text!r}")
