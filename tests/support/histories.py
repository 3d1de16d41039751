"""Histories of servers that share a store, die, and lose it; an upstream counts what it serves.

The servers are whole runtimes in one loop of virtual time. One that is killed reaches the store,
the upstream and its recorder no more: nothing that it does has any effect, as with kill -9.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from random import Random
from typing import Any, Literal, Self

import attrs
import msgspec

import hookline_memory
from hookline import ModelRequest, Principal, ProviderKind, StoreKind, hookimpl
from hookline.config import Config
from hookline.errors import HooklineError, ProviderBroken, StoreUnavailable
from hookline.events import Text
from hookline.ledger import EntryQuery, LedgerEntry
from hookline.outbox import OutboxRun
from hookline.plugins import Plugins
from hookline.providers import ModelDelta, ModelFinished, ModelUsage, ToolCallPiece
from hookline.registry import Registry
from hookline.runs import Run
from hookline.runtime import Runtime
from hookline.usage import Admission, Closing, Price, TokenCounts, UsageEntry, estimate
from hookline.wire.chat import ChatCompletionRequest, UserMessage
from hookline_ledger.recorder import Ledger
from hookline_ledger.settings import Settings as LedgerSettings
from hookline_memory.store import MemoryStore
from support.runtimes import OpenDoor, Settings
from support.virtual import VirtualLoop

INPUT_PRICE, OUTPUT_PRICE = 3, 7
USERS = ("alice", "bob")
START = "0.000002"
"""Dollars that an account begins with: enough for some runs, and not for all."""

PORTS = ("outbox", "ledger")
DURABLE = ("lease", "leave", "claim", "change")
"""What outlives a crash of the store, as all does that came before."""

LONG = 3600.0
"""Virtual seconds in which everything has come to rest."""

End = Literal["stop", "break", "hang", "tool", "refuse"]


@attrs.frozen
class Script:
    """What a call of the upstream does.

    Args:
        tokens: that it sends, of four bytes each.
        end: how it ends: it stops, breaks off, hangs, calls a tool that nobody offers, or refuses.
        reports: whether it says what it served.
        pause: seconds between two tokens.
    """

    tokens: int = 3
    end: End = "stop"
    reports: bool = True
    pause: float = 0.0


class Upstream:
    """A model that counts what it serves, by the user's message that it is asked with."""

    parameters = frozenset({"max_tokens"})

    def __init__(self) -> None:
        self.scripts: dict[str, Sequence[Script]] = {}
        self.served = defaultdict[str, list[Counter[str]]](list)
        self.asked = Counter[str]()

    async def stream(
        self, request: ModelRequest, server: "Server"
    ) -> AsyncGenerator[ModelDelta, None]:
        marker = request.messages[-1 if len(request.messages) == 1 else 0].content
        scripts = self.scripts[marker]
        script = scripts[min(self.asked[marker], len(scripts) - 1)]
        self.asked[marker] += 1
        if script.end == "refuse":
            message = "no"
            raise ProviderBroken(message)
        size = estimate(msgspec.json.encode(request.messages))
        counts: Counter[str] | None = None
        for _ in range(script.tokens):
            await asyncio.sleep(script.pause)
            await server.alive()
            if counts is None:
                counts = Counter(input=size)
                self.served[marker].append(counts)
            counts["output"] += 1
            yield Text("tok ")
        await server.alive()
        if script.end == "break":
            message = "gone"
            raise ProviderBroken(message)
        if script.end == "hang":
            await asyncio.Event().wait()
        if counts is None:
            counts = Counter(input=size)
            self.served[marker].append(counts)
        if script.end == "tool":
            counts["output"] += 2
            yield ToolCallPiece(0, "x", "none", "{}  ")
        if script.reports:
            yield ModelUsage(TokenCounts(input=size, output=counts["output"]))
        yield ModelFinished("tool_calls" if script.end == "tool" else "stop")


