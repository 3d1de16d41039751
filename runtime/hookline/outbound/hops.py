"""Hops: a request, and the one that a redirect makes of it."""

from collections.abc import Mapping
from urllib.parse import urljoin

import attrs

from hookline.outbound.failures import TargetRefused
from hookline.outbound.targets import Target, Targets

REDIRECTS = frozenset({301, 302, 303, 307, 308})

_HARMLESS = frozenset({"accept", "accept-language", "user-agent"})
"""Headers that another server may see. A key can be in any other."""
_OF_THE_BODY = frozenset({"content-type", "content-language", "content-disposition"})


@attrs.frozen
class Hop:
    """One request to one server. Names of headers are in lower case."""

    method: str
    target: Target
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes | None = attrs.field(default=None, repr=False)

    def redirected(self, status: int, location: str, targets: Targets) -> "Hop":
        """The request that follows an answer with a status of ``REDIRECTS``.

        Another server gets neither credentials nor a body.

        Raises:
            TargetRefused: it leads to where nobody may go, from HTTPS to HTTP, or would hand a
                body to another server.
        """
        target = targets.check_url(_joined(self.target, location))
        if self.target.scheme == "https" and target.scheme == "http":
            message = f"{self.target.origin} redirects from HTTPS to HTTP"
            raise TargetRefused(message)
        hop = attrs.evolve(self, target=target)
        if _asks_anew(status, self.method):
            kept = {name: value for name, value in hop.headers.items() if name not in _OF_THE_BODY}
            hop = attrs.evolve(hop, method="GET", headers=kept, body=None)
        if target.origin == self.target.origin:
            return hop
        if hop.body is not None:
            message = f"{self.target.origin} redirects a request with a body to {target.origin}"
            raise TargetRefused(message)
        kept = {name: value for name, value in hop.headers.items() if name in _HARMLESS}
        return attrs.evolve(hop, headers=kept)


def _asks_anew(status: int, method: str) -> bool:
    """Whether the answer is to be fetched with GET. Source: the Fetch standard, 4.4."""
    if status == 303:
        return method not in {"GET", "HEAD"}
    return status in {301, 302} and method == "POST"


def _joined(target: Target, location: str) -> str:
    try:
        return urljoin(target.url, location)
    except ValueError:
        message = f"{target.origin} redirects to what is no URL"
        raise TargetRefused(message) from None
