"""The command line, ``hookline``. Nothing heavy is imported before a command needs it."""

from hookline_api.cli.group import hookline, main

__all__ = ["hookline", "main"]
