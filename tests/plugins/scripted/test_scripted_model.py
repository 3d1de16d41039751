"""The scripted model, as the runtime calls it."""

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.errors import ProviderBroken, ProviderRefused
from hookline.events import Text
from hookline.providers import ModelDelta, ModelFinished, ModelRequest, ModelUsage, ToolCallPiece
from hookline.tools import ToolSpec
from hookline.usage import TokenCounts
from hookline.wire.chat import (
    AssistantMessage,
    AudioPart,
    FileData,
    FilePart,
    FunctionCall,
    FunctionName,
    ImagePart,
    ImageUrl,
    InputAudio,
    NamedToolChoice,
    RefusalPart,
    Sampling,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from hookline_scripted import ScriptedModel, model_provider
from hookline_scripted.provider import MET, OBEYED
from hookline_scripted.settings import ProviderSettings
from hookline_scripted.tokens import count, tokens
from support.scripted import Said, ask, listen

NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
ADD = ToolSpec("add", "Sum up.", NUMBERS)
CLOCK = ToolSpec("clock", "Tell the time.")
TOOLS = (ADD, CLOCK)
ADD_CALL = ("add", {"a": 2, "b": 3})


def called(*names: str) -> AssistantMessage:
    calls = [
        ToolCall(id=f"call_{name}", function=FunctionCall(name=name, arguments="{}"))
        for name in names
    ]
    return AssistantMessage(tool_calls=calls)


def result(name: str, content: str) -> ToolMessage:
    return ToolMessage(tool_call_id=f"call_{name}", content=content)


def json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def scripted(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"rules": list(rules), **more}


def test_hook_offers_the_kind():
    """The plugin offers the provider kind ``scripted``, whose table holds nothing."""
    kind = model_provider()

    assert ("scripted", ProviderSettings) == (kind.kind, kind.settings)
    assert isinstance(kind.open("demo", ProviderSettings()), ScriptedModel)


def test_every_sampling_parameter_is_honoured():
    """The scripted model has an answer to every field that says how a model answers."""
    assert {*Sampling.__struct_fields__, "metadata"} == ScriptedModel.parameters
    assert not OBEYED & MET


def test_echo():
    """With nothing else to say, the model says what the user said."""
    said = ask(SystemMessage("Be kind."), "One", AssistantMessage("No"), "Two words")

    assert ["Two", " words"] == said.chunks
    assert "stop" == said.finish_reason


def test_echo_mentions_what_is_not_text():
    """An image, a sound and a file are mentioned in brackets."""
    parts = [
        TextPart("See"),
        ImagePart(ImageUrl("data:,")),
        AudioPart(InputAudio(data="", format="wav")),
        FilePart(FileData(filename="a.pdf")),
        FilePart(FileData(file_id="file-1")),
    ]

    assert "See\n[image]\n[audio]\n[file: a.pdf]\n[file]" == ask(UserMessage(parts)).text


@pytest.mark.parametrize("messages", [[SystemMessage("x")], [UserMessage(None)]])
def test_nothing_to_echo(messages: list[Any]):
    """Where the user said nothing, the answer is empty and still finished."""
    said = ask(*messages)

    assert ("", "stop") == (said.text, said.finish_reason)


def test_same_request_same_answer():
    """Everything about an answer is the same every time, ids included."""
    one, other = (ask("add 2 and 3", tools=TOOLS, reasoning_effort="max") for _ in range(2))

    assert one == other


def test_mentioned_tool_is_called():
    """A tool that the message names is called with what the message gives."""
    said = ask("Please add 2 and 3.", tools=TOOLS)

    assert [ADD_CALL] == said.calls
    assert ("", "tool_calls") == (said.text, said.finish_reason)


def test_call_comes_in_pieces():
    """The name comes first and without arguments, the arguments token by token."""
    pieces = ask("add 2 and 3", tools=TOOLS).pieces

    assert (0, "add", "") == (pieces[0].index, pieces[0].name, pieces[0].arguments)
    assert tokens('{"a":2,"b":3}') == [piece.arguments for piece in pieces[1:]]
    assert {(0, None, None)} == {(p.index, p.id, p.name) for p in pieces[1:]}


def test_several_tools_are_called_in_order_of_mention():
    """Tools of one message are called in one turn."""
    said = ask("clock, then add 2 and 3", tools=TOOLS)

    assert [("clock", {}), ADD_CALL] == said.calls
    assert 2 == len({piece.id for piece in said.pieces if piece.id})


def test_tools_are_called_one_by_one():
    """Without parallel calls, each turn calls the next tool."""
    message = "clock, then add 2 and 3"
    first = ask(message, tools=TOOLS, parallel_tool_calls=False)
    second = ask(
        message, called("clock"), result("clock", "noon"), tools=TOOLS, parallel_tool_calls=False
    )

    assert [("clock", {})] == first.calls
    assert [ADD_CALL] == second.calls
    assert first.pieces[0].id != second.pieces[0].id


def test_answered_tools_are_not_called_again():
    """After the results comes a text that contains them."""
    messages = ["add 2 and 3, clock", called("add", "clock"), result("add", "5")]
    said = ask(*messages, ToolMessage("call_clock", [TextPart("no"), TextPart("on")]), tools=TOOLS)

    assert "add answered: 5\nclock answered: no\non" == said.text
    assert [] == said.calls


def test_tool_is_called_again_for_a_new_message():
    """An answer before the last user message does not count."""
    said = ask("add 1 and 1", called("add"), result("add", "2"), "add 2 and 3", tools=TOOLS)

    assert [ADD_CALL] == said.calls


def test_result_of_an_unknown_call():
    """A result whose call is not there is told, too."""
    assert "A tool answered: 7" == ask("hi", ToolMessage("lost", "7")).text


def test_tool_choice_none():
    """With ``none`` no tool is called, whatever the message mentions."""
    assert "add 2 and 3" == ask("add 2 and 3", tools=TOOLS, tool_choice="none").text


@pytest.mark.parametrize(("text", "name"), [("hello", "add"), ("the clock", "clock")])
def test_tool_choice_required(text: str, name: str):
    """With ``required`` the mentioned tool is called, or else the first."""
    said = ask(text, tools=TOOLS, tool_choice="required")

    assert [name] == [call[0] for call in said.calls]


def test_tool_choice_required_after_an_answer():
    """Required is required, also when the mentioned tool has answered."""
    said = ask("clock", called("clock"), result("clock", "x"), tools=TOOLS, tool_choice="required")

    assert [("clock", {})] == said.calls


def test_named_tool_choice():
    """A named tool is called, though another is mentioned; its arguments follow its schema."""
    said = ask("the clock", tools=TOOLS, tool_choice=NamedToolChoice(FunctionName("add")))

    assert [("add", {"a": 0, "b": 0})] == said.calls
    assert "tool_calls" == said.finish_reason


def test_named_tool_choice_without_the_tool():
    """A tool that is not there cannot be forced."""
    with pytest.raises(ProviderRefused, match="tool_choice names nothing") as caught:
        ask("x", tools=TOOLS, tool_choice=NamedToolChoice(FunctionName("nothing")))

    assert 400 == caught.value.status


def test_tool_with_an_unfillable_schema():
    """A schema that nothing follows is refused with a clear message."""
    tool = ToolSpec("odd", "", {"type": "object", "required": ["a"], "properties": {"a": False}})

    with pytest.raises(ProviderRefused, match="allows nothing") as caught:
        ask("odd", tools=[tool])

    assert (400, "invalid_schema") == (caught.value.status, caught.value.reason)


def test_tool_with_an_unsound_schema():
    """A schema that is not one is refused, too."""
    tool = ToolSpec("odd", "", {"type": "object", "properties": 1})

    with pytest.raises(ProviderRefused, match="object"):
        ask("odd", tools=[tool])


PERSON = {
    "type": "object",
    "properties": {"age": {"type": "integer", "minimum": 18}, "name": {"type": "string"}},
    "required": ["age", "name"],
    "additionalProperties": False,
}


def test_response_format_with_a_schema():
    """The answer is the smallest instance of the schema."""
    said = ask("Who?", response_format=json_schema(PERSON))

    assert '{"age":18,"name":""}' == said.text


def test_response_format_comes_after_tools():
    """A mentioned tool is called first."""
    said = ask("add 2 and 3", tools=TOOLS, response_format=json_schema(PERSON))

    assert [ADD_CALL] == said.calls


@pytest.mark.parametrize(
    ("schema", "content", "expected"),
    [
        (PERSON, "Ann", {"age": 18, "name": "Ann"}),
        (PERSON, "44", {"age": 44, "name": ""}),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, "x", {"a": "x"}),
        ({"type": "integer"}, "44", 44),
        ({"type": "integer"}, "x", 0),
        ({"type": "object", "properties": {"a": {"type": "null"}}}, "x", {}),
    ],
)
def test_result_within_a_schema(schema: dict[str, Any], content: str, expected: Any):
    """After a tool result the instance holds it, where the schema has a place for it."""
    said = ask("x", called("add"), result("add", content), response_format=json_schema(schema))

    assert expected == msgspec.json.decode(said.text)


