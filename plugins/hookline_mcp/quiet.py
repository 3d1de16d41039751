"""Quiet: the loggers of the libraries below, which write URLs and messages, secrets and all."""

import logging

LOGGERS = {"httpx2": logging.WARNING, "httpcore2": logging.WARNING, "mcp": logging.CRITICAL}
"""Which of their lines pass. What is worth knowing of the SDK's is logged by connections."""


class Quiet:
    """Holds them back while it lasts."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}

    def begin(self) -> None:
        """From now on."""
        for name, level in LOGGERS.items():
            logger = logging.getLogger(name)
            self._before[name] = logger.level
            logger.setLevel(max(level, logger.level))

    def end(self) -> None:
        """Let them speak as before."""
        for name, level in self._before.items():
            logging.getLogger(name).setLevel(level)
        self._before.clear()
