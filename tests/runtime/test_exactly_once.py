"""Random histories of requests: each effect of a counter tool happens once, or nobody knows.

Clients drop requests, send them twice, one after the other and at once, edit them, and try them
again after a run that was cancelled. The tool numbers its effects, and what it gives back has the
number in it, so that every result that a model reads tells which effect it came from.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import attrs
import msgspec
import pytest

import hookline_sqlite
from hookline import ModelRequest, StaticTools, ToolLoader, hookimpl, tool
from hookline.beginning import Manner
from hookline.effects import UNKNOWN
from hookline.events import RunFinished, Text, ToolCallArguments, ToolCallFinished, ToolCallStarted
from hookline.providers import ModelDelta, ModelFinished, ToolCallPiece
from hookline.runs import Run
from hookline.runtime import Runtime
from hookline.scope import CallScope
from hookline.wire.chat import (
    AssistantMessage,
    ChatCompletionRequest,
    FunctionCall,
    FunctionDefinition,
    FunctionTool,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from support.runtimes import ALICE, finished, opened

SECONDS = 100
CLIENTS = 8
SERIAL = re.compile(r"(\w+) was counted as #(\d+)")
LOOK = FunctionTool(FunctionDefinition("look", parameters={"type": "object"}))
"""The caller's tool."""

Play = list[list[tuple[str, str]]]
"""What a model does: turns of calls, each of a tool and a word to count."""


class Player:
    """A model that does what the first message says, and keeps what it reads.

    It uses the same ids in every turn, as some models do.
    """

    parameters = frozenset[str]()

    def __init__(self) -> None:
        self.read: list[Sequence[Message]] = []

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelDelta, None]:
        self.read.append(request.messages)
        play = msgspec.json.decode(str(request.messages[0].content), type=Play)
        done = sum(isinstance(message, AssistantMessage) for message in request.messages)
        await asyncio.sleep(0)
        if done >= len(play):
            yield Text("done")
            yield ModelFinished("stop")
            return
        for index, (name, word) in enumerate(play[done]):
            arguments = msgspec.json.encode({"word": word}).decode()
            yield ToolCallPiece(index, f"c{index}", name, arguments)
        yield ModelFinished("tool_calls")


@attrs.frozen
class Effect:
    """Something that the tool did."""

    word: str
    effect: str
    run: str


class Counting:
    """A plugin with the tool ``count``, which counts words; it takes its time, and may fail."""

    def __init__(self, random: Random):
        self._random = random
        self.effects: list[Effect] = []

    @hookimpl
    def tool_loader(self) -> ToolLoader:
        @tool
        async def count(word: str, scope: CallScope) -> str:
            """Count a word."""
            for _ in range(self._random.randrange(4)):
                await asyncio.sleep(0)
            self.effects.append(Effect(word, scope.effect, scope.run))
            text = f"{word} was counted as #{len(self.effects) - 1}"
            for _ in range(self._random.randrange(4)):
                await asyncio.sleep(0)
            if self._random.random() < 0.1:
                raise ValueError(text)
            return text

        return StaticTools(count)


@attrs.define(eq=False)
class Ask:
    """A request, however often it is sent.

    Args:
        key: its idempotency key.
        messages: what it says.
        due: what a run that answers it counts, and how often.
        runs: those that answered it.
        answered: whether one of them came to its end, and knew of all its calls.
    """

    key: str | None
    messages: Sequence[Message]
    due: Counter[str]
    runs: list[str] = attrs.field(factory=list)
    answered: bool = False


@attrs.define
class Answer:
    """What a run said: the calls that it hands over, if it came to its end."""

    whole: bool
    calls: Sequence[ToolCall] = ()