def test_json_object():
    """``json_object`` gives an object: an empty one, or one with the results."""
    wanted = {"type": "json_object"}
    with_result = ask("x", called("add"), result("add", "5"), response_format=wanted)

    assert "{}" == ask("x", response_format=wanted).text
    assert '{"results":["5"]}' == with_result.text


def test_json_schema_without_a_schema():
    """A format that leaves out its schema gives an object."""
    wanted = {"type": "json_schema", "json_schema": {"name": "a"}}

    assert "{}" == ask("x", response_format=wanted).text


@pytest.mark.parametrize(
    ("effort", "sentences"),
    [(None, 0), ("none", 0), ("minimal", 1), ("low", 1), ("medium", 2), ("high", 3), ("max", 5)],
)
def test_reasoning(effort: str | None, sentences: int):
    """More effort, more sentences, before the answer and counted as reasoning."""
    said = ask("x", reasoning_effort=effort)

    assert sentences == said.reasoning.count(".")
    assert TokenCounts(
        input=8, output=count(said.reasoning) + 1, reasoning=count(said.reasoning)
    ) == (said.usage)


def test_usage_is_exact():
    """Input is the prompt and the tools, output the text, by the documented tokenizer."""
    said = ask("Hello, world")

    assert TokenCounts(input=3 + 4 + 3, output=3) == said.usage