@attrs.frozen
class Reach:
    """What a server reaches of the upstream: nothing once it is dead."""

    upstream: Upstream
    server: "Server"
    parameters = Upstream.parameters

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelDelta, None]:
        return self.upstream.stream(request, self.server)


class Prices:
    """A price list with one price for everything."""

    def price(self, entry: UsageEntry) -> Price:
        amount = INPUT_PRICE * entry.tokens.input + OUTPUT_PRICE * entry.tokens.output
        return Price(amount=amount, version="v")


class Billing:
    """A recorder outside: what it was told, by id; it survives all servers."""

    def __init__(self) -> None:
        self.entries: dict[str, UsageEntry] = {}
        self.outcomes = defaultdict[str, set[str]](set)
        self.failing = False


@attrs.frozen
class Biller:
    """A server's way to the recorder outside."""

    billing: Billing
    server: "Server"

    async def admit(self, admission: Admission) -> None:
        await self.server.alive()

    async def record(self, entry: UsageEntry) -> None:
        await self._reach()
        self.billing.entries[entry.id] = entry
        await self.server.world.whim("answer")

    async def close(self, closing: Closing) -> None:
        await self._reach()
        self.billing.outcomes[closing.run].add(closing.outcome)
        await self.server.world.whim("answer")

    async def _reach(self) -> None:
        await self.server.alive()
        if self.billing.failing:
            raise ConnectionError


class Port:
    """A port of the store as a server reaches it: not at all if dead, with errors if it is down.

    An operation that fails may have been done all the same.
    """

    def __init__(self, port: object, server: "Server"):
        self._port = port
        self._server = server

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def call(*args: Any, **fields: Any) -> Any:
            world = self._server.world
            await asyncio.sleep(0)
            await self._server.alive()
            if world.store_down:
                message = "the store is down"
                raise StoreUnavailable(message)
            result = await method(*args, **fields)
            if name in DURABLE or fields.get("durable"):
                world.sync()
            await world.whim("store")
            await self._server.alive()
            return result

        return call


class Reached:
    """The store as a server reaches it."""

    def __init__(self, store: MemoryStore, server: "Server"):
        self._store = store
        for name in PORTS:
            setattr(self, name, Port(getattr(store, name), server))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass


@attrs.frozen
class Parts:
    """All that a server is made of, as one plugin."""

    server: "Server"

    @hookimpl
    def store(self) -> StoreKind:
        return self  # type: ignore[return-value]

    scheme = "shared"

    def open(self, url: str) -> Any:
        return Reached(self.server.world.store, self.server)

    @hookimpl
    def model_provider(self) -> ProviderKind:
        reach = Reach(self.server.world.upstream, self.server)
        return ProviderKind("counting", Settings, lambda name, settings: reach)

    @hookimpl
    def price_list(self) -> Prices:
        return Prices()


@attrs.frozen
class LedgerPart:
    """The ledger as a plugin, with this server's store."""

    settings: LedgerSettings

    @hookimpl
    def usage_recorder(self, plugin: Any) -> Ledger:
        return Ledger(plugin.store.ledger, self.settings, plugin.clock)


@attrs.frozen
class BillingPart:
    """The recorder outside as a plugin."""

    biller: Biller

    @hookimpl
    def usage_recorder(self) -> Biller:
        return self.biller


