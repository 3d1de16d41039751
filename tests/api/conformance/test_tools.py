"""Tools that the caller runs, that the server runs, and both in one turn."""

import asyncio
import json
from typing import Any

import pytest
from openai import pydantic_function_tool
from pydantic import BaseModel

from support.witness import async_client, client

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
TIME: Any = {"type": "function", "function": {"name": "time"}}


class Forecast(BaseModel):
    """How the weather will be."""

    city: str
    days: int


def user(text: str) -> Any:
    """What the user says."""
    return {"role": "user", "content": text}


def results(message: Any, text: str) -> list[Any]:
    """A message that calls tools, and the same result for each call."""
    answers = [
        {"role": "tool", "tool_call_id": call.id, "content": text} for call in message.tool_calls
    ]
    return [message.model_dump(exclude_none=True), *answers]


def test_a_loop(site: Any) -> None:
    """The client gets the call, sends the result, and gets an answer that knows it."""
    messages = [user("What is the weather in Rome?")]
    with client(site.server) as openai:
        first = openai.chat.completions.create(model="helper", messages=messages, tools=[WEATHER])
        messages += results(first.choices[0].message, "sunny")
        second = openai.chat.completions.create(model="helper", messages=messages, tools=[WEATHER])

    (call,) = first.choices[0].message.tool_calls or ()
    assert ("tool_calls", None) == (
        first.choices[0].finish_reason,
        first.choices[0].message.content,
    )
    assert ("function", "weather") == (call.type, call.function.name)
    assert {"city": "Rome"} == json.loads(call.function.arguments)
    assert "stop" == second.choices[0].finish_reason
    assert "weather answered: sunny" == second.choices[0].message.content


def test_a_loop_with_parsed_arguments(site: Any) -> None:
    """``pydantic_function_tool`` and ``parse`` give arguments of the model's own type."""
    tools = [pydantic_function_tool(Forecast, name="forecast")]
    messages = [user("forecast: city=Oslo days=3")]
    with client(site.server) as openai:
        first = openai.chat.completions.parse(model="helper", messages=messages, tools=tools)
        messages += results(first.choices[0].message, "snow")
        second = openai.chat.completions.parse(model="helper", messages=messages, tools=tools)

    (call,) = first.choices[0].message.tool_calls or ()
    assert Forecast(city="Oslo", days=3) == call.function.parsed_arguments
    assert "forecast answered: snow" == second.choices[0].message.content


def test_a_streamed_loop(site: Any) -> None:
    """The helper of streams puts a call together from its pieces, and the loop goes on."""
    messages = [user("What is the weather in Rome?")]
    with client(site.server) as openai:
        with openai.chat.completions.stream(
            model="helper", messages=messages, tools=[WEATHER]
        ) as stream:
            events = list(stream)
            first = stream.get_final_completion().choices[0]
        messages += results(first.message, "sunny")
        with openai.chat.completions.stream(
            model="helper", messages=messages, tools=[WEATHER]
        ) as stream:
            second = stream.get_final_completion().choices[0]

    (done,) = [e for e in events if e.type == "tool_calls.function.arguments.done"]
    assert ("weather", {"city": "Rome"}) == (done.name, json.loads(done.arguments))
    assert "tool_calls" == first.finish_reason
    assert "weather answered: sunny" == second.message.content


@pytest.mark.parametrize(
    ("agent", "names"), [("twins", ["weather", "weather"]), ("sloppy", ["weather", "time"])]
)
def test_calls_at_the_same_time(site: Any, agent: str, names: list[str]) -> None:
    """Two calls of one turn count from 0, whatever indexes the upstream gave them."""
    tools = [WEATHER, TIME]
    with client(site.server) as openai:
        chunks = list(
            openai.chat.completions.create(
                model=agent, messages=[user("both")], tools=tools, stream=True
            )
        )
        whole = openai.chat.completions.create(model=agent, messages=[user("both")], tools=tools)

    calls = [call for c in chunks for call in c.choices[0].delta.tool_calls or ()]
    opened = [(c.index, c.type, c.function.name) for c in calls if c.id and c.function]
    joined = [
        "".join((c.function and c.function.arguments) or "" for c in calls if c.index == index)
        for index in range(2)
    ]
    assert [(i, "function", name) for i, name in enumerate(names)] == opened
    assert len({call.id for call in calls if call.id}) == 2
    in_one_piece = whole.choices[0].message.tool_calls or ()
    assert names == [call.function.name for call in in_one_piece]
    assert joined == [call.function.arguments for call in in_one_piece]


def test_a_loop_of_calls_at_the_same_time(site: Any) -> None:
    """Results may be sent in any order; each belongs to the call that it names."""
    messages = [user("both")]
    with client(site.server) as openai:
        first = openai.chat.completions.create(model="twins", messages=messages, tools=[WEATHER])
        calls, *answers = results(first.choices[0].message, "")
        for number, answer in enumerate(answers):
            answer["content"] = f"result {number}"
        messages += [calls, *reversed(answers)]
        second = openai.chat.completions.create(model="twins", messages=messages, tools=[WEATHER])

    content = second.choices[0].message.content or ""
    assert {"result 0", "result 1"} == {line.split(": ")[1] for line in content.splitlines()}