def test_usage_of_calls():
    """A call costs the tokens of its name and of its arguments."""
    said = ask("add 2 and 3", tools=[ADD])

    assert said.usage is not None
    assert count("add") + count('{"a":2,"b":3}') == said.usage.output


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_token_limit(field: str):
    """The answer ends after so many tokens, with ``length``."""
    said = ask("one two three", **{field: 2})

    assert ("one two", "length") == (said.text, said.finish_reason)
    assert said.usage is not None
    assert 2 == said.usage.output


def test_token_limit_that_is_not_reached():
    """An answer that just fits stops by itself."""
    assert "stop" == ask("one two three", max_tokens=3, max_completion_tokens=9).finish_reason


def test_token_limit_includes_reasoning():
    """Reasoning uses up the limit, too."""
    said = ask("hello", reasoning_effort="low", max_tokens=3)

    assert ("I read what", "", "length") == (said.reasoning, said.text, said.finish_reason)


@pytest.mark.parametrize(("limit", "expected"), [(1, ""), (2, '{"'), (3, '{"a')])
def test_token_limit_within_a_call(limit: int, expected: str):
    """A call is cut within its arguments, and the turn ends with ``length``."""
    said = ask("add 2 and 3", tools=[ADD], max_tokens=limit)

    assert expected == "".join(piece.arguments for piece in said.pieces)
    assert "length" == said.finish_reason


