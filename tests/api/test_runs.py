"""``/v1/runs`` over HTTP: how runs are, and deciding on the calls that they wait for."""

import asyncio
import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
import httpx
import openai
import pytest

from hookline.wire.chat import ToolMessage
from support.approvals import ASKING, LOOK, PAY, Bank, Notes
from support.process import Program, installed, run, serving
from support.runtimes import ListedModel, Model, Step, start
from support.server import KEY, RunningServer, add_key, running_server
from support.teams import calls, says
from support.waiting import until

BOB = "hk-bob"
SECONDS = 30
TURNS: Sequence[Sequence[Step]] = [calls(LOOK, PAY, text="I pay."), says("Paid.")]


def tables(**agent: Any) -> Mapping[str, Any]:
    """The config of a server with the agent ``helper``."""
    helper = {"provider": "local", "model": "m", **ASKING, **agent}
    return {"providers": {"local": {"kind": "listed"}}, "agents": {"helper": helper}}


class Site:
    """A server, its bank, and asking it."""

    def __init__(self, server: RunningServer, bank: Bank):
        self.server = server
        self.bank = bank

    def ask(self, method: str, path: str, *, key: str = KEY, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}", **options.pop("headers", {})}
        url = f"{self.server.url}{path}"
        return httpx.request(method, url, headers=headers, timeout=SECONDS, **options)

    def say(self, content: str = "Hi", **fields: Any) -> httpx.Response:
        """Ask the agent something."""
        headers = fields.pop("headers", {})
        body = {"model": "helper", "messages": [{"role": "user", "content": content}], **fields}
        return self.ask("POST", "/chat/completions", json=body, headers=headers)

    def waiting(self, **fields: Any) -> tuple[str, list[Any]]:
        """A new run that waits, and the calls that it waits for."""
        answer = self.say(**fields)
        extension = answer.json()["hookline"]
        assert answer.headers["hookline-run"] == extension["run"]
        return extension["run"], extension["approvals"]

    def approve(self, run: str, **fields: Any) -> httpx.Response:
        options = {name: fields.pop(name) for name in ("key", "headers") if name in fields}
        return self.ask("POST", f"/runs/{run}/approve", json=fields, **options)


@pytest.fixture
def site() -> Iterator[Site]:
    """A server whose agent looks and pays, and then says so."""
    yield from serve(ListedModel(*TURNS))


def serve(model: ListedModel, **agent: Any) -> Iterator[Site]:
    """A server with this model."""
    bank = Bank()
    plugins = {"model": Model(model), "bank": bank, "notes": Notes()}
    with running_server(tables(**agent), plugins) as server:
        server.run(add_key(server.runtime, BOB, user="bob"))
        server.run(add_key(server.runtime, "hk-reader", read_only=True))
        yield Site(server, bank)


def events_of(answer: httpx.Response) -> list[Any]:
    """The chunks of a stream."""
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert "[DONE]" == lines[-1]
    return [json.loads(line) for line in lines[:-1]]


def said(chunks: Sequence[Any]) -> str:
    """The text of a stream."""
    deltas = [choice["delta"] for chunk in chunks for choice in chunk.get("choices", [])]
    return "".join(delta.get("content") or "" for delta in deltas)


def test_an_answer_that_waits_and_goes_on(site: Site) -> None:
    """It says what it waits for and under which id; the rest comes as another answer."""
    first = site.say()
    extension = first.json()["hookline"]
    run = extension["run"]
    look = site.ask("GET", f"/runs/{run}").json()
    rest = site.approve(run)
    after = site.ask("GET", f"/runs/{run}").json()

    choice = first.json()["choices"][0]
    assert ("I pay.", "stop") == (choice["message"]["content"], choice["finish_reason"])
    assert "approval" == extension["stop_reason"]
    assert [("pay", '{"amount": 5}', "helper")] == [
        (call["name"], call["arguments"], call["agent"]) for call in extension["approvals"]
    ]
    assert ("waiting", "approval", extension["approvals"]) == (
        look["status"],
        look["reason"],
        look["approvals"],
    )
    assert look["ended_at"] is None
    choice = rest.json()["choices"][0]
    assert ("\n\nPaid.", "stop") == (choice["message"]["content"], choice["finish_reason"])
    assert run == rest.headers["hookline-run"]
    assert ("finished", "stop", []) == (after["status"], after["reason"], after["approvals"])
    assert ["it"] == [made["name"] for made in after["attachments"]]
    assert ([5], ["it"]) == (site.bank.paid, site.bank.looked)


