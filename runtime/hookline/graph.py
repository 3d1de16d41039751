"""The loop, run by LangGraph: the model speaks, tools work, the model speaks again.

LangGraph runs the loop, not the tokens: nodes write events straight to the run's log, which they
reach through the graph's runtime context. Its state says no more than which branch has its turn;
what a branch reads stands in the context, because agents at work side by side each have a history
of their own. With ``hookline.checkpoint`` this is all that imports LangGraph.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypedDict

import attrs
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send, interrupt

from hookline.branches import Branch, Turn
from hookline.checkpoint import Checkpoint
from hookline.flow import answer_transfers, go_on, hand_over, last_turn, step
from hookline.model_calls import call_model
from hookline.run_context import RunContext
from hookline.tool_turns import call_tools
from hookline.toolbox import Decisions

UNLIMITED = 1_000_000
"""Supersteps of LangGraph's: agents count their own steps."""


NOBODY_TO_ASK = "it has to be approved of, and an agent that works for another one cannot wait"
"""Why a call is refused that would have to wait where no caller is."""


class State(TypedDict):
    """Which branch has its turn."""

    branch: int


Graph = CompiledStateGraph[State, RunContext, State, State]


@attrs.frozen
class Paused:
    """The run waits for decisions.

    Args:
        branches: those that wait, by the id that LangGraph knows their interrupt by.
        checkpoint: where it goes on.
    """

    branches: Mapping[str, int]
    checkpoint: bytes


async def _begin(state: State, runtime: Runtime[RunContext]) -> Command[Any]:
    return _go("model", runtime.context.branches)


async def _model(state: State, runtime: Runtime[RunContext]) -> Command[Any]:
    context = runtime.context
    branch = context.branches[state["branch"]]
    step(context, branch)
    branch.offered = context.team.offers(branch)
    branch.turn = await call_model(context, branch)
    if branch.turn.server_calls:
        return _go("tools", [branch])
    return _go("model", go_on(context, branch))


async def _tools(state: State, runtime: Runtime[RunContext]) -> Command[Any]:
    context = runtime.context
    branch = context.branches[state["branch"]]
    decisions = _decisions(context, branch)
    step(context, branch)
    await call_tools(context, branch, decisions)
    answer_transfers(context, branch)
    turn = branch.turn
    if turn is None or turn.caller_calls:
        return _go("model", go_on(context, branch))
    taken_over = hand_over(context, branch)
    if taken_over:
        return _go("model", taken_over)
    if branch.member.agent.end_after_tools:
        branch.turn = Turn(finish_reason="stop")
        return _go("model", go_on(context, branch))
    return _go("model", [branch])


def _go(node: str, branches: Sequence[Branch]) -> Command[Any]:
    return Command(goto=[Send(node, {"branch": branch.id}) for branch in branches])


def _decisions(context: RunContext, branch: Branch) -> Decisions:
    """What was decided of the calls of a turn that need approval; the run waits until it is."""
    waiting = _pending(branch)
    if not waiting:
        return {}
    if not context.may_wait:
        return dict.fromkeys(waiting, NOBODY_TO_ASK)
    decided: Decisions = interrupt({"branch": branch.id})
    return decided


def _pending(branch: Branch) -> Sequence[str]:
    calls = branch.turn.server_calls if branch.turn else ()
    needs = branch.member.toolbox.needs_approval
    return [call.public_id for call in calls if needs(call)]


@cache
def compile_graph(first: str) -> Graph:
    """The graph of every run: who follows whom is data. ``first`` is the node that it begins with.

    It holds nothing of any run, so one of each kind serves the whole process. A node says itself
    what follows it: LangGraph would run an edge's function in a thread.
    """
    builder = StateGraph(State, context_schema=RunContext)
    builder.add_node("begin", _begin)
    builder.add_node("model", _model)
    builder.add_node("tools", _tools)
    builder.add_edge(START, first)
    return builder.compile()


class Loop:
    """Runs the loop of runs."""

    def __init__(self) -> None:
        self._solo = compile_graph("model")
        self._team = compile_graph("begin")

    async def run(self, context: RunContext) -> Turn | Paused:
        """Run the loop of a run that begins to its end: the last turn, or that it waits.

        A single model that is offered no tool has one turn, and no loop is set up for it: that
        would be half of what such a run costs, and 20 KiB for as long as the model is silent.

        Raises:
            RecursionLimitReached: an agent's limit was hit; the log holds what happened so far.
        """
        branch = context.branches[0]
        offered = branch.member.toolbox.names or context.caller_tools
        if context.team.solo and not offered:
            step(context, branch)
            branch.turn = await call_model(context, branch)
            if not branch.turn.server_calls:
                go_on(context, branch)
                return branch.turn
            step(context, branch)
            await call_tools(context, branch)  # nobody offered them: it is told so
        members = context.team.members.values()
        waits = context.may_wait and any(member.may_wait for member in members)
        checkpoint = Checkpoint() if waits else None
        return await self._loop(context, {"branch": branch.id}, checkpoint)

    async def resume(
        self, context: RunContext, checkpoint: bytes, decisions: Mapping[str, Decisions]
    ) -> Turn | Paused:
        """Go on with a run that waited.

        Args:
            context: as it was.
            checkpoint: where it goes on.
            decisions: of the calls of each branch, by the id of its interrupt.

        Raises:
            RecursionLimitReached: as above.
        """
        return await self._loop(context, Command(resume=dict(decisions)), Checkpoint(checkpoint))

    async def _loop(
        self, context: RunContext, input_: Any, checkpoint: Checkpoint | None
    ) -> Turn | Paused:
        graph = self._solo if context.team.solo else self._team
        if checkpoint is not None:
            graph = graph.copy({"checkpointer": checkpoint})
        config: Any = {
            "recursion_limit": UNLIMITED,
            "configurable": {"thread_id": context.scope.run},
        }
        steps = graph.astream(
            input_,
            config,
            context=context,
            stream_mode=[],  # what is worth streaming is in the log
            durability=None if checkpoint is None else "exit",
        )
        async for _ in steps:
            pass
        if checkpoint is not None:
            state = await graph.aget_state(config)
            if state.interrupts:
                waiting = {one.id: one.value["branch"] for one in state.interrupts}
                return Paused(waiting, checkpoint.dump())
        return last_turn(context)
