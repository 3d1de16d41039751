"""A third party's recorder, whose service breaks down while servers come and go."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import openai
import pytest

from hookline.outbox import OutboxCounts, OutboxRun
from hookline_sqlite.store import SqliteStore
from support.billing_service import SECONDS, BillingService
from support.process import Program, installed, run, serving

PLUGIN = Path(__file__).parents[1] / "packages" / "acme_billing" / "acme_billing.py"
CONFIG = """
[server]
port = 0

[store]
url = "sqlite:///./hookline.db"

[usage]
lease = 2.0

[runs]
part_deadline = 1.0

[providers.local]
kind = "scripted"

[plugins.acl.roles]
user = ["remote_agents.use"]

[plugins.acme_billing]
url = "{url}"
token = "from-hookline"

[[plugins.ledger.prices]]
provider = "local"
model = "*"
input = "3"
output = "15"

[agents.helper]
provider = "local"
model = "small"
tools = ["calculator"]

[agents.slow]
provider = "local"
model = "small"
model_parameters = {{ scripted = {{ delay = 0.05 }} }}

[agents.stuck]
provider = "local"
model = "small"
model_parameters = {{ scripted = {{ stall_after = 3 }} }}
"""
WORDS = "one two three four five six seven eight nine ten "
SUM = "Use the calculator to say what 6 * 7 is."
INPUT, OUTPUT = 3_000, 15_000
"""Nano-dollars a token."""


@attrs.frozen
class Tokens:
    """What the answer to a request said that it used."""

    input: int
    output: int


@attrs.frozen
class Office:
    """Where a server runs again and again, with Acme's plugin, and one user who may ask it."""

    folder: Path
    key: str

    @classmethod
    def made(cls, folder: Path, url: str) -> "Office":
        (folder / "hookline.toml").write_text(CONFIG.format(url=url))
        installed(folder / "site", {"acme_billing": PLUGIN.read_text()})
        made = run("keys", "create", "--user", "alice", "--json", cwd=folder)
        return cls(folder, str(json.loads(made.stdout)["key"]))

    @contextmanager
    def serving(self) -> Iterator[tuple[Program, openai.OpenAI]]:
        """A server, and a client of it."""
        site = str(self.folder / "site")
        with serving("serve", cwd=self.folder, PYTHONPATH=site) as program:
            base = f"{program.origin}/v1"
            with openai.OpenAI(
                api_key=self.key, base_url=base, max_retries=0, timeout=SECONDS
            ) as client:
                yield program, client

    async def counts(self) -> OutboxCounts:
        """What is left in the outbox."""
        async with SqliteStore(self.folder / "hookline.db") as store:
            return await store.outbox.counts()

    async def parked(self) -> Sequence[OutboxRun]:
        """What is parked in it."""
        async with SqliteStore(self.folder / "hookline.db") as store:
            return await store.outbox.parked()


def asked(client: openai.OpenAI, text: str) -> Tokens:
    """Ask for an answer in one piece."""
    answer = client.chat.completions.create(model="helper", messages=[_user(text)])
    assert answer.usage
    return Tokens(answer.usage.prompt_tokens, answer.usage.completion_tokens)


def streamed(client: openai.OpenAI, text: str) -> Tokens:
    """Ask for a stream, and read it to its end."""
    stream = client.chat.completions.create(
        model="helper",
        messages=[_user(text)],
        stream=True,
        stream_options={"include_usage": True},
    )
    *_, last = stream
    assert last.usage
    return Tokens(last.usage.prompt_tokens, last.usage.completion_tokens)


def conversed(client: openai.OpenAI, *texts: str) -> list[Tokens]:
    """Ask all of it at once, every other one as a stream."""
    ways = [asked, streamed] * len(texts)
    with ThreadPoolExecutor(len(texts)) as pool:
        return list(pool.map(lambda way, text: way(client, text), ways, texts))


