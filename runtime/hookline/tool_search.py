"""The tool ``tool_search``: how a model finds the tools whose definitions it was not given.

Source: seed 8.7, 9.3 and 9.5.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct

from hookline.ranking import rank
from hookline.schemas import schema_of
from hookline.tools import ToolSpec
from hookline.wire.chat import AssistantMessage, Message, ToolMessage

TOOL_SEARCH = "tool_search"
LIMIT = 10
QUERY_LENGTH = 1_000


class Arguments(Struct, frozen=True, forbid_unknown_fields=True):
    """What ``tool_search`` is called with."""

    query: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=QUERY_LENGTH,
            description="Words that say what the tool should do, or a part of its name.",
        ),
    ]
    limit: Annotated[int, Meta(ge=1, le=LIMIT, description="How many tools to name at most.")] = (
        LIMIT
    )


class Hit(Struct, frozen=True):
    """A tool that was found. ``score`` is that of ``ranking``, rounded."""

    name: str
    score: float
    description: str


class Found(Struct, frozen=True):
    """What a search gives: the best tools, the best first."""

    hits: list[Hit] = msgspec.field(name="tools")

    @property
    def text(self) -> str:
        """What the model reads: ``{"tools": [{"name", "score", "description"}]}``."""
        return msgspec.json.encode(self).decode()


def _schema() -> dict[str, Any]:
    schema = schema_of(Arguments)
    for unwanted in ("title", "description"):
        schema.pop(unwanted, None)
    return schema


DISCOVER = ToolSpec(
    TOOL_SEARCH,
    "Find tools by what they do. More tools exist than you were given: those that this finds can "
    "be called from your next step on.",
    _schema(),
    repeatable=True,
)
"""The definition of ``tool_search``."""


class _Named(Struct, frozen=True):
    name: str


class _Results(Struct, frozen=True):
    tools: list[_Named]


_LINE = re.compile(r"^\s*[-*]\s+`?([A-Za-z0-9_.-]+)`?\s+\(score:", re.MULTILINE)


def search(registry: Sequence[ToolSpec], query: str, limit: int = LIMIT) -> Found:
    """The tools that fit a query, the best first; those that fit as well keep their order.

    Names, descriptions and parameters are searched; a word in the name counts twice.
    """
    ranked = rank(query, [_searched(spec) for spec in registry], limit)
    hits = ((registry[place], score) for place, score in ranked)
    return Found([Hit(spec.name, round(score, 4), spec.description) for spec, score in hits])


def discovered(messages: Iterable[Message]) -> set[str]:
    """The names of the tools that earlier calls of ``tool_search`` found.

    Only results of calls that the model made under that name count. A result is the JSON that
    ``Found.text`` is, or lines such as ``- weather (score: 0.8)``.
    """
    calls: set[str] = set()
    names: set[str] = set()
    for message in messages:
        match message:
            case AssistantMessage(tool_calls=made) if made is not UNSET and made:
                calls |= {call.id for call in made if call.function.name == TOOL_SEARCH}
            case ToolMessage(tool_call_id=id_) if id_ in calls:
                names |= _named(_text(message))
            case _:
                pass
    return names


def _searched(spec: ToolSpec) -> str:
    properties = spec.parameters.get("properties")
    parameters = properties.items() if isinstance(properties, Mapping) else ()
    described = (
        f"{name} {schema.get('description', '')}" if isinstance(schema, Mapping) else name
        for name, schema in parameters
    )
    return "\n".join((spec.name, spec.name, spec.description, *described))


def _text(message: ToolMessage) -> str:
    content = message.content or ""
    return content if isinstance(content, str) else "\n".join(part.text for part in content)


def _named(text: str) -> set[str]:
    try:
        return {tool.name for tool in msgspec.json.decode(text, type=_Results).tools}
    except (msgspec.DecodeError, RecursionError):
        return set(_LINE.findall(text))
