"""The tool ``execute_code``: its definition, and what the model reads of a call."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from hookline import Artifact, Tool, ToolResult, ToolSpec
from hookline.scope import CallScope
from hookline_code.sandbox import Done, Job, SandboxFailed
from hookline_code.session import TOOL, Session
from hookline_code.settings import Settings

DESCRIPTION = (
    "Run code in a sandbox without network, and read what it prints. The working directory is kept "
    "for later calls; files that are written there are handed to the user."
)


def spec_of(settings: Settings) -> ToolSpec:
    """The definition, with the languages that the settings know. Source: seed 9.6."""
    return ToolSpec(
        TOOL,
        DESCRIPTION,
        {
            "type": "object",
            "properties": {
                "lang": {
                    "type": "string",
                    "enum": list(settings.languages),
                    "description": "The language of the code.",
                },
                "code": {
                    "type": "string",
                    "maxLength": 1_000_000,
                    "description": "A whole program; only what it prints can be read.",
                },
                "args": {
                    "type": "array",
                    "items": {"type": "string", "maxLength": 10_000},
                    "maxItems": 100,
                    "description": "Arguments on its command line.",
                },
            },
            "required": ["lang", "code"],
            "additionalProperties": False,
        },
    )


class ExecuteCode(Tool):
    """Runs code in the session of one run."""

    def __init__(self, settings: Settings, session: Session):
        self.spec = spec_of(settings)
        self._settings = settings
        self._session = session

    async def __aenter__(self) -> Self:
        """Nothing yet: the sandbox is made for the first call."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End the session."""
        await self._session.close()

    async def call(self, arguments: Mapping[str, Any], scope: CallScope) -> ToolResult:
        """Run the code; where the call is cancelled, the session and its processes are gone."""
        settings = self._settings
        command = settings.command(arguments["lang"], arguments.get("args", ()))
        if any("\0" in word for word in command):
            return ToolResult("An argument has a NUL character; leave it out.", failed=True)
        job = Job(
            command=command,
            code=arguments["code"].encode("utf-8", "replace"),
            environment=settings.variables(),
            timeout=settings.timeout,
        )
        try:
            done, remarks = await self._session.run(job, scope)
        except SandboxFailed as error:
            return ToolResult(f"The code could not be run: {error}.", failed=True)
        parts = [*_written(done), *_ended(done, settings), *_files(done), *remarks]
        text = "\n\n".join(parts) or "The code ran and printed nothing."
        failed = done.ended != "exited" or done.status != 0
        return ToolResult(text, _artifacts(done), failed)


def _written(done: Done) -> Iterator[str]:
    for name, stream in (("stdout", done.stdout), ("stderr", done.stderr)):
        if stream.total:
            yield f"{name}:\n{stream.text().rstrip()}"


def _ended(done: Done, settings: Settings) -> Iterator[str]:
    if done.ended == "time":
        yield f"It was ended after {settings.timeout:g} seconds, which is the limit."
    elif done.ended == "memory":
        yield f"It was ended because it took more than {settings.memory:,} bytes of memory."
    elif done.status is not None and done.status < 0:
        yield f"It was ended by signal {-done.status}."
    elif done.status:
        yield f"Exit status: {done.status}"


def _files(done: Done) -> Iterator[str]:
    if done.files:
        named = (f"{name} ({len(content):,} bytes)" for name, content in done.files.items())
        yield f"Files: {', '.join(named)}"
    if done.left_out_count:
        some = ", ".join(done.left_out[:10])
        yield (
            f"Files that are not handed out, because there are too many or they are too large: "
            f"{done.left_out_count:,}, such as {some}"
        )


def _artifacts(done: Done) -> Sequence[Artifact]:
    if not done.files:
        return ()
    files = [{"name": name, "content": content} for name, content in done.files.items()]
    return (Artifact(kind="files", name=TOOL, data={"files": files}),)
