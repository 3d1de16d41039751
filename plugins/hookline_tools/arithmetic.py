"""Arithmetic as Python writes it, worked out without ``eval`` and within limits.

Whole numbers are exact. The limits (characters, depth, size of whole numbers) keep every
expression below a few milliseconds.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

Number = int | float

LENGTH_LIMIT = 1_000
DEPTH_LIMIT = 200
BIT_LIMIT = 8_192
"""Of a whole number: about 2,466 decimal digits."""

ROUND_LIMIT = 400
"""Digits that ``round`` may be asked for, before or after the point."""

_TOKENS = re.compile(
    r"(?:\s|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])|[A-Za-z]\w*|[-+*/%(),])*+"
)


class InvalidExpression(ValueError):
    """The expression is not arithmetic, or has no result; the message says why."""


def evaluate(expression: str) -> Number:
    """Work out an expression.

    Raises:
        InvalidExpression: one sentence that says what is wrong.
    """
    try:
        return _value(_parsed(expression), 0)
    except ZeroDivisionError as error:
        message = "division by zero"
        raise InvalidExpression(message) from error
    except OverflowError as error:
        message = "the result is too large"
        raise InvalidExpression(message) from error


def shown(number: Number) -> str:
    """A number as text: whole numbers exactly, others with 15 significant digits."""
    return str(number) if isinstance(number, int) else f"{number + 0.0:.15g}"


def _parsed(expression: str) -> ast.expr:
    if len(expression) > LENGTH_LIMIT:
        _refuse(f"the expression has more than {LENGTH_LIMIT} characters")
    text = expression.strip()
    if not text:
        _refuse("the expression is empty")
    readable = _TOKENS.match(text)
    end = readable.end() if readable else 0
    if end < len(text):
        hint = "; use ** for powers" if text[end] == "^" else ""
        _refuse(f"{text[end : end + 20]!r} is not arithmetic{hint}")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        message = f"{text[:80]!r} is not a complete expression"
        raise InvalidExpression(message) from error


def _value(node: ast.expr, depth: int) -> Number:
    if depth > DEPTH_LIMIT:
        _refuse(f"the expression is more than {DEPTH_LIMIT} steps deep")
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _checked(number)
        case ast.Name(id=name):
            return _constant(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, depth + 1)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, depth + 1)
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, _value(left, depth + 1), _value(right, depth + 1))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return _call(name, [_value(argument, depth + 1) for argument in args])
    message = "only numbers, operators, functions and parentheses are arithmetic"
    raise InvalidExpression(message)


def _binary(op: ast.operator, left: Number, right: Number) -> Number:
    if isinstance(op, ast.Pow):
        return _power(left, right)
    function = _OPERATORS.get(type(op))
    if function is None:
        _refuse("only + - * / // % ** are operators here")
    return _checked(function(left, right))


def _power(base: Number, exponent: Number) -> Number:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(base) > 1 and exponent * math.log2(abs(base)) > BIT_LIMIT:
        _refuse("the result is too large")
    result = base**exponent
    if isinstance(result, complex):
        _refuse("a fraction as exponent of a negative number has no real result")
    return _checked(result)


def _constant(name: str) -> Number:
    if name not in _CONSTANTS:
        known = ", ".join([*_CONSTANTS, *_FUNCTIONS])
        _refuse(f"{name} is not known here; there are {known}")
    return _CONSTANTS[name]


def _call(name: str, arguments: Sequence[Number]) -> Number:
    if name not in _FUNCTIONS:
        _refuse(f"{name} is not a function here; there are {', '.join(_FUNCTIONS)}")
    function, least, most = _FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        _refuse(f"{name} does not take {len(arguments)} arguments")
    try:
        return _checked(function(*arguments))
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidExpression):
            raise
        shown_arguments = ", ".join(map(shown, arguments))[:80]
        message = f"{name}({shown_arguments}) is not defined"
        raise InvalidExpression(message) from error


def _checked(number: Number) -> Number:
    if isinstance(number, int):
        if number.bit_length() > BIT_LIMIT:
            _refuse("the result is too large")
        return number
    if not math.isfinite(number):
        _refuse("the result is too large")
    return number


def _round(number: Number, digits: Number = 0) -> Number:
    if not isinstance(digits, int) or abs(digits) > ROUND_LIMIT:
        _refuse(f"round takes a whole number of digits, at most {ROUND_LIMIT}")
    return round(number, digits) if digits else round(number)


def _refuse(message: str) -> NoReturn:
    raise InvalidExpression(message)


_OPERATORS: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_CONSTANTS: Mapping[str, Number] = {"pi": math.pi, "e": math.e}
_FUNCTIONS: Mapping[str, tuple[Callable[..., Number], int, float]] = {
    "sqrt": (math.sqrt, 1, 1),
    "sin": (math.sin, 1, 1),
    "cos": (math.cos, 1, 1),
    "tan": (math.tan, 1, 1),
    "log": (math.log, 1, 2),
    "ln": (math.log, 1, 1),
    "log10": (math.log10, 1, 1),
    "exp": (math.exp, 1, 1),
    "abs": (abs, 1, 1),
    "round": (_round, 1, 2),
    "min": (min, 1, math.inf),
    "max": (max, 1, math.inf),
    "floor": (math.floor, 1, 1),
    "ceil": (math.ceil, 1, 1),
}