@pytest.mark.parametrize("dialect", ["openai", "librechat"])
def test_streams_that_wait_and_go_on(site: Site, dialect: str) -> None:
    """A stream ends with what it waits for in its last chunk; the rest is another stream."""
    headers = {"hookline-dialect": dialect}
    first = events_of(site.say(stream=True, headers=headers))
    extension = first[-1]["hookline"]
    answer = site.approve(extension["run"], stream=True, headers=headers)
    rest = events_of(answer)

    assert ("approval", ["pay"]) == (
        extension["stop_reason"],
        [call["name"] for call in extension["approvals"]],
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert ("I pay.", "Paid.") == (said(first), said(rest).strip())
    assert "stop" == rest[-1]["choices"][0]["finish_reason"]
    assert [5] == site.bank.paid


def test_usage_of_a_stream_is_that_of_its_part(site: Site) -> None:
    """Whoever asks for usage gets it for each answer, in a last chunk."""
    options = {"stream": True, "stream_options": {"include_usage": True}}
    first = events_of(site.say(**options))
    run = next(chunk["hookline"]["run"] for chunk in first if "hookline" in chunk)
    rest = events_of(site.approve(run, **options))

    assert [[], []] == [first[-1]["choices"], rest[-1]["choices"]]
    assert 0 < first[-1]["usage"]["prompt_tokens"] < rest[-1]["usage"]["prompt_tokens"]


WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {}}}


@pytest.mark.parametrize("stream", [False, True])
def test_the_callers_calls_come_with_the_end_of_the_turn(stream: bool) -> None:
    """A caller makes its calls once the run has gone on: then they are in the answer."""
    model = ListedModel(calls(PAY, "weather", text="Both."), says("Fine."))
    for site in serve(model):
        run, approvals = site.waiting(tools=[WEATHER])
        answer = site.approve(run, stream=stream)
        asked: Any = {}
        if stream:
            for chunk in events_of(answer):
                choice = chunk["choices"][0]
                for delta in choice["delta"].get("tool_calls", ()):
                    asked = {**delta, **asked}
            finish_reason = choice["finish_reason"]
        else:
            choice = answer.json()["choices"][0]
            (asked,), finish_reason = choice["message"]["tool_calls"], choice["finish_reason"]
        told = [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Both.", "tool_calls": [{**asked, "index": 0}]},
            {"role": "tool", "tool_call_id": asked["id"], "content": "sunny"},
        ]
        done = site.say(tools=[WEATHER], messages=told).json()["choices"][0]

        assert ["pay"] == [call["name"] for call in approvals]
        assert ("tool_calls", "weather") == (finish_reason, asked["function"]["name"])
        assert ("Fine.", [5]) == (done["message"]["content"], site.bank.paid)
        read = [m.content for m in model.requests[1].messages if isinstance(m, ToolMessage)]
        assert ["paid 5", "sunny"] == read


def test_a_json_answer_that_waits_has_no_calls_to_make() -> None:
    """A client that makes every call that it is given does not begin too early."""
    for site in serve(ListedModel(calls(PAY, "weather"))):
        message = site.say(tools=[WEATHER]).json()["choices"][0]["message"]

        assert "tool_calls" not in message


def test_decisions_one_by_one() -> None:
    """While calls are open the run is answered as it is; a refusal's reason is what is read."""
    model = ListedModel(calls(PAY, ("pay", '{"amount": 6}')), says("Done."))
    for site in serve(model):
        run, (five, six) = site.waiting()
        one = {"tool_call_id": five["id"], "approve": False, "reason": "too much"}
        open_ = site.approve(run, decisions=[one])
        closed = site.approve(run, decisions=[{"tool_call_id": six["id"], "approve": True}])

        assert ("run", "waiting", [six]) == (
            open_.json()["object"],
            open_.json()["status"],
            open_.json()["approvals"],
        )
        assert "Done." == closed.json()["choices"][0]["message"]["content"]
        assert [6] == site.bank.paid
        read = model.requests[1].messages[-2].content
        assert "Error: this call was not approved: too much" == read


