"""``[plugins.acl]``."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hookline.roles import Feature
from hookline_acl.oidc import OidcSettings


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[plugins.acl]``. Times in seconds.

    Args:
        cache_seconds: how long it is remembered whose a key is, who a user is and what they may
            do; 0 asks the store every time. What another process changes takes effect after at
            most this time.
        cache_entries: how many keys, how many users, and how many answers of what somebody may do
            are remembered at most.
        touch_interval: how often the last use of keys is written down.
        roles: what roles may do, by their names; these roles cannot be changed elsewhere.
        api_keys: whether callers are let in with API keys.
        unknown_users: what becomes of valid tokens of users whom the store does not know.
        oidc: whose bearer tokens callers may come with, too.
    """

    cache_seconds: Annotated[float, Meta(ge=0)] = 5.0
    cache_entries: Annotated[int, Meta(ge=1)] = 10_000
    touch_interval: Annotated[float, Meta(gt=0)] = 30.0
    roles: Mapping[Annotated[str, Meta(min_length=1)], list[Feature]] = {}
    api_keys: bool = True
    unknown_users: Literal["allow", "refuse"] = "refuse"
    oidc: OidcSettings | None = None
