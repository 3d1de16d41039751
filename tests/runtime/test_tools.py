"""The ``@tool`` decorator and the loader of static tools."""

import asyncio
import dataclasses
import enum
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import attrs
import msgspec
import pytest
from msgspec import Meta

from hookline import Agent, Principal, RunScope, StaticTools, ToolResult, tool
from hookline.tools import FunctionTool

SCOPE = RunScope(run="run_1", agent="helper", principal=Principal(user="alice"), deadline=0.0)


class Unit(enum.Enum):
    CELSIUS = "celsius"
    KELVIN = "kelvin"


@dataclasses.dataclass
class Place:
    city: str
    zip: str | None = None


@attrs.frozen
class Weather:
    place: Place
    degrees: float


def call(subject: FunctionTool, arguments: Mapping[str, Any]) -> ToolResult | str:
    return asyncio.run(subject.call(arguments, SCOPE))


@tool
async def forecast(
    place: Place,
    days: Annotated[int, Meta(ge=1, le=7, description="How far.")] = 1,
    unit: Unit = Unit.CELSIUS,
    detail: Literal["low", "high"] = "low",
    note: str | None = None,
) -> str:
    """Tell the weather.

    In some detail.
    """
    return f"{place.city} {days} {unit.value} {detail} {note}"


def test_schema_comes_from_the_signature():
    """Limits, choices, defaults and types within types are in the schema."""
    expected = {
        "type": "object",
        "properties": {
            "place": {"$ref": "#/$defs/Place"},
            "days": {
                "type": "integer",
                "minimum": 1,
                "maximum": 7,
                "description": "How far.",
                "default": 1,
            },
            "unit": {"$ref": "#/$defs/Unit", "default": "celsius"},
            "detail": {"enum": ["high", "low"], "default": "low"},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["place"],
        "additionalProperties": False,
    }

    schema = dict(forecast.spec.parameters)
    definitions = schema.pop("$defs")

    assert expected == schema
    assert {"Place", "Unit"} == definitions.keys()


def test_name_and_description_come_from_the_function():
    """The function's name is the tool's, its docstring the description."""
    assert "forecast" == forecast.spec.name
    assert "Tell the weather.\n\nIn some detail." == forecast.spec.description


def test_name_and_description_can_be_given():
    """A name and a description beside the decorator win over the function's."""

    @tool(name="get-time", description="The time.")
    async def anything() -> str:
        """Ignored."""
        return ""

    assert ("get-time", "The time.") == (anything.spec.name, anything.spec.description)


def test_arguments_become_the_functions_types():
    """JSON values arrive as the classes that the signature names, defaults filled in."""
    result = call(forecast, {"place": {"city": "Oslo"}, "unit": "kelvin"})

    assert "Oslo 1 kelvin low None" == result


def test_attrs_classes_are_taken_and_given():
    """An attrs class is a parameter type, and a result of one becomes JSON."""

    @tool
    async def hotter(weather: Weather) -> Weather:
        return attrs.evolve(weather, degrees=weather.degrees + 1)

    result = call(hotter, {"weather": {"place": {"city": "Rome"}, "degrees": 20}})

    assert Weather(Place("Rome"), 21.0) == msgspec.json.decode(str(result), type=Weather)


def test_result_with_artifacts_is_kept():
    """A ``ToolResult`` comes back as it is."""
    made = ToolResult("done")

    @tool
    async def make() -> ToolResult:
        return made

    assert made is call(make, {})


def test_scope_is_injected_and_hidden():
    """A ``RunScope`` parameter gets the run's scope and is not in the schema."""

    @tool
    async def who(prefix: str, scope: RunScope) -> str:
        return prefix + scope.principal.user

    assert ["prefix"] == list(who.spec.parameters["properties"])
    assert "I am alice" == call(who, {"prefix": "I am "})


def test_optional_scope_is_injected_too():
    """A scope that may be left out in a direct call is still hidden and given."""

    @tool
    async def who(scope: RunScope | None = None) -> str:
        return scope.run if scope else "nobody"

    assert {} == who.spec.parameters["properties"]
    assert "run_1" == call(who, {})
    assert "nobody" == asyncio.run(who())


def test_returned_scope_is_no_parameter():
    """A function that returns a scope does not ask for one."""

    @tool
    async def scope() -> RunScope:
        return SCOPE

    assert '"run":"run_1"' in str(call(scope, {}))


def test_tool_is_still_the_function():
    """The decorated name can be called like the function."""
    assert "Oslo 2 celsius low None" == asyncio.run(forecast(Place("Oslo"), 2))


@pytest.mark.parametrize("arguments", [{}, {"place": {}}, {"place": {"city": "Oslo"}, "more": 1}])
def test_wrong_arguments_raise(arguments: dict[str, Any]):
    """Missing and unknown arguments raise an error that the model can read."""
    with pytest.raises(msgspec.ValidationError):
        call(forecast, arguments)


def test_exception_of_the_function_passes():
    """What the function raises is the caller's to handle."""

    @tool
    async def fail() -> str:
        raise LookupError("no such city")

    with pytest.raises(LookupError, match="no such city"):
        call(fail, {})


def test_plain_function_is_refused():
    """A function that is not async is refused at once."""

    def plain(city: str) -> str:
        return city

    with pytest.raises(TypeError, match="needs an async function"):
        tool(plain)  # type: ignore[call-overload]


def test_parameter_without_a_type_is_refused():
    """Each parameter needs a type, and a name to call it by."""

    async def untyped(city) -> str:
        return str(city)

    async def many(*cities: str) -> str:
        return "".join(cities)

    for function in (untyped, many):
        with pytest.raises(TypeError, match="needs a name and a type"):
            tool(function)


def test_type_without_a_schema_is_refused():
    """A type that has no JSON schema is refused at once."""

    async def odd(number: complex) -> str:
        return str(number)

    with pytest.raises(TypeError, match="complex"):
        tool(odd)


def test_static_tools_offer_what_the_agent_names():
    """Definitions are those the agent names and the loader has, in the agent's order."""

    @tool
    async def other() -> str:
        return ""

    loader = StaticTools(forecast, other)
    agent = Agent(id="a", provider="p", model="m", tools=("other", "unknown", "forecast"))

    specs = asyncio.run(loader.definitions(agent, SCOPE.principal))
    loaded = asyncio.run(loader.load(["other"], SCOPE))

    assert [other.spec, forecast.spec] == list(specs)
    assert {"other": other} == loaded