def test_a_call_that_is_forced(site: Any) -> None:
    """A named tool is called, though nobody spoke of it."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(
            model="helper",
            messages=[user("hello")],
            tools=[WEATHER, TIME],
            tool_choice={"type": "function", "function": {"name": "time"}},
        )

    (call,) = answer.choices[0].message.tool_calls or ()
    assert ("time", "{}") == (call.function.name, call.function.arguments)
    assert "tool_calls" == answer.choices[0].finish_reason


def test_a_call_that_is_required(site: Any) -> None:
    """Some tool is called."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(
            model="helper", messages=[user("hello")], tools=[WEATHER], tool_choice="required"
        )

    assert 1 == len(answer.choices[0].message.tool_calls or ())


def test_no_call_where_none_is_wanted(site: Any) -> None:
    """``none`` gives an answer, though the tool is spoken of."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(
            model="helper", messages=[user("the weather?")], tools=[WEATHER], tool_choice="none"
        )

    assert None is answer.choices[0].message.tool_calls
    assert ("the weather?", "stop") == (
        answer.choices[0].message.content,
        answer.choices[0].finish_reason,
    )


def test_one_call_at_a_time(site: Any) -> None:
    """``parallel_tool_calls`` of false gives one call of two."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(
            model="helper",
            messages=[user("weather and time")],
            tools=[WEATHER, TIME],
            parallel_tool_calls=False,
        )

    assert 1 == len(answer.choices[0].message.tool_calls or ())


def test_the_servers_own_tools_are_not_shown(site: Any) -> None:
    """The server runs its tool; the client sees one answer, with the tokens of both turns."""
    site.lookups.words.clear()
    asked: Any = {"model": "clerk", "messages": [user("lookup word=Rome")]}
    with client(site.server) as openai:
        answer = openai.chat.completions.create(**asked)
        chunks = list(openai.chat.completions.create(**asked, stream=True))

    (choice,) = answer.choices
    assert (None, "stop") == (choice.message.tool_calls, choice.finish_reason)
    assert "lookup answered: Rome is in the book" == choice.message.content
    assert [] == [c for chunk in chunks for c in chunk.choices[0].delta.tool_calls or ()]
    assert ["Rome", "Rome"] == site.lookups.words


def test_the_servers_own_tools_on_request(site: Any) -> None:
    """Who asks for events gets them, in a field that other clients skip."""
    with client(site.server) as openai:
        chunks = list(
            openai.chat.completions.create(
                model="clerk",
                messages=[user("lookup word=Rome")],
                stream=True,
                extra_headers={"hookline-include": "events"},
            )
        )

    extras = [chunk.model_extra["hookline"] for chunk in chunks if chunk.model_extra]
    types = [event["type"] for extra in extras for event in extra["events"]]
    assert "tool_call.started" == types[0]
    assert "tool_call.finished" == types[-1]


def test_both_kinds_in_one_turn(site: Any) -> None:
    """The server's tool runs once in the whole conversation, however often the client returns."""
    site.lookups.words.clear()
    messages = [user("a tour, please")]
    seen = []
    with client(site.server) as openai:
        for weather in ("sunny", "rainy"):
            turn = openai.chat.completions.create(
                model="guide", messages=messages, tools=[WEATHER]
            ).choices[0]
            seen.append([call.function.name for call in turn.message.tool_calls or ()])
            messages += results(turn.message, weather)
        last = openai.chat.completions.create(model="guide", messages=messages, tools=[WEATHER])

    assert [["weather"], ["weather"]] == seen
    assert (
        "lookup answered: Rome is in the book\nweather answered: sunny\nweather answered: rainy"
    ) == last.choices[0].message.content
    assert ["Rome"] == site.lookups.words


def test_both_kinds_in_one_streamed_turn(site: Any) -> None:
    """The caller's call has index 0, though the model called the server's tool before it."""
    site.lookups.words.clear()
    messages = [user("a tour, please")]

    async def ask() -> tuple[Any, Any]:
        async with async_client(site.server) as openai:
            async with openai.chat.completions.stream(
                model="guide", messages=messages, tools=[WEATHER]
            ) as stream:
                first = (await stream.get_final_completion()).choices[0]
            messages.extend(results(first.message, "sunny"))
            async with openai.chat.completions.stream(
                model="guide", messages=messages, tools=[WEATHER]
            ) as stream:
                second = (await stream.get_final_completion()).choices[0]
            return first, second

    first, second = asyncio.run(ask())

    assert [0] == [call.index for call in first.message.tool_calls]
    assert ["weather"] == [call.function.name for call in second.message.tool_calls]
    assert ["Rome"] == site.lookups.words


def test_asking_again_after_both_kinds(site: Any) -> None:
    """A client may go back and send other results: the server's tool still ran only once."""
    site.lookups.words.clear()
    messages = [user("a tour, please")]
    with client(site.server) as openai:
        first = openai.chat.completions.create(model="guide", messages=messages, tools=[WEATHER])
        again = [
            openai.chat.completions.create(
                model="guide",
                messages=[*messages, *results(first.choices[0].message, weather)],
                tools=[WEATHER],
                tool_choice="none",
            )
            for weather in ("sunny", "rainy")
        ]

    assert 2 == len(again)
    assert ["Rome"] == site.lookups.words
