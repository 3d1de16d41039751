"""Reading: what one model of an agent gets of a conversation."""

from collections.abc import Sequence

import attrs

from hookline.agents import Agent
from hookline.branches import Voice
from hookline.context_window import tighter, window
from hookline.counting import count_tokens
from hookline.fitting import Fitted, fit
from hookline.providers import ModelProvider
from hookline.tools import ToolSpec
from hookline.wire.chat import Message


@attrs.frozen(kw_only=True)
class Reader:
    """A model that reads a conversation, as far as it can.

    Args:
        provider: the model's; it counts, if it can.
        model: its name.
        limit: how many tokens of messages it can read, next to the tools that it is offered.
    """

    provider: ModelProvider
    model: str
    limit: int

    @classmethod
    def of(cls, agent: Agent, voice: Voice, tools: Sequence[ToolSpec] = ()) -> "Reader":
        """The reader that an agent's model is, with these tools."""
        provider = voice.provider.part
        offered = count_tokens(provider, voice.model, (), tools).tokens if tools else 0
        whole = window(agent, voice.model, voice.expected_output)
        return cls(provider=provider, model=voice.model, limit=whole - offered)

    def count(self, messages: Sequence[Message]) -> int:
        """How many tokens messages have for this model."""
        return count_tokens(self.provider, self.model, messages).tokens

    def fit(self, messages: Sequence[Message], *, pinned: int = 0) -> Fitted:
        """The newest of a conversation that the model can read; see ``hookline.fitting``.

        Raises:
            ContextTooLong: what has to stay is too long.
        """
        whole = list(messages)  # a branch's grow while its model is read from
        return fit(whole, self.limit, self.count, pinned=pinned)

    def fit_again(self, messages: Sequence[Message], refused: Fitted, *, pinned: int = 0) -> Fitted:
        """Less than was refused, for the second try of a call whose prompt was too long.

        Raises:
            ContextTooLong: what has to stay is as long.
        """
        return fit(messages, tighter(refused.tokens), self.count, pinned=pinned)
