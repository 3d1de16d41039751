"""Snapshots as text files, in a tree that mirrors that of the tests."""

from pathlib import Path

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation

from support.wire import ROOT, SNAPSHOTS


class TextSnapshot(SingleFileSnapshotExtension):
    """A text file per test: ``snapshots/<path of the module>/<test>.txt``."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        """The folder of the test's module."""
        module = Path(test_location.filepath).relative_to(ROOT / "tests")
        return str(SNAPSHOTS / module.with_suffix(""))
