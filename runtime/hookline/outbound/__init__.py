"""Requests to servers that others choose: models, pages, documents of APIs."""

from hookline.outbound.client import GuardedClient
from hookline.outbound.exchange import Body, Excess, Fetched, Limits
from hookline.outbound.failures import FetchFailed, FetchTimeout, OutboundError, TargetRefused
from hookline.outbound.lookups import Lookup, system_lookup
from hookline.outbound.settings import TargetSettings
from hookline.outbound.targets import Target, Targets

__all__ = [
    "Body",
    "Excess",
    "FetchFailed",
    "FetchTimeout",
    "Fetched",
    "GuardedClient",
    "Limits",
    "Lookup",
    "OutboundError",
    "Target",
    "TargetRefused",
    "TargetSettings",
    "Targets",
    "system_lookup",
]