def test_runs_are_their_callers_own(site: Site) -> None:
    """Nobody else sees a run or decides on it; a key that reads may not decide."""
    run, _ = site.waiting()

    answers = [
        site.ask("GET", f"/runs/{run}", key=BOB),
        site.approve(run, key=BOB),
        site.ask("GET", "/runs/run_none"),
        site.approve("run_none"),
        site.approve(run, key="hk-reader"),
        site.approve(run, key="hk-none"),
    ]
    assert [404, 404, 404, 404, 403, 401] == [answer.status_code for answer in answers]
    assert ["not_found"] * 2 == [answer.json()["error"]["code"] for answer in answers[2:4]]
    assert (200, []) == (site.ask("GET", f"/runs/{run}").status_code, site.bank.paid)


BAD: Sequence[tuple[Any, str | None]] = [
    ({"decisions": []}, "decisions"),
    ({"decisions": [{"tool_call_id": "x"}]}, "decisions[0].approve"),
    ({"decisions": [{"tool_call_id": "call_x", "approve": True}]}, "decisions[0].tool_call_id"),
    ({"decisions": [{"tool_call_id": 1, "approve": True}]}, "decisions[0].tool_call_id"),
    ({"decisions": [{"tool_call_id": "x", "approve": "yes"}]}, "decisions[0].approve"),
    ({"decisions": "all"}, "decisions"),
    ({"approve": True}, "approve"),
    ({"stream": "yes"}, "stream"),
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ([], None),
]


def test_bad_bodies_leave_the_run_as_it_is(site: Site) -> None:
    """A body that says nothing clear is refused with its field, and nothing is decided."""
    run, _ = site.waiting()
    answers = [site.ask("POST", f"/runs/{run}/approve", json=body) for body, _ in BAD]

    assert [400] * len(BAD) == [answer.status_code for answer in answers]
    params = [answer.json()["error"]["param"] for answer in answers]
    assert [param for _, param in BAD] == params
    assert ("waiting", []) == (site.ask("GET", f"/runs/{run}").json()["status"], site.bank.paid)


def test_calls_are_decided_on_once(site: Site) -> None:
    """Two decisions about one call in a body contradict each other, or are a mistake."""
    run, (call,) = site.waiting()
    twice = [{"tool_call_id": call["id"], "approve": approve} for approve in (True, False)]
    answer = site.approve(run, decisions=twice)

    assert (400, "decisions[1].tool_call_id") == (
        answer.status_code,
        answer.json()["error"]["param"],
    )


def test_bad_headers_leave_the_run_as_it_is(site: Site) -> None:
    """What the answer could not honour is refused before anything is done."""
    run, _ = site.waiting()
    bad = [{"hookline-dialect": "french"}, {"hookline-include": "money"}, {"idempotency-key": ""}]
    answers = [site.approve(run, headers=headers) for headers in bad]

    assert [400] * 3 == [answer.status_code for answer in answers]
    assert ("waiting", []) == (site.ask("GET", f"/runs/{run}").json()["status"], site.bank.paid)


def test_states_of_runs() -> None:
    """Runs that never waited can be looked up, too: at work, and however they ended."""

    async def hang() -> None:
        await asyncio.sleep(SECONDS)

    model = ListedModel([hang], [RuntimeError("oh")], says("Done."))
    for site in serve(model):
        hanging = site.server.run(start(site.server.runtime))
        running = site.ask("GET", f"/runs/{hanging.id}").json()
        site.server.loop.call_soon_threadsafe(hanging.cancel, "operator")
        site.server.run(hanging.wait())
        failing = site.server.run(start(site.server.runtime))
        site.server.run(failing.wait())
        done = site.say().headers["hookline-run"]

        ended = [site.ask("GET", f"/runs/{run}").json() for run in (hanging.id, failing.id, done)]
        assert ("running", "") == (running["status"], running["reason"])
        assert ["cancelled", "failed", "finished"] == [found["status"] for found in ended]
        assert ["operator", "internal_error", "stop"] == [found["reason"] for found in ended]
        assert all(found["created_at"] <= found["ended_at"] for found in ended)


