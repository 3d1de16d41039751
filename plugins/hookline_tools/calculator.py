"""The calculator tool."""

from typing import Annotated

from msgspec import Meta

from hookline import tool
from hookline_tools.arithmetic import LENGTH_LIMIT, evaluate, shown

Expression = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LENGTH_LIMIT,
        description="What to work out, such as (17 + 4) * 2 or round(sqrt(2), 3).",
    ),
]


@tool
async def calculator(expression: Expression) -> str:
    """Evaluate an arithmetic expression.

    Operators: + - * / // % ** and parentheses. Functions: sqrt, sin, cos, tan (radians), log, ln,
    log10, exp, abs, round, min, max, floor, ceil. Constants: pi, e.
    """
    return shown(evaluate(expression))
