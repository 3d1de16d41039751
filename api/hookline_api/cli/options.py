"""What several commands have: options, and examples in their help."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hookline.options import config_option, json_option

__all__ = ["config_option", "example", "id_argument", "json_option"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

id_argument = click.argument("id_", metavar="ID")


def example(*lines: str) -> Callable[[FunctionT], FunctionT]:
    """Show these command lines at the end of a command's help."""

    def decorate(function: FunctionT) -> FunctionT:
        title = "Example:" if len(lines) == 1 else "Examples:"
        # A line with only a backspace tells click to leave the paragraph's lines as they are.
        paragraph = "\n".join(("\b", title, *(f"  {line}" for line in lines)))
        function.__doc__ = f"{inspect.getdoc(function)}\n\n{paragraph}"
        return function

    return decorate