class Server:
    """A runtime, until it is killed."""

    def __init__(self, world: "World"):
        self.world = world
        self.dead = False
        self.runtime: Runtime | None = None
        self.runs: list[Run] = []

    async def alive(self) -> None:
        """Return if it lives; if not, never."""
        if self.dead:
            await asyncio.Event().wait()

    async def start(self) -> None:
        config = msgspec.convert(self.world.config(), Config)
        plugins = Plugins({}, "test.toml", self.world.loop.clock)
        plugins.add("memory", hookline_memory)
        plugins.add("door", OpenDoor())
        plugins.add("parts", Parts(self))
        plugins.add("billing", BillingPart(Biller(self.world.billing, self)))
        plugins.add("ledger", LedgerPart(self.world.settings))
        self.runtime = Runtime(Registry(config, plugins, "test.toml"))
        await self.runtime.__aenter__()

    async def ask(self, user: str, marker: str) -> Run | None:
        """Begin a run; nothing if it is refused."""
        principal = Principal(user=user, key=f"key_{user}")
        request = ChatCompletionRequest(model="helper", messages=[UserMessage(marker)])
        assert self.runtime is not None
        agent = await self.runtime.agents.get("helper")
        try:
            run = await self.runtime.start(principal, agent, request)
        except HooklineError:
            return None
        self.runs.append(run)
        return run


