"""``GET /metrics``: counters for Prometheus, read when somebody asks."""

import asyncio
from collections.abc import Iterator
from typing import Any

import structlog
from litestar import Request, Response, get
from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hookline.errors import StoreUnavailable
from hookline.outbox import OutboxCounts
from hookline.parts import Part
from hookline.runtime import Runtime
from hookline_api.auth import may_administer

log = structlog.get_logger("hookline.api")
STORE_SECONDS = 5.0
"""How long the store may take to count what is in the outbox."""


async def may_measure(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """A guard: let those pass whom ``[server] metrics`` names.

    Raises:
        Unauthenticated, NotPermitted: it names administrators, and this is none.
        NotFoundException: it names nobody.
    """
    allowed = connection.app.state.config.server.metrics
    if allowed == "off":
        raise NotFoundException
    if allowed == "admin":
        await may_administer(connection, handler)


@get(
    "/metrics",
    guards=[may_measure],
    include_in_schema=False,
)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """All counters of this process, and what is in the store's outbox."""
    runtime: Runtime = request.app.state.runtime
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counters(runtime, await _outbox(runtime)))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


async def _outbox(runtime: Runtime) -> OutboxCounts | None:
    """What is in the outbox; ``None`` if the store does not say."""
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await runtime.registry.store.outbox.counts()
    except (StoreUnavailable, TimeoutError) as error:
        log.warning("metrics.store_silent", error=repr(error))
        return None


class _Counters(Collector):
    """The counters that the parts of a runtime keep anyway."""

    def __init__(self, runtime: Runtime, outbox: OutboxCounts | None):
        self._runtime = runtime
        self._outbox = outbox

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        yield from self._runs()
        yield from self._parts()
        yield from self._recorders()
        yield _gauge("store_up", "Whether the store answers.", int(self._outbox is not None))
        if self._outbox is not None:
            yield _gauge(
                "usage_outbox_runs",
                "Runs in the store that recorders are still to be told of, of all servers.",
                self._outbox.runs,
            )
            yield _gauge(
                "usage_outbox_parked",
                "Items in the store that a recorder could not take for good.",
                self._outbox.parked,
            )

    def _runs(self) -> Iterator[Metric]:
        yield _gauge("runs_running", "Runs under way.", len(self._runtime.running))
        ended = CounterMetricFamily("hookline_runs", "Runs that ended.", labels=["outcome"])
        for outcome, count in sorted(self._runtime.ended.items()):
            ended.add_metric([outcome], count)
        yield ended

    def _parts(self) -> Iterator[Metric]:
        names = ["plugin", "hook"]
        calls = CounterMetricFamily("hookline_part_calls", "Calls into plugins.", labels=names)
        failures = CounterMetricFamily(
            "hookline_part_failures", "Calls into plugins that failed.", labels=names
        )
        seconds = CounterMetricFamily(
            "hookline_part_seconds", "Time that calls into plugins took.", labels=names
        )
        parts: list[Part[Any]] = list(self._runtime.registry.parts)
        for plugin, hook in sorted({(part.plugin, part.hook) for part in parts}):
            same = [part.calls for part in parts if (part.plugin, part.hook) == (plugin, hook)]
            calls.add_metric([plugin, hook], sum(one.count for one in same))
            failures.add_metric([plugin, hook], sum(one.failures for one in same))
            seconds.add_metric([plugin, hook], sum(one.seconds for one in same))
        yield from (calls, failures, seconds)

    def _recorders(self) -> Iterator[Metric]:
        labels = ["recorder"]
        recorded = CounterMetricFamily(
            "hookline_usage_recorded", "Items that a recorder has taken.", labels=labels
        )
        retries = CounterMetricFamily(
            "hookline_usage_retries", "Items that are offered to it again.", labels=labels
        )
        parked = CounterMetricFamily(
            "hookline_usage_parked", "Items that it could not take for good.", labels=labels
        )
        waiting = GaugeMetricFamily(
            "hookline_usage_waiting", "Runs that it is still to be told of.", labels=labels
        )
        for one in self._runtime.registry.delivery.recorders:
            recorded.add_metric([one.name], one.recorded)
            retries.add_metric([one.name], one.retries)
            parked.add_metric([one.name], one.parked)
            waiting.add_metric([one.name], one.waiting)
        yield from (recorded, retries, parked, waiting)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"hookline_{name}", text, value=value)
