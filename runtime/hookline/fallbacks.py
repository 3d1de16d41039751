"""Fallbacks: whether another model is asked when one has failed before its first token."""

from hookline.errors import ContextOverflow, ProviderBroken, ProviderError, ProviderTimeout

ELSEWHERE = frozenset({401, 402, 403, 404, 408, 409, 425, 429})
"""Statuses below 500 that say something of this provider, and not of the request: its key, its
credit, its model, its load."""


def worth_another(error: ProviderError) -> bool:
    """Whether another provider may do better.

    A request that is wrong is wrong everywhere; one that is too long may fit elsewhere.
    """
    if isinstance(error, ProviderTimeout | ProviderBroken | ContextOverflow):
        return True
    return error.status is None or error.status >= 500 or error.status in ELSEWHERE
