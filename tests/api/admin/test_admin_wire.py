"""What administrators are answered, as it stands on the wire.

``nox -s snapshots`` writes it anew.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from support.admin_stories import STORIES, Story
from support.server import RunningServer, add_key, running_server
from support.snapshots import TextSnapshot
from support.wire import send, written
from support.wire_parts import FailingStores

TABLES: Mapping[str, Any] = {
    "providers": {"script": {"kind": "scripted"}},
    "agents": {"echo": {"provider": "script", "model": "m"}},
    "permissions": {"keys_per_user": 2},
    "plugins": {"acl": {"roles": {"managed": ["remote_agents.use"]}}},
}
FURTHER: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "small": {"server": {"body_limit": 1000}},
    "storeless": {"store": {"url": "failing://"}},
}
KEYS: Mapping[str, Mapping[str, Any]] = {
    "hk-admin": {},
    "hk-reading-admin": {"read_only": True},
    "hk-narrow-admin": {"agents": frozenset({"echo"})},
}


@contextmanager
def serving(story: Story) -> Iterator[RunningServer]:
    """The server of a story, with an administrator and a user."""
    plugins = {"failing": FailingStores()} if story.server == "storeless" else None
    with running_server({**TABLES, **FURTHER[story.server]}, plugins) as server:
        for text, fields in KEYS.items():
            server.run(add_key(server.runtime, text, user="root", role="admin", **fields))
        yield server


@pytest.mark.parametrize("name", STORIES)
def test_the_administration_answers_as_agreed(name: str, snapshot: SnapshotAssertion) -> None:
    """Status, headers and body of each answer in a story are those of its snapshot."""
    story = STORIES[name]

    with serving(story) as server:
        text = written([(request, send(server.origin, request)) for request in story.requests])

    assert snapshot(extension_class=TextSnapshot) == text
