"""Every hook has a page, and the page says what the hook's specification says."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from hookline import hooks

PAGES = Path(__file__).parents[2] / "docs" / "hooks"
PARTS = {name: getattr(hooks, name) for name in hooks.HOOKS}


def page(hook: str) -> str:
    """A page as one line, so that it does not matter where its lines break."""
    return " ".join((PAGES / f"{hook}.md").read_text().split())


def signature(hook: str) -> str:
    """The signature as it stands in the source, without quotation marks around types."""
    function = ast.parse(inspect.getsource(PARTS[hook])).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert function.returns is not None
    text = f"{hook}({ast.unparse(function.args)}) -> {ast.unparse(function.returns)}"
    return text.replace("'", "")


def promises(hook: str) -> list[str]:
    """The sentences of the docstring, as Markdown."""
    text = " ".join((inspect.getdoc(PARTS[hook]) or "").split()).replace("``", "`")
    return re.split(r"(?<=\.) (?=[A-Z])", text)


def part_members(hook: str) -> set[str]:
    """The public members of the type of part that a hook gives, if it is one of ours."""
    returned = signature(hook).partition("-> ")[2].partition(" |")[0]
    type_ = vars(hooks).get(returned)
    if not inspect.isclass(type_) or not type_.__module__.startswith("hookline."):
        return set()
    members = {*vars(type_), *vars(type_).get("__annotations__", {})}
    return {member for member in members if not member.startswith("_")}


def test_hooks_and_pages_are_the_same():
    """There is a page for each hook, and none for anything else."""
    assert sorted(hooks.HOOKS) == sorted(path.stem for path in PAGES.glob("*.md"))


def test_every_hook_is_listed():
    """The list of hooks is the list of functions that are marked as hooks."""
    marked = [name for name, value in vars(hooks).items() if hasattr(value, "hookline_spec")]

    assert sorted(hooks.HOOKS) == sorted(marked)


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_page_shows_the_signature(hook: str):
    """The signature on the page is that of the specification."""
    assert signature(hook) in page(hook)


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_page_says_since_when(hook: str):
    """A page names the version that added its hook."""
    assert re.search(r"\*\*versionadded:: \d+\.\d+\*\*", page(hook))


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_page_says_what_the_specification_says(hook: str):
    """Each sentence of the docstring, and so the failure policy, stands on the page."""
    said = page(hook)

    assert [] == [sentence for sentence in promises(hook) if sentence.rstrip(".") not in said]


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_page_says_what_happens_on_failure(hook: str):
    """A page has a section on failure, and one on what the part must do."""
    assert "## When it fails" in page(hook)
    assert "## What the part must do" in page(hook)


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_page_names_the_members_of_the_part(hook: str):
    """Nothing that a part must have is missing on its page."""
    said = page(hook)

    assert set() == {name for name in part_members(hook) if not re.search(rf"\b{name}\b", said)}


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_page_shows_an_implementation(hook: str):
    """The example on the page implements the hook; that it runs is tested with all other blocks."""
    assert f"@hookimpl def {hook}(" in page(hook)
