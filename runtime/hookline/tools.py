"""Tools: what an agent can do besides talking."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, get_args, get_type_hints, overload

import attrs
import msgspec

from hookline.agents import Agent
from hookline.artifacts import Artifact
from hookline.permissions import Principal
from hookline.schemas import EMPTY, schema_of
from hookline.scope import CallScope, RunScope
from hookline.wire.chat import ImagePart, TextPart


@attrs.frozen
class ToolSpec:
    """A tool's definition: all that a model needs to know. ``parameters`` is a JSON schema.

    ``repeatable`` says that calling it twice is as good as calling it once (it only reads, or
    reckons): what it gives back is not kept against repetition. ``part_of`` is the entry of
    ``agent.tools`` that it was offered for, where that entry stands for several tools.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = attrs.field(factory=lambda: EMPTY)
    strict: bool | None = None
    repeatable: bool = False
    part_of: str | None = None


ContentPart = TextPart | ImagePart
IMAGE = "[image]"
"""What stands for an image where there can be text alone."""


@attrs.frozen
class ToolResult:
    """What a tool gives back: text or parts for the model, and artifacts for the caller.

    ``failed`` says that it did not do what it was asked; the content says why.
    """

    content: str | Sequence[ContentPart]
    artifacts: Sequence[Artifact] = ()
    failed: bool = False

    @property
    def text(self) -> str:
        """The text of the content; a blank line stands between parts, ``[image]`` for an image."""
        if isinstance(self.content, str):
            return self.content
        return "\n\n".join(
            part.text if isinstance(part, TextPart) else IMAGE for part in self.content
        )


class Tool(ABC):
    """Something an agent can call.

    A tool may be an async context manager: it is entered before its first call in a run, and left
    when the run ends or waits for approval, not always in the same task.
    """

    spec: ToolSpec

    @abstractmethod
    async def call(self, arguments: Mapping[str, Any], scope: CallScope) -> ToolResult | str:
        """Do it. ``arguments`` follow the schema of ``spec``.

        An exception becomes an error that the model reads; the run goes on. When the run is
        cancelled the call is, too: it ends what it started, within a second.
        """


class ToolLoader(ABC):
    """Offers tools in two phases: definitions when a run starts, a tool when it is first called."""

    @abstractmethod
    async def definitions(self, agent: Agent, principal: Principal) -> Sequence[ToolSpec]:
        """The definitions of those of ``agent.tools`` that this loader offers. Builds no tool."""

    async def notes(self, agent: Agent, principal: Principal) -> Sequence[str]:
        """What the agent's model shall know of its tools; stands before its instructions.

        Asked after ``definitions``, if that gave any. Source: seed 8.3.
        """
        return ()

    @abstractmethod
    async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
        """The tools with these names, which ``definitions`` gave before. Once per run and name."""


class FunctionTool(Tool):
    """A tool made from a typed function by ``@tool``. Can still be called as the function."""

    def __init__(self, function: Callable[..., Awaitable[Any]], name: str, description: str):
        self._function = function
        hints = get_type_hints(function, include_extras=True)
        hints.pop("return", None)
        self._scope_name = next((name for name, hint in hints.items() if _is_scope(hint)), None)
        fields: list[Any] = []
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name == self._scope_name:
                continue
            if parameter.name not in hints or parameter.kind in _UNTYPABLE:
                message = f"{name}: parameter {parameter.name!r} needs a name and a type"
                raise TypeError(message)
            field: tuple[Any, ...] = (parameter.name, hints[parameter.name])
            if parameter.default is not parameter.empty:
                field += (parameter.default,)
            fields.append(field)
        self._arguments = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
        schema = schema_of(self._arguments)
        schema.pop("title", None)
        self.spec = ToolSpec(name, description, schema)

    def __call__(self, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Call the function itself."""
        return self._function(*args, **kwargs)

    async def call(self, arguments: Mapping[str, Any], scope: CallScope) -> ToolResult | str:
        """Convert the arguments to the function's types, call it, and make text of its result."""
        converted = msgspec.convert(arguments, self._arguments)
        values = {name: getattr(converted, name) for name in converted.__struct_fields__}
        if self._scope_name is not None:
            values[self._scope_name] = scope
        result = await self._function(**values)
        if isinstance(result, ToolResult | str):
            return result
        return msgspec.json.encode(result).decode()


def _is_scope(hint: Any) -> bool:
    """Whether a parameter is the scope of the run, be it optional or not."""
    return any(scope is hint or scope in get_args(hint) for scope in (RunScope, CallScope))


_UNTYPABLE = (
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
    inspect.Parameter.POSITIONAL_ONLY,
)


@overload
def tool(function: Callable[..., Awaitable[Any]], /) -> FunctionTool: ...


@overload
def tool(
    *, name: str | None = None, description: str | None = None, repeatable: bool = False
) -> Callable[[Callable[..., Awaitable[Any]]], FunctionTool]: ...


def tool(
    function: Callable[..., Awaitable[Any]] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    repeatable: bool = False,
) -> FunctionTool | Callable[[Callable[..., Awaitable[Any]]], FunctionTool]:
    """Make a tool of an ``async`` function with typed parameters.

    The schema comes from the signature (any type that msgspec knows, with ``Annotated[…, Meta]``
    for limits and descriptions), the description from the docstring. A parameter annotated with
    ``RunScope`` or ``CallScope`` is not shown to the model; it gets the scope of the call.

    Raises:
        TypeError: the function is not ``async``, or a parameter has no type.
    """

    def decorate(function: Callable[..., Awaitable[Any]]) -> FunctionTool:
        if not inspect.iscoroutinefunction(function):
            message = f"@tool needs an async function, and {function!r} is not"
            raise TypeError(message)
        text = description or inspect.getdoc(function) or ""
        made = FunctionTool(function, name or function.__name__, text)
        made.spec = attrs.evolve(made.spec, repeatable=repeatable)
        return made

    return decorate if function is None else decorate(function)


class StaticTools(ToolLoader):
    """A loader of tools that exist already, such as functions decorated with ``@tool``."""

    def __init__(self, *tools: Tool):
        self._tools = {tool.spec.name: tool for tool in tools}

    async def definitions(self, agent: Agent, principal: Principal) -> Sequence[ToolSpec]:
        """The definitions of those that the agent names."""
        return [self._tools[name].spec for name in agent.tools if name in self._tools]

    async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
        """The tools with these names."""
        return {name: self._tools[name] for name in names}
