"""The first process of a sandbox: does what the server asks for, one thing after the other."""

from collections.abc import Mapping, Sequence
from typing import Any

from hookline_code.inside import entries, frames
from hookline_code.inside.command import Command
from hookline_code.inside.paths import SESSION, SOURCE


def serve(requests: int, answers: int, setup: Mapping[str, Any]) -> None:
    """Answer requests.

    Raises:
        EOFError: the server is gone, or wants nothing any more.
    """
    while True:
        request, blobs = frames.read(requests)
        try:
            if request["kind"] == "put":
                entries.put(f"{SESSION}/{request['name']}", blobs[0])
                answer, content = {"kind": "done"}, list[bytes]()
            else:
                answer, content = _run(request, blobs[0], (requests, answers), setup)
        except OSError as error:
            answer, content = {"kind": "failed", "error": error.strerror or str(error)}, []
        frames.write(answers, answer, content)


def _run(
    request: Mapping[str, Any], code: bytes, pipes: tuple[int, int], setup: Mapping[str, Any]
) -> tuple[dict[str, Any], list[bytes]]:
    requests, answers = pipes
    before = entries.survey()
    entries.put(SOURCE, code)
    command = Command(request, setup)
    command.finish(requests, lambda: frames.write(answers, {"kind": "running"}))
    files, left_out = entries.gather(before, setup["files"], setup["file_bytes"])
    answer = {
        "kind": "done",
        "ended": command.ended,
        "status": command.status,
        "stdout": command.stdout.total,
        "stderr": command.stderr.total,
        "files": [name for name, _ in files],
        "left_out": left_out[:100],
        "left_out_count": len(left_out),
    }
    return answer, [*command.stdout.content(), *command.stderr.content(), *_contents(files)]


def _contents(files: Sequence[tuple[str, bytes]]) -> list[bytes]:
    return [content for _, content in files]