def test_openai_client_reads_answers_that_wait(site: Site) -> None:
    """To it they are answers like any other; what is ours it keeps beside the rest."""
    client = openai.OpenAI(base_url=site.server.url, api_key=KEY, max_retries=0, timeout=SECONDS)
    with client:
        answer = client.chat.completions.create(
            model="helper", messages=[{"role": "user", "content": "Hi"}]
        )
        extension: Any = answer.model_extra["hookline"] if answer.model_extra else {}
        rest = client.post(
            f"/runs/{extension['run']}/approve",
            cast_to=openai.types.chat.ChatCompletion,
            body={},
        )

    assert "stop" == answer.choices[0].finish_reason
    assert ["pay"] == [call["name"] for call in extension["approvals"]]
    assert "Paid." == (rest.choices[0].message.content or "").strip()


PLUGIN = '''
import asyncio
from pathlib import Path

from hookline import StaticTools, hookimpl, tool


@hookimpl
def tool_loader():
    @tool
    async def pay(amount: int) -> str:
        """Pay somebody."""
        with Path("paid").open("a") as book:
            book.write(f"{amount}\\n")
        await asyncio.sleep(60 if amount == 7 else 0)
        return f"paid {amount}"

    return StaticTools(pay)
'''
CONFIG = """
[server]
port = 0

[store]
url = "sqlite:///./hookline.db"

[providers.script]
kind = "scripted"

[agents.helper]
provider = "script"
model = "m"
tools = ["pay"]
tool_options.pay.require_approval = true

[usage]
lease = 1.0

[plugins.acl.roles]
user = ["remote_agents.use"]
"""


@attrs.frozen
class Folder:
    """Where servers run that are killed."""

    folder: Path
    path: str
    key: str

    def serving(self) -> AbstractContextManager[Program]:
        """A server."""
        return serving("serve", cwd=self.folder, PYTHONPATH=self.path)

    def ask(self, server: Program, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}"}
        url = f"{server.origin}/v1/{path}"
        return httpx.request(method, url, headers=headers, timeout=SECONDS, **options)

    def pay(self, server: Program, amount: int) -> Any:
        """What the answer of a run says that waits until this can be paid."""
        message = f'/tool pay {{"amount": {amount}}}'
        body = {"model": "helper", "messages": [{"role": "user", "content": message}]}
        return self.ask(server, "POST", "chat/completions", json=body).json()["hookline"]

    @property
    def paid(self) -> str:
        """What has been paid."""
        book = self.folder / "paid"
        return book.read_text() if book.exists() else ""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder for servers with the tool ``pay``, and a key."""
    path = installed(tmp_path / "packages", {"bank": PLUGIN})
    (tmp_path / "hookline.toml").write_text(CONFIG)
    made = run("keys", "create", "--user", "alice", "--json", cwd=tmp_path, PYTHONPATH=path)
    return Folder(tmp_path, path, json.loads(made.stdout)["key"])


def test_a_killed_server_is_replaced(folder: Folder) -> None:
    """Whoever approves after the server was killed asks the next one, which goes on."""
    with folder.serving() as server:
        extension = folder.pay(server, 5)
        server.stop(signal.SIGKILL)
    assert not folder.paid
    with folder.serving() as server:
        path = f"runs/{extension['run']}"
        found = folder.ask(server, "GET", path).json()
        rest = folder.ask(server, "POST", f"{path}/approve", json={}).json()

    assert ("waiting", extension["approvals"]) == (found["status"], found["approvals"])
    assert "5\n" == folder.paid
    assert "paid 5" in rest["choices"][0]["message"]["content"]


def test_a_run_that_was_approved_of_ends_with_its_server(folder: Folder) -> None:
    """It has failed then, as every server says that comes after, and does not wait any more."""
    with folder.serving() as server, ThreadPoolExecutor(1) as caller:
        path = f"runs/{folder.pay(server, 7)['run']}"
        approval = caller.submit(folder.ask, server, "POST", f"{path}/approve", json={})
        until(lambda: folder.paid, SECONDS)
        working = folder.ask(server, "GET", path).json()
        server.stop(signal.SIGKILL)
        with pytest.raises(httpx.HTTPError):
            approval.result()
    with folder.serving() as server:
        until(lambda: folder.ask(server, "GET", path).json()["status"] != "running", SECONDS)
        found = folder.ask(server, "GET", path).json()
        again = folder.ask(server, "POST", f"{path}/approve", json={})

    assert ("running", "") == (working["status"], working["reason"])
    assert ("failed", "server_lost", []) == (found["status"], found["reason"], found["approvals"])
    assert found["created_at"] <= found["ended_at"]
    assert (404, "7\n") == (again.status_code, folder.paid)
