"""Airtime: agents that work side by side speak one after the other.

The first one that began is heard as it speaks; what the others say waits until it has ended. So no
answer is a jumble of two, and the calls of tools are counted in the order in which they appear.
"""

from collections import deque
from collections.abc import Callable

import msgspec

from hookline.events import (
    Event,
    Reasoning,
    Refusal,
    Text,
    ToolCallArguments,
    ToolCallFinished,
    ToolCallStarted,
)
from hookline.listener import TURN_SEPARATOR


class Channel:
    """Where the events of one branch go.

    Args:
        airtime: the order in which it is heard.
        held: whether its words wait until it is known that nobody speaks after it.

    Attributes:
        waiting: the events that nobody has heard yet; ``None`` while it is heard.
        calls: how many calls of tools it has had since, and ``base``, how many there were before.
        spoke: whether any words of it have been heard.
        ended: whether nothing more comes.
        muted: whether its words are never heard.
    """

    __slots__ = ("_airtime", "base", "calls", "ended", "held", "muted", "spoke", "waiting")

    def __init__(self, airtime: "Airtime", *, held: bool):
        self._airtime = airtime
        self.held = held
        self.waiting: list[Event] | None = []
        self.base = self.calls = 0
        self.spoke = self.ended = self.muted = False

    def append(self, event: Event) -> None:
        """Write the event, or keep it until this channel is heard."""
        if self.waiting is None:
            self._airtime.write(self, event)
        else:
            self.waiting.append(event)


class Airtime:
    """The order in which branches are heard.

    Args:
        append: to the run's log.
        calls: how many calls of tools stand in the log.
        spoke: whether there are words in it.
    """

    def __init__(self, append: Callable[[Event], None], *, calls: int = 0, spoke: bool = False):
        self._append = append
        self.calls = calls
        self.spoke = spoke
        self.queue: deque[Channel] = deque()

    def open(self, *, held: bool = False) -> Channel:
        """A channel for a branch that begins."""
        channel = Channel(self, held=held)
        self.queue.append(channel)
        self._go_on()
        return channel

    def end(self, channel: Channel, *, muted: bool = False) -> None:
        """The branch has ended; ``muted`` keeps what it said from being heard, if it was held."""
        channel.ended, channel.muted = True, muted and channel.held
        self._go_on()

    def close(self) -> None:
        """The run is cut short: let everything be heard that was said."""
        for channel in list(self.queue):
            self.end(channel)

    def write(self, channel: Channel, event: Event) -> None:
        """Write an event of the channel that is heard."""
        match event:
            case Text() if not channel.spoke:
                if self.spoke:
                    self._append(Text(TURN_SEPARATOR))
                channel.spoke = self.spoke = True
            case ToolCallStarted():
                channel.calls += 1
                event = msgspec.structs.replace(event, index=channel.base + event.index)
            case ToolCallArguments() | ToolCallFinished():
                event = msgspec.structs.replace(event, index=channel.base + event.index)
            case _:
                pass
        self._append(event)

    def _go_on(self) -> None:
        """Let those be heard whose turn it is."""
        while self.queue:
            channel = self.queue[0]
            if channel.waiting is not None and (channel.ended or not channel.held):
                self._release(channel)
            if not channel.ended:
                return
            self.calls += channel.calls
            self.queue.popleft()

    def _release(self, channel: Channel) -> None:
        waiting, channel.waiting = channel.waiting or [], None
        channel.base = self.calls
        for event in waiting:
            if not (channel.muted and isinstance(event, Text | Reasoning | Refusal)):
                self.write(channel, event)
