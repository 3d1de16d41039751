"""Quotas: what a caller has left of what it may ask for in a minute."""

import attrs


@attrs.frozen(kw_only=True)
class RateLimit:
    """One limit.

    Args:
        limit: how many a minute.
        remaining: how many are left now; never below 0.
        reset: seconds until all of it is there again.
    """

    limit: int
    remaining: int
    reset: float


@attrs.frozen(kw_only=True)
class Quota:
    """The limits that a run was admitted under, or refused. ``None``: there is no such limit.

    They go out as the headers ``x-ratelimit-*`` that OpenAI sends.
    """

    requests: RateLimit | None = None
    tokens: RateLimit | None = None

    def __or__(self, other: "Quota") -> "Quota":
        """Of either limit, the one of which less is left."""
        return Quota(
            requests=_tighter(self.requests, other.requests),
            tokens=_tighter(self.tokens, other.tokens),
        )


def _tighter(one: RateLimit | None, other: RateLimit | None) -> RateLimit | None:
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda limit: (limit.remaining, -limit.reset))