@attrs.define
class Story:
    """Clients at work with servers.

    Args:
        servers: of one store.
        random: decides everything.
        asks: all requests.
    """

    servers: Sequence[Runtime]
    random: Random
    asks: list[Ask] = attrs.field(factory=list)

    async def go_on(self, histories: int) -> None:
        """Have clients hold conversations, several at a time."""
        left = iter(range(histories))

        async def client() -> None:
            for _ in left:
                await self.talk()

        await asyncio.gather(*(client() for _ in range(CLIENTS)))

    async def talk(self) -> None:
        """One conversation, to its end or until its client loses interest."""
        play = self.play()
        messages: list[Message] = [UserMessage(msgspec.json.encode(play).decode())]
        ask = self.ask(play, 0, messages, keyed=self.chance(7))
        while True:
            answer = await self.send(ask)
            if not answer.calls or self.chance(1):
                return
            before = list(ask.messages)
            turn = after_handing_over(play, 1 + handed_over(before))
            ask = self.ask(play, turn, [*before, *self.results(answer.calls)], keyed=self.chance(5))
            if self.chance(3):  # somebody tries what would have been
                other = [*before, *self.results(answer.calls)]
                await self.send(self.ask(play, turn, other, keyed=False))

    def chance(self, of_ten: int) -> bool:
        """Whether it happens."""
        return self.random.randrange(10) < of_ten

    def play(self) -> Play:
        """A few turns; what is counted has few names, so that calls are alike."""
        return [
            [
                (self.random.choice(["count", "count", "look"]), self.random.choice("ab"))
                for _ in range(self.random.randrange(1, 4))
            ]
            for _ in range(self.random.randrange(1, 5))
        ]

    def ask(self, play: Play, turn: int, messages: Sequence[Message], *, keyed: bool) -> Ask:
        """A request that begins with this turn; the same messages twice are one."""
        if not keyed and turn:
            for known in self.asks:
                if known.key is None and known.messages == messages:
                    return known
        due: Counter[str] = Counter()
        for calls in play[turn:]:
            due.update(word for name, word in calls if name == "count")
            if any(name == "look" for name, _ in calls):
                break
        key = f"key-{len(self.asks)}" if keyed else None
        made = Ask(key, messages, due)
        self.asks.append(made)
        return made

    def results(self, calls: Sequence[ToolCall]) -> list[Message]:
        """What a caller sends back; it may have changed its calls, and what came of them."""
        kept = list(calls)
        edit = self.random.choice(["nothing", "nothing", "nothing", "arguments", "drop", "add"])
        if edit == "arguments":
            kept[0] = ToolCall(id=kept[0].id, function=FunctionCall("look", '{"word":"else"}'))
        if edit == "drop" and len(kept) > 1:
            kept.pop(self.random.randrange(len(kept)))
        if edit == "add":
            added = ToolCall(id="mine", function=FunctionCall("look", "{}"))
            kept.insert(self.random.randrange(len(kept) + 1), added)
        results = [ToolMessage(call.id, f"seen {self.random.randrange(3)}") for call in kept]
        self.random.shuffle(results)
        return [AssistantMessage(tool_calls=kept), *results]

    async def send(self, ask: Ask) -> Answer:
        """Send a request until it is answered; maybe more often than that."""
        repeatable = ask.key is not None or len(ask.messages) > 1
        how = self.random.choice(["once", "twice", "at once", "cut short"]) if repeatable else ""
        if how == "cut short":
            for _ in range(self.random.randrange(1, 3)):
                await self.attempt(ask, cancelled=True)
        if how == "at once":
            cut = self.chance(3)
            answers = await asyncio.gather(
                self.attempt(ask), self.attempt(ask, cancelled=cut), self.attempt(ask)
            )
            return self.random.choice([one for one in answers if one.whole])
        answer = await self.attempt(ask)
        if how == "twice":
            again = await self.attempt(ask)
            return self.random.choice([answer, again])
        return answer

    async def attempt(self, ask: Ask, *, cancelled: bool = False) -> Answer:
        """Send a request to one of the servers."""
        runtime = self.random.choice(self.servers)
        request = ChatCompletionRequest(model="helper", messages=ask.messages, tools=[LOOK])
        agent = await runtime.access.find_agent(ALICE, "helper")
        run = await runtime.start(ALICE, agent, request, Manner(idempotency_key=ask.key))
        ask.runs.append(run.id)
        if cancelled:
            for _ in range(self.random.randrange(40)):
                await asyncio.sleep(0)
            run.cancel("client_gone")
        return await self.answer(ask, run)

    async def answer(self, ask: Ask, run: Run) -> Answer:
        """What a run said."""
        events = await finished(run)
        if not isinstance(events[-1], RunFinished):
            assert run.outcome == "cancelled", events[-1]
            return Answer(whole=False)
        ended = [event for event in events if isinstance(event, ToolCallFinished)]
        ask.answered |= all(event.status != "unknown" for event in ended)
        calls = []
        for event in events:
            if isinstance(event, ToolCallStarted) and event.owner == "caller":
                arguments = "".join(
                    piece.arguments
                    for piece in events
                    if isinstance(piece, ToolCallArguments) and piece.index == event.index
                )
                calls.append(ToolCall(id=event.id, function=FunctionCall(event.name, arguments)))
        return Answer(whole=True, calls=calls)


