"""``[plugins.file_search]``: how much is read of files, and how much of it is given back."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The plugin's settings. Sizes of passages in characters, times in seconds.

    Args:
        results: passages that a search gives at most.
        chunk_size: characters of a passage.
        overlap: characters that neighbouring passages share; at most a third of ``chunk_size``.
        files: files that one call searches at most.
        file_bytes: bytes of a file that is searched.
        pages: pages of a PDF that are read.
        characters: characters of a file that are read.
        seconds: how long reading the text of one file may take.
        timeout: how long reading all files of a call may take.
        cache_bytes: what is remembered of files and their indexes; those of one call may have half
            as much.
        citations: whether the passages may be shown to the user as citations.
        anchor: how the model is told to cite: ``[turn0file0]``, or as LibreChat's client wants it,
            after a character for private use.
    """

    results: Annotated[int, Meta(ge=1, le=100)] = 10
    chunk_size: Annotated[int, Meta(ge=100, le=20_000)] = 1_000
    overlap: Annotated[int, Meta(ge=0)] = 150
    files: Positive = 100
    file_bytes: Positive = 32_000_000
    pages: Positive = 2_000
    characters: Positive = 5_000_000
    seconds: Seconds = 15.0
    timeout: Seconds = 30.0
    cache_bytes: Positive = 64_000_000
    citations: bool = True
    anchor: Literal["plain", "librechat"] = "plain"

    def __post_init__(self) -> None:
        """Refuse passages that would be repeated rather than continued."""
        if self.overlap * 3 > self.chunk_size:
            message = f"`overlap` must be at most a third of `chunk_size`, {self.chunk_size // 3}"
            raise ValueError(message)