def test_token_limit_below_the_name_of_a_call():
    """A call whose name does not fit is not begun."""
    tool = ToolSpec("a_name_of_many_tokens")
    said = ask(tool.name, tools=[tool], max_tokens=1)

    assert ([], "length") == (said.pieces, said.finish_reason)


@pytest.mark.parametrize(
    ("stop", "expected", "reason"),
    [
        ("three", "one two ", "stop"),
        (["wo", "e t"], "on", "stop"),
        (["four"], "one two three", "stop"),
        ([""], "one two three", "stop"),
        (None, "one two three", "stop"),
        (["one"], "", "stop"),
    ],
)
def test_stop(stop: Any, expected: str, reason: str):
    """The text ends before the first stop string, wherever tokens begin and end."""
    said = ask("one two three", stop=stop)

    assert (expected, reason) == (said.text, said.finish_reason)


@given(st.lists(st.text("ab ", max_size=4), max_size=6), st.text("ab ", min_size=1, max_size=3))
def test_stop_string_is_never_sent(chunks: list[str], stop: str):
    """A stop string that is split over chunks is not sent either, not even its beginning."""
    said = ask("x", stop=stop, scripted=scripted({"reply": chunks}))

    assert "".join(chunks).partition(stop)[0] == said.text


@given(st.lists(st.text(max_size=6), max_size=6), st.integers(1, 12), st.integers(1, 4))
def test_limit_cuts_chunks_as_it_cuts_text(chunks: list[str], limit: int, size: int):
    """Cut to a number of tokens, an answer is the same however it is split."""
    whole = "".join(chunks)
    in_chunks = ask("x", max_tokens=limit, scripted=scripted({"reply": chunks}))
    in_tokens = ask("x", max_tokens=limit, scripted=scripted({"reply": whole}, chunk_tokens=size))

    assert in_chunks.text == in_tokens.text == "".join(tokens(whole)[:limit])
    assert in_chunks.usage == in_tokens.usage


def test_logprobs():
    """Each token has a logprob of 0, for the model never says anything else."""
    said = ask("Hi there", logprobs=True, top_logprobs=3, scripted={"chunk_tokens": 2})

    (delta,) = (d for d in said.deltas if isinstance(d, Text))
    assert delta.logprobs is not None
    content = delta.logprobs.content or []
    assert [("Hi", 0.0, [72, 105]), (" there", 0.0, list(b" there"))] == [
        (entry.token, entry.logprob, entry.bytes) for entry in content
    ]
    assert [1, 1] == [len(entry.top_logprobs) for entry in content]


def test_no_logprobs_unless_asked_for():
    """Without ``logprobs`` a piece of text is just text; without ``top_logprobs`` none are told."""
    said = ask("Hi", logprobs=True)

    assert [Text("Hi")] == [d for d in ask("Hi").deltas if isinstance(d, Text)]
    (delta,) = (d for d in said.deltas if isinstance(d, Text))
    assert delta.logprobs is not None
    assert [[]] == [entry.top_logprobs for entry in delta.logprobs.content or []]


@pytest.mark.parametrize(
    ("rule", "applies"),
    [
        ({}, True),
        ({"contains": "BIG"}, True),
        ({"contains": "small"}, False),
        ({"matches": "^A .*fish$"}, True),
        ({"matches": r"(?i)\bBIG\b"}, True),
        ({"matches": "^fish"}, False),
        ({"contains": "big", "matches": "^fish"}, False),
        ({"turn": 2}, False),
        ({"turn": "every"}, True),
    ],
)
def test_rule_applies(rule: dict[str, Any], applies: bool):
    """A rule applies if all that it asks for is there."""
    said = ask("A big fish", scripted=scripted({**rule, "reply": "ruled"}))

    assert ("ruled" if applies else "A big fish") == said.text


