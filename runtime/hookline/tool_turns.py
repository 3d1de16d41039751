"""A turn of tools: those of the server's that the model called work, and it reads what they say."""

from collections.abc import Sequence

from hookline.branches import Branch
from hookline.consumption import tool_entry
from hookline.events import ToolCallFinished
from hookline.providers import sees_images
from hookline.run_context import RunContext
from hookline.toolbox import Decisions, Outcome
from hookline.wire.chat import TextPart, ToolMessage, UserMessage


async def call_tools(
    context: RunContext, branch: Branch, decisions: Decisions | None = None
) -> None:
    """Execute the server's tools of a branch's turn; their results become messages.

    Raises:
        ToolUnavailable: a tool could not be loaded, and the agent does not say "degrade".
        StoreUnavailable: what a tool gave back could not be kept.
    """
    append, toolbox, turn = branch.channel.append, branch.member.toolbox, branch.turn
    if turn is None:
        return

    def tell(outcome: Outcome) -> None:
        append(_finished(outcome))
        if context.metered and outcome.call.name in toolbox.names:
            context.meter.record(tool_entry(context, branch, outcome.call))

    handing = context.team.handoffs(branch)
    calls = [call for call in turn.server_calls if call.name not in handing]
    outcomes = await toolbox.call_all(calls, context.scope, tell, decisions)
    for outcome in outcomes:
        branch.add(ToolMessage(outcome.call.id, outcome.result.text))
        for artifact in outcome.result.artifacts:
            context.attachments.process(artifact, outcome.call.public_id)
    _show_images(branch, outcomes)


def _show_images(branch: Branch, outcomes: Sequence[Outcome]) -> None:
    """Give a model that sees the pictures that tools gave back; a tool message holds text alone."""
    sees = sees_images(branch.member.voices[0].provider.part)
    if not sees or (branch.turn is not None and branch.turn.caller_calls):
        return  # the caller's results have to come right after the call
    for outcome in outcomes:
        if outcome.images:
            text = TextPart(f"Images that {outcome.call.name} gave back:")
            branch.add(UserMessage([text, *outcome.images]))


def _finished(outcome: Outcome) -> ToolCallFinished:
    return ToolCallFinished(
        index=outcome.call.index,
        id=outcome.call.public_id,
        name=outcome.call.name,
        status=outcome.status,
        content=outcome.result.text,
    )