def handed_over(messages: Sequence[Message]) -> int:
    """How often a run has called the caller's tools."""
    return sum(isinstance(message, AssistantMessage) for message in messages)


def after_handing_over(play: Play, times: int) -> int:
    """The number of the turn after the one in which the caller's tools are called so often."""
    turns = [turn for turn, calls in enumerate(play) if any(name == "look" for name, _ in calls)]
    return turns[times - 1] + 1


def check_effects(effects: Sequence[Effect], asks: Sequence[Ask]) -> None:
    """No effect happened twice; a request had its own effects, each of them once."""
    assert 1 == max(Counter(one.effect for one in effects).values())
    by_run = Counter((one.run, one.word) for one in effects)
    for ask in asks:
        happened: Counter[str] = Counter()
        for run in ask.runs:
            happened.update({word: by_run[run, word] for word in "ab"})
        assert happened <= ask.due, ask
        if ask.answered:
            assert happened == ask.due, ask


def check_results(effects: Sequence[Effect], read: Sequence[Sequence[Message]]) -> Counter[str]:
    """Every result that a model read is that of one effect, or says that nobody knows."""
    seen: Counter[str] = Counter()
    for messages in read:
        serials = []
        calls: dict[str, ToolCall] = {}
        for message in messages:
            if isinstance(message, AssistantMessage):
                assert not calls, "a call without a result"
                calls = {call.id: call for call in message.tool_calls or ()}
            if not isinstance(message, ToolMessage):
                continue
            call = calls.pop(message.tool_call_id)
            if call.function.name != "count":
                assert str(message.content).startswith("seen ")
            elif message.content == UNKNOWN.result.text:
                seen["unknown"] += 1
            else:
                found = SERIAL.search(str(message.content))
                assert found is not None, message
                word, serial = found[1], int(found[2])
                assert {"word": word} == msgspec.json.decode(call.function.arguments)
                assert word == effects[serial].word
                serials.append(serial)
        assert len(serials) == len(set(serials)), "two calls of one history had one effect"
        seen["known"] += len(serials)
    return seen


async def tell(seed: int, url: str, servers: int, histories: int) -> Counter[str]:
    """A story on a store, and what there was in it."""
    random = Random(seed)
    model, counting = Player(), Counting(random)
    tables = {"store": {"url": url}}
    async with asyncio.timeout(SECONDS), AsyncExitStack() as stack:
        runtimes = [
            await stack.enter_async_context(
                opened(model, counting, hookline_sqlite, tables=tables, tools=("count",))
                if url != "memory://"
                else opened(model, counting, tables=tables, tools=("count",))
            )
            for _ in range(servers)
        ]
        story = Story(runtimes, random)
        await story.go_on(histories)
    check_effects(counting.effects, story.asks)
    seen = check_results(counting.effects, model.read)
    seen["asks"] = len(story.asks)
    seen["runs"] = sum(len(ask.runs) for ask in story.asks)
    return seen


@pytest.mark.parametrize("seed", range(4))
def test_each_effect_happens_once(seed: int) -> None:
    """A hundred conversations with one server."""
    seen = asyncio.run(tell(seed, "memory://", 1, 100))

    assert seen["known"] > 10 * seen["unknown"] > 0
    assert seen["runs"] > seen["asks"] > 100


def test_each_effect_happens_once_on_two_servers(tmp_path: Path) -> None:
    """They share a store, and a request may go to either of them."""
    seen = asyncio.run(tell(5, f"sqlite:///{tmp_path}/hookline.db", 2, 40))

    assert seen["known"] > seen["unknown"] > 0
