"""``[plugins.web]``: which pages may be read, and how long that may take."""

from typing import Annotated

from msgspec import Meta

from hookline.outbound import Excess, Limits, TargetSettings


class Settings(TargetSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[plugins.web]``. Times in seconds, sizes in bytes, lengths in characters."""

    timeout: Annotated[float, Meta(gt=0, le=600)] = 30.0
    connect_timeout: Annotated[float, Meta(gt=0, le=600)] = 10.0
    limit: Annotated[int, Meta(ge=1, le=50_000_000)] = 2_000_000
    max_length: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    redirects: Annotated[int, Meta(ge=0, le=20)] = 5
    user_agent: Annotated[str, Meta(pattern=r"^[ -~]+$")] = "Hookline"

    def limits(self) -> Limits:
        """How long a request may take and how much may come back."""
        return Limits(
            connect=self.connect_timeout,
            total=self.timeout,
            size=self.limit,
            excess=Excess.CUT,
            redirects=self.redirects,
        )
