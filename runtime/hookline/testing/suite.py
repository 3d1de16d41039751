"""How the parts of the store contract reach a store, and what they put into it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import attrs

from hookline.agents import (
    Agent,
    Edge,
    ModelChoice,
    Summary,
    SupportContact,
    ToolOptions,
    ToolResource,
)
from hookline.errors import InvalidRequest, VersionConflict
from hookline.keys import ApiKey, new_key
from hookline.moments import now
from hookline.store import Continuation, Store

DAY = timedelta(days=1)
EARLIER = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
TOKYO = timezone(timedelta(hours=9))
ODD_IDS = (
    "b",
    "a",
    "A",
    "Z",
    "a-1",
    "a.1",
    "a10",
    "a_0",
    "aa",
    "a/b",
    "a:b",
    "a b",
    "a ",
    "a@1",
    "a%",
    "$a",
    "\\",
    "'\"",
    "\N{LATIN SMALL LETTER E WITH ACUTE}",
    "e\N{COMBINING ACUTE ACCENT}",
    "\N{SNOWMAN}",
    "\N{REPLACEMENT CHARACTER}",
    "\N{GRINNING FACE}",
    "x" * 256,
)
"""Ids that a database may confuse, or bring into another order than that of their characters."""
AGENT = Agent(
    id="team/helper:1.0",
    provider="local",
    model="m",
    name="Hélper \N{SNOWMAN}",
    description="d",
    instructions='line\n"quoted" \0 end',
    model_parameters={"temperature": 0.2, "stop": ["a", "b"], "logit_bias": {"1": -100}, "n": None},
    tools=("calculator", "search"),
    locked=("temperature",),
    recursion_limit=7,
    dialect="librechat",
    on_tool_failure="degrade",
    edges=[
        Edge(
            from_=["team/helper:1.0"],
            to=["a", "b"],
            edge_type="direct",
            description="d",
            prompt="p",
            prompt_key="k",
            exclude_results=True,
            condition="c",
        )
    ],
    category="c",
    avatar="https://example.org/a.png",
    conversation_starters=["Hi"],
    support_contact=SupportContact(name="Ann", email="a@example.org"),
    tool_options={
        "a.b": ToolOptions(defer_loading=True, require_approval=True),
        "$c": ToolOptions(allowed_callers=["code_execution", "direct"]),
        "": ToolOptions(allowed_callers=[]),
    },
    tool_resources={"file_search": ToolResource(file_ids=["file_2", "file_1"])},
    subagents=["b", "a"],
    fallbacks=[ModelChoice(provider="p", model="m2"), ModelChoice(provider="local", model="m1")],
    max_context_tokens=2**40,
    summary=Summary(provider="p", model="s", threshold=0.1),
    hide_sequential_outputs=True,
    end_after_tools=True,
    author="alice",
    updated_by="bob",
    managed_by="config",
    created_at=EARLIER,
    updated_at=EARLIER,
)


class StoreSuite:
    """How the parts of the contract reach the store."""

    durable = True
    """Whether a store that is opened again holds what was kept."""

    def open(self, tmp_path: Path) -> Store:
        """A store that is not entered yet; of the same ``tmp_path``, the same data.

        No event loop runs when this is called.
        """
        raise NotImplementedError


def run(check: Callable[[Store], Awaitable[None]], store: Store) -> None:
    """Enter the store, check it, and leave it, in an event loop of its own."""

    async def entered() -> None:
        async with store:
            await check(store)

    asyncio.run(entered())


async def raised(kind: type[Exception], call: Awaitable[Any]) -> bool:
    """Whether a call raised this kind of error."""
    try:
        await call
    except kind:
        return True
    return False


async def refused(call: Awaitable[Any]) -> str | None:
    """The reason for which a call was refused; ``None`` if it was not."""
    try:
        await call
    except InvalidRequest as error:
        return error.reason
    return None


async def conflict(call: Awaitable[Any]) -> int | None:
    """The version that a conflict names; ``None`` if there was none."""
    try:
        await call
    except VersionConflict as error:
        return error.current
    return None


def sample_key(text: str, *, user: str = "alice") -> ApiKey:
    """A key of this text."""
    key, _ = new_key(user, text=text)
    return attrs.evolve(key, created_at=EARLIER)


def sample_continuation(run: str, *calls: str) -> Continuation:
    """A run of alice's with the agent helper that waits for these calls until tomorrow."""
    return Continuation(
        id=run,
        user="alice",
        agent="helper",
        calls={call: f"upstream_{call}" for call in calls},
        messages=b'[{"role":"assistant","content":"\xc3\xa9"}]',
        expires_at=now() + DAY,
    )
