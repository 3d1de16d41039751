"""What several commands have: options, and examples in their help."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

# As in ``hookline.options``, which plugins use. To import anything of ``hookline`` takes ten times
# as long as to print a help.
config_option = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="HOOKLINE_CONFIG",
    show_envvar=True,
    metavar="FILE",
    help="The config; ./hookline.toml unless given, or only defaults if there is none.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

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
