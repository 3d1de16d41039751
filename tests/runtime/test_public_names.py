"""What plugin authors rely on changes only on purpose."""

import inspect
import types

from syrupy.assertion import SnapshotAssertion

import hookline
import hookline.testing
from hookline import events, hooks, wire
from support.snapshots import TextSnapshot


def lines(*texts: str) -> str:
    """Texts, one on each line."""
    return "".join(f"{text}\n" for text in texts)


def test_public_names(snapshot: SnapshotAssertion) -> None:
    """The names that ``hookline``, ``hookline.wire`` and ``hookline.testing`` export."""
    modules: list[types.ModuleType] = [hookline, wire, hookline.testing]
    names = [f"{module.__name__}.{name}" for module in modules for name in sorted(module.__all__)]

    assert snapshot(extension_class=TextSnapshot) == lines(*names)


def test_hook_signatures(snapshot: SnapshotAssertion) -> None:
    """Every hook, with what it is given and what it returns."""
    signatures = [f"{name}{inspect.signature(getattr(hooks, name))}" for name in hooks.HOOKS]

    assert snapshot(extension_class=TextSnapshot) == lines(*signatures)


def test_event_fields(snapshot: SnapshotAssertion) -> None:
    """Every event, as it crosses processes."""
    structs = [value for value in vars(events).values() if _is_event(value)]
    shown = [
        f"{struct.__struct_config__.tag}: {', '.join(struct.__struct_fields__)}"
        for struct in structs
    ]

    assert snapshot(extension_class=TextSnapshot) == lines(*shown)


def _is_event(value: object) -> bool:
    config = getattr(value, "__struct_config__", None)
    return isinstance(value, type) and getattr(config, "tag_field", None) == "type"
