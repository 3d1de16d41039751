"""What a command writes, within a limit: its beginning and its end."""

import os


class Capture:
    """Reads a pipe; of what is more than ``limit`` bytes, the middle is left out."""

    def __init__(self, source: int, limit: int):
        self.source = source
        self.total = 0
        self._head = limit - limit // 2
        self._tail = limit // 2
        self._begun = bytearray()
        self._ended = bytearray()

    def read(self) -> bool:
        """Take what is there; false when the pipe has ended."""
        piece = os.read(self.source, 1 << 16)
        self.total += len(piece)
        room = self._head - len(self._begun)
        self._begun += piece[:room]
        self._ended += piece[room:]
        if len(self._ended) > self._tail + (1 << 16):
            del self._ended[: len(self._ended) - self._tail]
        return bool(piece)

    def content(self) -> tuple[bytes, bytes]:
        """The beginning and the end; what lies between them is left out."""
        surplus = max(0, len(self._ended) - self._tail)
        return bytes(self._begun), bytes(self._ended[surplus:])
