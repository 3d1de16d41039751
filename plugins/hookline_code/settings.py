"""``[plugins.code]``: whether code is run at all, in which languages, and within which limits."""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct, field

from hookline_code.inside.paths import SOURCE


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sizes are in bytes, times in seconds.

    Args:
        enabled: whether agents may run code; the server does not start where it cannot isolate it.
        languages: the command of each language; the path of the code follows it. An empty one is
            this server's own Python.
        timeout: what one call may take.
        memory: of all processes of a call together.
        disk: of all files of a session together.
        entries: files and directories of a session.
        processes: at the same time, threads included.
        output: of each of the two streams, that the model gets to read.
        files: how many files of a call become artifacts.
        file_bytes: of all these files together.
        concurrency: calls that run at the same time, of all runs.
        environment: variables that code sees besides ``PATH``, ``HOME`` and ``LANG``.
        paths: more files and directories of this machine that code may read.
    """

    enabled: bool = False
    languages: Annotated[dict[str, list[str]], Meta(min_length=1)] = field(
        default_factory=lambda: {"py": []}
    )
    timeout: Annotated[float, Meta(gt=0, le=3600)] = 30.0
    memory: Annotated[int, Meta(ge=64 * 1024**2)] = 512 * 1024**2
    disk: Annotated[int, Meta(ge=1024**2)] = 128 * 1024**2
    entries: Annotated[int, Meta(ge=16)] = 10_000
    processes: Annotated[int, Meta(ge=1)] = 32
    output: Annotated[int, Meta(ge=1)] = 100_000
    files: Annotated[int, Meta(ge=0)] = 10
    file_bytes: Annotated[int, Meta(ge=0)] = 20_000_000
    concurrency: Annotated[int, Meta(ge=1)] = 4
    environment: dict[str, str] = {}
    paths: list[str] = []

    def command(self, language: str, arguments: Sequence[str]) -> Sequence[str]:
        """The command that runs code of this language."""
        return [*(self.languages[language] or OWN), SOURCE, *arguments]

    def variables(self) -> Mapping[str, str]:
        """All variables that code sees."""
        return {**VARIABLES, **self.environment}


OWN = (sys.executable, "-I", "-B")
VARIABLES = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/session",
    "LANG": "C.UTF-8",
}