class World:
    """Servers, one store, one upstream and one recorder outside.

    Args:
        seed: decides what is left to chance.
        whims: how often something fails after it was done, of a thousand times.
        settings: of the ledger.
    """

    def __init__(self, seed: int, whims: int = 0, **settings: Any):
        self.loop = VirtualLoop()
        self.random = Random(seed)
        self.whims = whims
        self.store = MemoryStore(self.loop.clock)
        self.upstream = Upstream()
        self.billing = Billing()
        self.store_down = False
        given = {"enforce_balance": True, "start_balance": START, "lease": 30.0, **settings}
        self.settings = msgspec.convert(given, LedgerSettings)
        self.servers: list[Server] = []
        self.killed: list[Server] = []
        self.cut_off: set[str] = set()
        self.forgotten: set[str] = set()
        self._durable: dict[str, OutboxRun] = {}
        self._back: set[str] = set()
        self.markers: dict[str, str] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._count = 0

    def config(self) -> Mapping[str, Any]:
        return {
            "store": {"url": "shared://"},
            "providers": {"local": {"kind": "counting"}},
            "agents": {"helper": {"provider": "local", "model": "m", "recursion_limit": 6}},
            "usage": {"default_output": 4, "lease": 15.0, "park_after": 1e9},
            "files": {"url": "memory://histories"},
            "permissions": {"revocation_interval": 60.0},  # no time for what no history has
        }

    async def whim(self, what: str) -> None:
        """Now and then, fail after something was done."""
        if self.whims and self.random.randrange(1000) < self.whims:
            if what == "store":
                message = "the connection was lost"
                raise StoreUnavailable(message)
            raise ConnectionError

    def sync(self) -> None:
        """What is in the outbox outlives a crash from now on."""
        self._durable = dict(self.store.outbox.kept)

    def crash(self) -> None:
        """The store goes down, and forgets what it had not made durable."""
        kept = self.store.outbox.kept
        self.forgotten |= {id_ for id_, run in kept.items() if self._durable.get(id_) != run}
        self._back |= self._durable.keys() - kept.keys()
        kept.clear()
        kept.update(self._durable)
        self.store_down = True

    def do(self, work: Any) -> Any:
        """Do something to its end."""
        asyncio.set_event_loop(self.loop)
        return self.loop.finish(work)

    def begin(self, count: int = 2) -> None:
        """Start the servers."""
        for _ in range(count):
            self.do(self._start())

    async def _start(self) -> None:
        server = Server(self)
        down, whims = self.store_down, self.whims
        self.store_down, self.whims = False, 0
        await server.start()
        self.store_down, self.whims = down, whims
        self.servers.append(server)

    def ask(self, number: int, user: str, scripts: Sequence[Script]) -> None:
        """Have a server begin a run, in the background."""
        server = self.servers[number % len(self.servers)]
        self._count += 1
        marker = f"run {self._count}"
        self.upstream.scripts[marker] = scripts

        async def work() -> None:
            run = await server.ask(user, marker)
            if run is not None:
                self.markers[run.id] = marker
            if run is not None and server.dead:
                self.cut_off.add(run.id)

        self._spawn(work())

    def cancel(self, number: int) -> None:
        """End a run that is under way."""
        running = [run for server in self.servers for run in server.runtime.running]
        if running:
            running[number % len(running)].cancel("client_gone")

    def kill(self, number: int) -> None:
        """Kill a server; another one takes its place."""
        server = self.servers.pop(number % len(self.servers))
        self.cut_off |= {run.id for run in server.runtime._runs.values()}
        server.dead = True
        self.killed.append(server)
        self.do(self._start())

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.do(asyncio.sleep(seconds))

    def settle(self) -> None:
        """Mend everything and wait until nothing is left to do."""
        self.store_down = self.billing.failing = False
        self.whims = 0
        self.do(self._settle())

    async def _settle(self) -> None:
        deadline = self.loop.time() + LONG
        while self.loop.time() < deadline:
            await asyncio.sleep(20.0)
            for server in self.servers:
                for run in server.runtime.running:
                    run.cancel("client_gone")
            if self._is_empty() and not any(server.runtime.running for server in self.servers):
                break
        await asyncio.sleep(61.0)

    def check(self) -> None:
        """What was served is what was recorded and paid for, everywhere."""
        ledger, outside = self._ledger(), self.billing.entries
        assert self._is_empty()
        assert ledger.keys() == outside.keys()
        for id_, entry in ledger.items():
            told = outside[id_]
            assert entry.tokens == told.tokens
            assert -entry.amount == told.price.amount
        self._check_counts(list(outside.values()))
        self._check_balances(list(ledger.values()))
        assert all(len(outcomes) == 1 for outcomes in self.billing.outcomes.values())

    def _is_empty(self) -> bool:
        """Whether nothing is left but runs whose removal was forgotten."""
        left = self.store.outbox.kept.values()
        return all(
            run.ended and run.id in self._back & self.billing.outcomes.keys() for run in left
        )

    def _ledger(self) -> dict[str, LedgerEntry]:
        query = EntryQuery(kinds=["usage"])
        found = self.do(self.store.ledger.entries(query, limit=100_000))
        return {entry.id: entry for entry in found}

    def _check_counts(self, entries: Sequence[UsageEntry]) -> None:
        recorded = defaultdict[str, dict[int, Counter[str]]](dict)
        for entry in entries:
            marker = self.markers.get(entry.run)
            if marker is None:
                continue  # it was admitted by a server that died before it could answer
            counts = recorded[marker].setdefault(entry.step, Counter())
            counts.update(input=entry.tokens.input, output=entry.tokens.output)
        cut_off = {self.markers[run] for run in self.cut_off if run in self.markers}
        for run, marker in self.markers.items():
            if run in self.cut_off & self.forgotten:
                continue  # nobody is left who knows
            served = self.upstream.served.get(marker, [])
            steps = [recorded[marker].get(step) for step in range(len(recorded[marker]))]
            if marker not in cut_off:
                assert served == steps, (marker, served, steps)
                continue
            assert len(served) <= len(steps) <= len(served) + 1
            for one, counts in zip(served[:-1], steps, strict=False):
                assert one == counts
            if served:
                last = steps[len(served) - 1]
                assert last["input"] == served[-1]["input"]
                assert last["output"] <= served[-1]["output"]

    def _check_balances(self, entries: Sequence[LedgerEntry]) -> None:
        for user in USERS:
            account = self.do(self.store.ledger.account(f"user:{user}"))
            if account is None:
                continue
            query = EntryQuery(account=account.id)
            found = self.do(self.store.ledger.entries(query, limit=100_000))
            assert sum(entry.amount for entry in found) == account.balance
            assert 0 == account.reserved(self.loop.clock())

    def end(self) -> None:
        """Stop everything."""
        for server in self.servers:
            self.do(server.runtime.__aexit__(None, None, None))
        while tasks := asyncio.all_tasks(self.loop):
            for task in tasks:
                task.cancel()
            self.do(_gathered(tasks))
        self.loop.close()

    def _spawn(self, work: Any) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _gathered(tasks: Any) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