def test_first_rule_that_applies_counts():
    """Rules are read in their order."""
    rules = [{"contains": "no", "reply": "0"}, {"reply": "1"}, {"reply": "2"}]

    assert "1" == ask("x", scripted=scripted(*rules)).text


def test_rule_comes_before_everything_else():
    """Neither a forced choice, nor a mentioned tool, nor a format keeps back a rule."""
    said = ask(
        "add 2 and 3",
        tools=TOOLS,
        tool_choice="required",
        response_format={"type": "json_object"},
        scripted=scripted({"reply": "ruled"}),
    )

    assert ("ruled", []) == (said.text, said.calls)


def test_rules_know_the_turn():
    """A rule is for the first turn unless it says otherwise, so that its calls end."""
    rules = scripted({"tool_calls": [{"name": "x"}]}, {"turn": 3, "reply": "third"})
    history = ["go", called("x"), result("x", "1")]

    assert [("x", {})] == ask(*history[:1], scripted=rules).calls
    assert "x answered: 1" == ask(*history, scripted=rules).text
    assert "third" == ask(*history, *history[1:], scripted=rules).text


def test_everything_a_rule_can_say():
    """Reasoning, text, refusal and calls come in this order, with the reason and usage given."""
    said = ask(
        "x",
        scripted=scripted(
            {
                "reasoning": "Hm.",
                "reply": "Well",
                "refusal": "No",
                "tool_calls": [
                    {"name": "one", "arguments": {"a": 1}, "id": "mine"},
                    {"name": "two", "arguments": "null"},
                ],
                "finish_reason": "content_filter",
                "usage": {"input": 7, "output": 8, "cache_read": 2},
            }
        ),
    )

    assert ("Hm.", "Well", "No") == (said.reasoning, said.text, said.refusal)
    assert [("one", {"a": 1}), ("two", None)] == said.calls
    assert "mine" == said.pieces[0].id
    assert "content_filter" == said.finish_reason
    assert TokenCounts(input=7, output=8, cache_read=2) == said.usage


def test_arguments_that_are_not_json():
    """Arguments given as text are sent as they are."""
    rule = {"tool_calls": [{"name": "one", "arguments": '{"a": '}]}
    said = ask("x", scripted=scripted(rule, chunk_tokens=99))

    assert '{"a": ' == said.pieces[1].arguments


def test_scripted_chunks_are_sent_as_they_are():
    """A list of chunks of any kind is sent one by one, in its order."""
    reply = [
        "a b c",
        {"type": "reasoning", "text": "hm"},
        {"type": "text", "text": "d"},
        {"type": "refusal", "text": "no"},
        {"type": "tool_call", "name": "one", "arguments": '{"x"'},
        {"type": "tool_call", "index": 7, "id": "c7", "name": "two"},
        {"type": "tool_call", "index": 7, "arguments": "{}"},
    ]
    said = ask("x", scripted=scripted({"reply": reply}))

    assert ["a b c", "d"] == said.chunks
    assert [
        ToolCallPiece(name="one", arguments='{"x"'),
        ToolCallPiece(index=7, id="c7", name="two"),
        ToolCallPiece(index=7, arguments="{}"),
    ] == said.pieces
    assert ("hm", "no", "tool_calls") == (said.reasoning, said.refusal, said.finish_reason)


