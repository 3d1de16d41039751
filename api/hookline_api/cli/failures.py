"""How a command fails: with one sentence and an exit code.

2 says that the command was called wrongly, 1 that it could not do its work, 130 that it was
interrupted.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

DEBUG = "HOOKLINE_DEBUG"
INTERRUPTED = 130


class Failure(click.ClickException):
    """The command could not do its work: one sentence on stderr, and exit code 1."""

    exit_code = 1

    def show(self, file: object = None) -> None:
        """Say it."""
        click.echo(f"hookline: {self.message}", err=True)


class WrongUse(Failure):
    """The command was called wrongly: one sentence on stderr, and exit code 2."""

    exit_code = 2


@contextmanager
def one_sentence() -> Iterator[None]:
    """Make a ``Failure`` of what is raised; with ``HOOKLINE_DEBUG`` set, leave it as it is."""
    try:
        yield
    except (click.exceptions.NoArgsIsHelpError, click.Abort, click.exceptions.Exit, Failure):
        raise
    except click.UsageError as error:
        raise WrongUse(_usage(error)) from error
    except click.ClickException as error:
        raise Failure(_sentence(error.format_message())) from error
    except KeyboardInterrupt as error:
        raise click.exceptions.Exit(INTERRUPTED) from error
    except Exception as error:
        if os.environ.get(DEBUG) or _reader_gone(error):
            raise
        raise _failure(error) from error


def _usage(error: click.UsageError) -> str:
    text = _sentence(error.format_message())
    return f"{text}; see {error.ctx.command_path} --help" if error.ctx else text


def _sentence(text: str) -> str:
    return " ".join(text.split()).removesuffix(".")


def _reader_gone(error: Exception) -> bool:
    """Whether what reads our output has ended; click then ends without a word."""
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def _failure(error: Exception) -> Failure:
    from hookline.errors import HooklineError

    if isinstance(error, HooklineError):
        return Failure(str(error))
    text = _sentence(f"{type(error).__name__}: {error}")
    return Failure(f"unexpected {text}; run with {DEBUG}=1 for the traceback")
