"""The command ``hookline``: ours, and what plugins add."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from hookline_api.cli.failures import one_sentence

COMMANDS: Mapping[str, str] = {
    "demo": "hookline_api.cli.demo:demo",
    "serve": "hookline_api.cli.serve:serve",
    "check": "hookline_api.cli.check:check",
    "plugins": "hookline_api.cli.plugins:plugins",
    "agents": "hookline_api.cli.agents:agents",
    "keys": "hookline_api.cli.keys:keys",
    "users": "hookline_api.cli.users:users",
    "groups": "hookline_api.cli.groups:groups",
    "roles": "hookline_api.cli.roles:roles",
    "grants": "hookline_api.cli.grants:grants",
    "files": "hookline_api.cli.files:files",
    "balance": "hookline_api.cli.balance:balance",
    "usage": "hookline_api.cli.usage:usage",
    "audit": "hookline_api.cli.audit:audit",
    "store": "hookline_api.cli.store:store",
    "chat": "hookline_api.cli.chat:chat",
}
"""Where each command is. Its module is imported when it is asked for."""


OFFERED: Mapping[str, tuple[str, str]] = {
    "permissions": ("acl", "Ask who may do what."),
    "actions": ("actions", "Keep OpenAPI documents whose operations are tools."),
    "mcp": ("mcp", "Add and test MCP servers, and keep what users give for them."),
}
"""Commands of plugins that come with Hookline: which plugin's, and what the help says of it."""


class Offered(click.Group):
    """The commands of a plugin of ours. The plugin is imported when one of them is asked for."""

    def __init__(self, name: str, plugin: str, text: str):
        super().__init__(name, help=text)
        self._plugin = plugin

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return self._group().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        return self._group().get_command(ctx, cmd_name)

    def _group(self) -> click.Group:
        points = entry_points(group="hookline", name=self._plugin)
        command = offered_by([point for point in points if not _foreign(point)]).get(
            self.name or ""
        )
        return command if isinstance(command, click.Group) else click.Group(self.name)


class Commands(click.Group):
    """Our commands, and after them those of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        ours = [*COMMANDS, *OFFERED]
        return [*ours, *sorted(self._offered(ctx).keys() - set(ours))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name. Plugins are asked for those that are not ours."""
        place = COMMANDS.get(cmd_name)
        if cmd_name in OFFERED:
            return Offered(cmd_name, *OFFERED[cmd_name])
        if place is None:
            return self._offered(ctx).get(cmd_name)
        module, _, name = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the words of the command line."""
        with one_sentence():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Do what they say."""
        with one_sentence():
            return super().invoke(ctx)

    def _offered(self, ctx: click.Context) -> Mapping[str, click.Command]:
        """What plugins offer; asked for once in a call of the program."""
        offered: Mapping[str, click.Command] | None = ctx.meta.get(__name__)
        if offered is None:
            offered = ctx.meta[__name__] = offered_by(_strangers())
        return offered


def _strangers() -> Sequence[EntryPoint]:
    """The entry points of plugins that do not come with Hookline."""
    return [point for point in entry_points(group="hookline") if _foreign(point)]


def _foreign(point: EntryPoint) -> bool:
    return point.dist is None or point.dist.name != "hookline"


def offered_by(points: Sequence[EntryPoint]) -> Mapping[str, click.Command]:
    """The commands of these plugins. One that fails offers none; ``hookline plugins`` says why."""
    if not points:
        return {}
    from hookline.plugins import Plugins
    from hookline_api import logs

    logs.quiet()
    plugins = Plugins({}, "defaults")
    plugins.discover(points=points)
    commands: dict[str, click.Command] = {}
    for _, command in plugins.parts("cli_commands"):
        if isinstance(command, click.Command) and command.name:
            commands.setdefault(command.name, command)
    return commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hookline", message="hookline %(version)s")
def hookline() -> None:
    """Run AI agents and serve each one as an OpenAI-compatible model.

    Begin with: hookline demo
    """


def main() -> None:
    """Run the command line. Ends the process."""
    sys.exit(hookline.main(prog_name="hookline"))