def test_rule_without_words_leaves_them_to_the_script():
    """A rule that only slows down, breaks or counts lets the model speak as usual."""
    said = ask("one two", scripted=scripted({"chunk_tokens": 2, "usage": "none"}))

    assert ["one two"] == said.chunks
    assert said.usage is None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"rulez": []}, "model_parameters.scripted: .*rulez"),
        ({"rules": [{"contain": "x"}]}, r"model_parameters.scripted: rules\.0: .*contain"),
        ({"rules": [{"reply": [{"type": "song"}]}]}, "song"),
        ({"chunk_tokens": 0}, "chunk_tokens: "),
        ({"delay": "long"}, "delay: "),
        ({"status": 200}, "status: "),
        ({"rules": [{"matches": "("}]}, "matches: "),
        ([], "model_parameters.scripted"),
    ],
)
def test_wrong_script_is_refused(table: Any, message: str):
    """An unknown key or a wrong value is refused with status 400 and its name."""
    with pytest.raises(ProviderRefused, match=message) as caught:
        ask("x", scripted=table or [1])

    assert (400, "invalid_script") == (caught.value.status, caught.value.reason)


def test_wrong_parameter_is_refused():
    """A parameter of the agent's that is not OpenAI's is refused with its name."""
    with pytest.raises(ProviderRefused, match="max_tokens") as caught:
        ask("x", max_tokens="many")

    assert 400 == caught.value.status


def test_status():
    """A status refuses before the first chunk, with all that an upstream would say."""
    fault = {"status": 429, "message": "Slow down", "reason": "rate_limit", "retry_after": 1.5}

    with pytest.raises(ProviderRefused, match="Slow down") as caught:
        ask("x", scripted=fault)

    assert (429, "rate_limit", 1.5) == (
        caught.value.status,
        caught.value.reason,
        caught.value.retry_after,
    )


@pytest.mark.parametrize(
    ("fault", "message"),
    [("cut_after", "connection .* was lost"), ("malformed_after", "not JSON")],
)
@pytest.mark.parametrize(("after", "expected"), [(0, []), (1, ["one"]), (99, ["one", " two"])])
def test_broken_stream(fault: str, message: str, after: int, expected: list[str]):
    """After so many chunks, or at the end at the latest, the stream breaks and is not finished."""
    heard: list[ModelDelta] = []
    request = ModelRequest(
        model="m", messages=[UserMessage("one two")], parameters={"scripted": {fault: after}}
    )

    with pytest.raises(ProviderBroken, match=message):
        asyncio.run(listen(request, heard))

    assert expected == Said(heard).chunks
    assert not any(isinstance(delta, ModelFinished | ModelUsage) for delta in heard)


def test_stall():
    """After so many chunks nothing comes any more, until the call is cancelled."""
    heard: list[ModelDelta] = []
    request = ModelRequest(
        model="m", messages=[UserMessage("one two")], parameters={"scripted": {"stall_after": 1}}
    )

    async def give_up() -> None:
        task = asyncio.create_task(listen(request, heard))
        while not heard:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task], timeout=10)
        assert task.cancelled()

    asyncio.run(give_up())

    assert ["one"] == Said(heard).chunks


def test_faults_of_a_rule():
    """A rule brings its own faults; other messages get the script's pace."""
    script = scripted({"contains": "break", "status": 503}, chunk_tokens=9)

    with pytest.raises(ProviderRefused, match="status 503"):
        ask("break it", scripted=script)
    assert ["one two"] == ask("one two", scripted=script).chunks


def test_pauses_let_others_run():
    """With and without a delay, other tasks run between two chunks."""
    for pace in ({}, {"delay": 0.001, "first_delay": 0.001}):
        heard: list[ModelDelta] = []
        seen: list[int] = []
        request = ModelRequest(
            model="m", messages=[UserMessage("one two three")], parameters={"scripted": pace}
        )

        async def watch(request: ModelRequest, heard: list[ModelDelta], seen: list[int]) -> None:
            task = asyncio.create_task(listen(request, heard))
            while not task.done():
                seen.append(len(heard))
                await asyncio.sleep(0)

        asyncio.run(watch(request, heard, seen))

        assert {1, 2} <= set(seen)


def test_earlier_refusals_and_results_are_read():
    """Parts of earlier assistant messages are no hindrance."""
    earlier = AssistantMessage([TextPart("a"), RefusalPart("b")])

    assert "c" == ask("x", earlier, "c").text
