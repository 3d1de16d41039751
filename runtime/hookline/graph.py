"""The loop, run by LangGraph: the model speaks, tools work, the model speaks again.

LangGraph runs the loop, not the tokens: nodes write events straight to the run's log, which they
reach through the graph's runtime context. This is the only module that imports LangGraph.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Annotated, Literal, TypedDict

from langgraph.errors import GraphRecursionError
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command

from hookline.agents import Agent
from hookline.turns import RunContext, Turn, call_model, call_tools
from hookline.wire.chat import Message

TOOLLESS_STEPS = 2
"""Steps taken before the loop is set up after all: a model call, and tools that are not there."""

KEPT = 512
"""How many compiled graphs are kept; the one unused for longest goes first."""


def _add(left: list[Message], right: list[Message]) -> list[Message]:
    return left + right


class State(TypedDict):
    """Messages in OpenAI's format."""

    messages: Annotated[list[Message], _add]


Graph = CompiledStateGraph[State, RunContext, State, State]


class RecursionLimitReached(Exception):
    """The loop took as many steps as the agent allows."""


AfterModel = Literal["tools", "__end__"]
AfterTools = Literal["model", "__end__"]


async def _model(state: State, runtime: Runtime[RunContext]) -> Command[AfterModel]:
    context = runtime.context
    made = len(context.produced)
    turn = context.turn = await call_model(context, state["messages"])
    update = {"messages": context.produced[made:]}
    follows: AfterModel = "tools" if turn.server_calls else "__end__"
    context.complete = follows == "__end__"
    return Command(update=update, goto=follows)


async def _tools(state: State, runtime: Runtime[RunContext]) -> Command[AfterTools]:
    context, turn = runtime.context, runtime.context.turn
    made = len(context.produced)
    await call_tools(context, turn.server_calls if turn else ())
    update = {"messages": context.produced[made:]}
    follows: AfterTools = "__end__" if turn and turn.caller_calls else "model"
    context.complete = follows == "__end__"
    return Command(update=update, goto=follows)


def compile_graph() -> Graph:
    """The graph of an agent.

    A node says itself what follows it: LangGraph would run an edge's function in a thread.
    """
    builder = StateGraph(State, context_schema=RunContext)
    builder.add_node("model", _model)
    builder.add_node("tools", _tools)
    builder.add_edge(START, "model")
    return builder.compile()


class Graphs:
    """Compiled graphs, one per version of an agent."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[tuple[str, int], Graph] = OrderedDict()

    def of(self, agent: Agent) -> Graph:
        """The graph of this version of the agent."""
        key = (agent.id, agent.version)
        graph = self._compiled.get(key)
        if graph is None:
            graph = self._compiled[key] = compile_graph()
            if len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(key)
        return graph

    async def run(self, context: RunContext, messages: Sequence[Message]) -> Turn:
        """Run the loop to its end; the last turn.

        A model that is offered no tool has one turn, and no loop is set up for it: that would be
        half of what such a run costs, and 20 KiB for as long as the model is silent.

        Raises:
            RecursionLimitReached: the agent's limit was hit; the log holds what happened so far.
        """
        limit = context.agent.recursion_limit
        if context.toolbox.names or context.caller_tools:
            return await self._loop(context, messages, limit)
        turn = await call_model(context, messages)
        if not turn.server_calls:
            return turn
        if limit > 1:
            await call_tools(context, turn.server_calls)  # nobody offered them: it is told so
        if limit <= TOOLLESS_STEPS:
            raise RecursionLimitReached
        return await self._loop(context, [*messages, *context.produced], limit - TOOLLESS_STEPS)

    async def _loop(self, context: RunContext, messages: Sequence[Message], limit: int) -> Turn:
        steps = self.of(context.agent).astream(
            {"messages": list(messages)},
            {"recursion_limit": limit},
            context=context,
            stream_mode=[],  # what is worth streaming is in the log
        )
        try:
            async for _ in steps:
                pass
        except GraphRecursionError as error:
            if not context.complete:  # LangGraph counts before it looks whether a step is left
                raise RecursionLimitReached from error
        if context.turn is None:
            message = "the graph ended before the model had its turn"
            raise RuntimeError(message)
        return context.turn
