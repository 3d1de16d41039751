"""Conditions of edges: a small expression that is read, never executed.

``"refund" in output``, ``turns < 3 and not "urgent" in output.lower()``: comparisons, ``and``,
``or``, ``not``, ``in``, texts, numbers, lists of them, and the names in ``NAMES``. Python's own
parser reads it; what it says is worked out here, so that nothing else can happen.
"""

import ast
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from hookline.errors import InvalidRequest

LONGEST = 1_000
"""Characters of a condition."""

DEEPEST = 30
"""Expressions in each other."""

NAMES: Mapping[str, str] = {
    "output": "what the agent has said last, as text",
    "tools": "the names of the tools that it has called, as a list",
    "agent": "its id",
    "agents": "the ids of the agents that have worked so far, as a list",
    "turns": "how many turns it has had, model and tools counted",
    "user": "the id of the user",
    "metadata": 'what the request says under `metadata`; `metadata.get("plan")` is one of it',
}
"""What a condition may name."""

Value = Any
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Value, Value], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}
_METHODS = frozenset({"lower", "upper", "strip", "startswith", "endswith", "count", "get"})


def check_condition(text: str, param: str) -> None:
    """Refuse what is no condition.

    Raises:
        InvalidRequest: names the field and what is wrong.
    """
    try:
        _parsed(text)
    except ValueError as error:
        message = f"{param} is no condition: {error}"
        raise InvalidRequest(message, param=param, reason="invalid_condition") from error


def holds(text: str, names: Mapping[str, Value]) -> bool:
    """Whether a condition is true. An empty one is; one that cannot be worked out is not.

    Args:
        text: that ``check_condition`` has let pass.
        names: the values of ``NAMES``.
    """
    if not text:
        return True
    try:
        return bool(_value(_parsed(text), names))
    except (TypeError, ValueError, AttributeError):  # such as a text that is less than a number
        return False


@lru_cache(maxsize=1024)
def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST:
        message = f"it has more than {LONGEST} characters"
        raise ValueError(message)
    try:
        with warnings.catch_warnings(action="error"):  # such as of an escape that is none
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError) as error:
        message = f"it cannot be read: {error}"
        raise ValueError(message) from error
    _check(tree)
    return tree


def _check(tree: ast.expr) -> None:
    """Let pass what ``_value`` can work out.

    Raises:
        ValueError: says what it cannot.
    """
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [part for node in level for part in ast.iter_child_nodes(node)]
    if level:
        message = "it is nested too deeply"
        raise ValueError(message)
    nodes = [tree]
    while nodes:
        nodes += _parts(nodes.pop())


def _parts(node: ast.expr) -> Sequence[ast.expr]:
    """What an expression consists of, if it is one that is known."""
    match node:
        case ast.Constant(value=str() | int() | float() | None):
            return ()
        case ast.Name(id=name) if name in NAMES:
            return ()
        case ast.Name(id=name):
            message = f"there is no {name!r}; there are {', '.join(NAMES)}"
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
            return parts
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=part):
            return (part,)
        case ast.Compare(left=left, ops=kinds, comparators=others):
            if all(type(kind) in _COMPARISONS for kind in kinds):
                return (left, *others)
            message = "compare with ==, !=, <, <=, >, >=, in or not in"
        case ast.Call(func=ast.Attribute(value=of, attr=name), args=parts, keywords=[]):
            if name in _METHODS:
                return (of, *parts)
            message = f"there is no {name}(); there are {', '.join(sorted(_METHODS))}"
        case ast.Call(func=ast.Name(id="len"), args=[part], keywords=[]):
            return (part,)
        case _:
            message = f"{ast.unparse(node)!r} is more than a condition can say"
    raise ValueError(message)


def _value(node: ast.expr, names: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return names[name]
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_value(part, names) for part in parts]
        case ast.BoolOp(op=op, values=parts):
            return _decided(parts, names, by=isinstance(op, ast.Or))
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return not _value(part, names)
        case ast.UnaryOp(operand=part):
            return -_value(part, names)
        case ast.Compare():
            return _compared(node, names)
        case ast.Call(func=ast.Attribute(value=of, attr=name), args=parts):
            return getattr(_value(of, names), name)(*(_value(part, names) for part in parts))
        case ast.Call(args=[part]):
            return len(_value(part, names))
        case _:
            message = f"{node!r} has not been checked"
            raise ValueError(message)


def _decided(parts: Sequence[ast.expr], names: Mapping[str, Value], *, by: bool) -> Value:
    """The value of ``and`` and ``or``: of the first part that decides, or of the last one."""
    value = None
    for part in parts:
        value = _value(part, names)
        if bool(value) is by:
            break
    return value


def _compared(node: ast.Compare, names: Mapping[str, Value]) -> bool:
    left = _value(node.left, names)
    for kind, other in zip(node.ops, node.comparators, strict=True):
        right = _value(other, names)
        if not _COMPARISONS[type(kind)](left, right):
            return False
        left = right
    return True
