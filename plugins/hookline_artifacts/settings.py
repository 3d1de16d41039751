"""``[plugins.artifacts]``: how much of artifacts is kept, and where images may be fetched from."""

from typing import Annotated

from msgspec import Meta

from hookline.outbound import Limits, TargetSettings

Count = Annotated[int, Meta(ge=0, le=1_000)]


class Settings(TargetSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[plugins.artifacts]``. Times in seconds, sizes in bytes.

    Args:
        file_citations: whether citations are handed on at all.
        max_citations: how many of one search, the most relevant first.
        max_citations_per_file: how many of them from one file.
        min_relevance: from 0 to 1; what is less relevant is left out.
        max_files: images or files that one artifact may have.
        inline_limit: of results that are handed on as they are.
        fetch: whether images and files that are given as URLs are fetched.
        fetch_limit: of one that is fetched.
        timeout: of one that is fetched, redirects included.
        redirects: that are followed, each checked as the first URL is.
    """

    file_citations: bool = True
    max_citations: Count = 30
    max_citations_per_file: Count = 7
    min_relevance: Annotated[float, Meta(ge=0, le=1)] = 0.45
    max_files: Annotated[int, Meta(ge=1, le=1_000)] = 50
    inline_limit: Annotated[int, Meta(ge=1)] = 1_000_000
    fetch: bool = True
    fetch_limit: Annotated[int, Meta(ge=1)] = 20_000_000
    timeout: Annotated[float, Meta(gt=0, le=600)] = 8.0
    redirects: Annotated[int, Meta(ge=0, le=20)] = 3

    def limits(self) -> Limits:
        """How long a request may take and how much may come back."""
        return Limits(
            connect=self.timeout,
            total=self.timeout,
            size=self.fetch_limit,
            redirects=self.redirects,
        )
