"""Checkpoints: where LangGraph stopped in a run that waits, as bytes that survive a restart.

They hold which nodes come next and for which branches; what was said and done is kept beside them
(``hookline.waiting``). With ``hookline.graph`` this is all that imports LangGraph.
"""

from typing import Any

import msgspec
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


class Checkpoint(InMemorySaver):
    """What LangGraph keeps of one run. Nothing but LangGraph's own types is read back.

    Args:
        dumped: what ``dump`` gave before; empty for a run that begins.
    """

    def __init__(self, dumped: bytes = b""):
        super().__init__(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        if not dumped:
            return
        kept = _decode(dumped)
        for thread, namespace, id_, checkpoint, metadata, parent in kept["storage"]:
            saved = (_typed(checkpoint), _typed(metadata), parent)
            self.storage[thread][namespace][id_] = saved
        for key, task, index, write in kept["writes"]:
            task_id, channel, value, path = write
            self.writes[tuple(key)][task, index] = (task_id, channel, _typed(value), path)
        for key, value in kept["blobs"]:
            self.blobs[tuple(key)] = _typed(value)

    def dump(self) -> bytes:
        """All of it."""
        return _encode(
            {
                "storage": [
                    (thread, namespace, id_, *saved)
                    for thread, namespaces in self.storage.items()
                    for namespace, checkpoints in namespaces.items()
                    for id_, saved in checkpoints.items()
                ],
                "writes": [
                    (key, task, index, write)
                    for key, writes in self.writes.items()
                    for (task, index), write in writes.items()
                ],
                "blobs": list(self.blobs.items()),
            }
        )


def _typed(pair: list[Any]) -> tuple[str, bytes]:
    kind, data = pair
    return kind, data
