"""Settings of plugins that ask servers which others choose."""

from msgspec import Struct, field

from hookline.outbound.targets import Targets


class TargetSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where requests may go; for a plugin's ``Settings`` to add its own keys to.

    Args:
        allowed_domains: names, or ``*.example.com`` for every name below one; empty for all.
        allow_private: addresses, networks and names that are not public and yet allowed.
    """

    allowed_domains: list[str] = field(default_factory=list)
    allow_private: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse what is no domain or network."""
        self.targets()

    def targets(self) -> Targets:
        """Where requests may go."""
        return Targets(allowed_domains=self.allowed_domains, allow_private=self.allow_private)
