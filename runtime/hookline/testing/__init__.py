"""What plugin authors test with: contracts that parts must pass, and parts that remember."""

from hookline.testing.permission_contract import PermissionContract
from hookline.testing.sinks import RecordingSink
from hookline.testing.store_contract import StoreContract
from hookline.testing.usage import RecorderDown, RecordingRecorder

__all__ = [
    "PermissionContract",
    "RecorderDown",
    "RecordingRecorder",
    "RecordingSink",
    "StoreContract",
]
