"""Becomes an MCP server's process, and sees to it that it does not outlive the one that began it.

Run with ``python -I -S launcher.py PARENT COMMAND ARGUMENT…``: on Linux the kernel then kills the
process when its parent dies, however it dies. The SDK leaves that to the end of standard input,
which a server that hangs does not notice.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1
NOT_FOUND = 127


def main() -> None:
    """Ask the kernel for that signal, and become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel knew
        os._exit(NOT_FOUND)
    try:
        os.execvp(command[0], command)  # noqa: S606  a shell is what nobody wants here
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(NOT_FOUND)


if __name__ == "__main__":
    main()