@contextmanager
def begun(client: openai.OpenAI, agent: str, text: str = WORDS) -> Iterator[None]:
    """Read the beginning of a stream, then leave."""
    stream = client.chat.completions.create(model=agent, messages=[_user(text)], stream=True)
    with stream:
        said = [next(stream), next(stream), next(stream)]
        assert any(chunk.choices[0].delta.content for chunk in said)
        yield


def _user(text: str) -> Any:
    return {"role": "user", "content": text}


def sums(entries: Iterable[dict[str, Any]]) -> dict[str, Tokens]:
    """What each run used, as the service was told."""
    found: dict[str, Tokens] = {}
    for entry in entries:
        before = found.get(entry["run"], Tokens(0, 0))
        found[entry["run"]] = Tokens(before.input + entry["input"], before.output + entry["output"])
    return found


@pytest.mark.timeout(180)
def test_everything_is_billed_once(tmp_path: Path) -> None:
    """The service fails, hangs up, is late and gone; servers end and die: each entry is there."""
    answered: list[Tokens] = []
    with BillingService() as service:
        office = Office.made(tmp_path, service.url)
        with office.serving() as (program, client):
            service.mood = "failing"
            answered += conversed(client, *(f"{WORDS}{n}" for n in range(4)), SUM)
            service.wait_for("failed", lambda s: s.troubles["failing"] >= 5)
            service.mood = "hanging up"
            answered += conversed(client, "Hello", SUM)
            service.wait_for("hung up", lambda s: s.troubles["hanging up"] >= 5)
            service.mood = "late"
            answered += conversed(client, WORDS * 2, WORDS * 3)
            service.wait_for("late", lambda s: s.troubles["late"] == 2)
            service.close()
            answered += conversed(client, WORDS * 4, WORDS * 5, SUM)
            with begun(client, "slow", WORDS * 20):
                pass
            ended = program.stop()
            log = program.stderr
        with office.serving() as (program, client):
            answered += conversed(client, *(f"{n} is a number" for n in range(3)), SUM)
            service.mood = "silent"
            service.open()
            service.wait_for("silent", lambda s: s.troubles["silent"] >= 5)
            with begun(client, "stuck"):
                program.stop(signal.SIGKILL)
        service.mood = "working"
        with office.serving() as (program, client):
            answered += conversed(client, "Goodbye", SUM)
            service.wait_for("told of all", lambda s: len(s.closings) >= len(answered) + 2)
            program.stop()

    outcomes = {line["run"]: line["outcome"] for line in service.closings}
    finished = {name for name, outcome in outcomes.items() if outcome == "finished"}
    used = sums(service.entries)
    left = asyncio.run(office.counts())
    assert 0 == ended
    assert "usage.left_in_outbox" in log
    assert Counter({"finished": len(answered), "cancelled": 1, "failed": 1}) == Counter(
        line["outcome"] for line in service.closings
    )
    assert Counter(answered) == Counter(used[name] for name in finished)
    assert set(outcomes) == set(used)
    assert {True} == {e["estimated"] for e in service.entries if e["run"] not in finished}
    assert all(
        entry["amount"] == INPUT * entry["input"] + OUTPUT * entry["output"]
        for entry in service.entries
    )
    assert [] == service.conflicts
    assert 2 <= sum(times > 1 for times in service.received.values())
    assert {"Bearer from-hookline"} == service.tokens
    assert OutboxCounts(runs=0, parked=0) == left


def test_what_the_service_refuses_is_parked(tmp_path: Path) -> None:
    """An entry answered with 422 stays in the outbox for an operator; the run's end is told."""
    with BillingService() as service:
        service.mood = "refusing"
        office = Office.made(tmp_path, service.url)
        with office.serving() as (program, client):
            asked(client, "Hello")
            service.wait_for("told of the end", lambda s: len(s.closings) == 1)
            program.stop()

    (kept,) = asyncio.run(office.parked())
    (parked,) = kept.parked
    (entry,) = kept.entries
    assert [] == service.entries
    assert 1 == service.troubles["refusing"]
    assert ("acme_billing", entry.id, 1) == (parked.recorder, parked.item, parked.attempts)
    assert f"Acme answered 422 to {entry.id}" in parked.error
