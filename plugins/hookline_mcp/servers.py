"""MCP servers: how to reach one, and what of it agents may use."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from urllib.parse import quote

import attrs

from hookline_mcp.placeholders import fill, names_in

Pairs = tuple[tuple[str, str], ...]


def _pairs(values: Mapping[str, str] | Iterable[tuple[str, str]]) -> Pairs:
    return tuple(dict(values).items())


def _words(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(words)


@attrs.frozen(kw_only=True)
class Child:
    """A server that is a child process and speaks over its standard input and output.

    Args:
        command: the program.
        args: its arguments.
        env: variables of its environment, besides the few that are safe.
        cwd: where it runs; ``None`` for where this server does.
    """

    command: str
    args: tuple[str, ...] = attrs.field(default=(), converter=_words, repr=False)
    env: Pairs = attrs.field(default=(), converter=_pairs, repr=False)
    cwd: str | None = None

    @property
    def texts(self) -> Sequence[str]:
        """Where placeholders may be."""
        return (*self.args, *(value for _, value in self.env))

    @property
    def secrets(self) -> Sequence[str]:
        """What must not be shown."""
        return [value for _, value in self.env]

    def filled(self, values: Mapping[str, str]) -> "Child":
        """With the variables of a user.

        Raises:
            ValueError: an argument would become an option.
        """
        args = [fill(arg, values) for arg in self.args]
        for before, after in zip(self.args, args, strict=True):
            if after.startswith("-") and not before.startswith("-"):
                message = "a variable of the user would become an option of the server's command"
                raise ValueError(message)
        env = {name: fill(value, values) for name, value in self.env}
        return attrs.evolve(self, args=args, env=env)


@attrs.frozen(kw_only=True)
class Endpoint:
    """A server that is asked by streamable HTTP.

    Args:
        url: of its endpoint.
        headers: sent with every request.
        guarded: whether it was not the operator's config that named it, so that it must not lead
            into the operator's own network.
    """

    url: str = attrs.field(repr=False)
    headers: Pairs = attrs.field(default=(), converter=_pairs, repr=False)
    guarded: bool = False

    @property
    def texts(self) -> Sequence[str]:
        """Where placeholders may be."""
        return (self.url, *(value for _, value in self.headers))

    @property
    def secrets(self) -> Sequence[str]:
        """What must not be shown."""
        return [value for _, value in self.headers]

    def filled(self, values: Mapping[str, str]) -> "Endpoint":
        """With the variables of a user; in the URL they are encoded, so that they stay in place."""
        url = fill(self.url, values, lambda value: quote(value, safe=""))
        headers = {name: fill(value, values) for name, value in self.headers}
        return attrs.evolve(self, url=url, headers=headers)


@attrs.frozen(kw_only=True)
class Server:
    """A server, as the config or an administrator describes it.

    Args:
        name: part of the names of its tools.
        way: how to reach it.
        timeout: seconds that a call may take without progress.
        connect_timeout: seconds to connect and to list the tools.
        allow: tools that agents may use, as names or patterns with ``*``; empty allows all.
        deny: tools that they may not use, whatever ``allow`` says.
        user_variables: what each user has to give, with descriptions. With any, every user has a
            connection of its own.
        idle: seconds after which a connection that nobody uses is closed.
        max_connections: of users, at a time.
        instructions: whether models are told what the server says of itself.
        stored: whether it is from the store.
        secrets: the values of a user's variables, once they are filled in.
    """

    name: str
    way: Child | Endpoint
    timeout: float = 60.0
    connect_timeout: float = 8.0
    allow: tuple[str, ...] = attrs.field(default=(), converter=_words)
    deny: tuple[str, ...] = attrs.field(default=(), converter=_words)
    user_variables: Pairs = attrs.field(default=(), converter=_pairs)
    idle: float = 300.0
    max_connections: int = 100
    instructions: bool = True
    stored: bool = False
    secrets: tuple[str, ...] = attrs.field(default=(), converter=_words, repr=False)

    @property
    def per_user(self) -> bool:
        """Whether every user has a connection of its own."""
        return bool(self.user_variables)

    @property
    def lasting(self) -> bool:
        """Whether its connection stays open though nobody uses it."""
        return not self.per_user and not self.stored

    def offers(self, tool: str) -> bool:
        """Whether agents may use a tool of this server."""
        if any(fnmatchcase(tool, pattern) for pattern in self.deny):
            return False
        return not self.allow or any(fnmatchcase(tool, pattern) for pattern in self.allow)

    def missing(self, values: Mapping[str, str]) -> list[str]:
        """The names of variables that a user has not given."""
        return [name for name, _ in self.user_variables if name not in values]

    def filled(self, values: Mapping[str, str]) -> "Server":
        """The server as one user reaches it.

        Raises:
            ValueError: a value does not fit its place.
        """
        wanted = {name: values[name] for name, _ in self.user_variables}
        return attrs.evolve(self, way=self.way.filled(wanted), secrets=wanted.values())


def check(server: Server) -> Server:
    """The server, if its placeholders and its variables belong together.

    Raises:
        ValueError: a placeholder has no variable, or a variable no placeholder, or one stands
            where it would decide which server is asked.
    """
    declared = {name for name, _ in server.user_variables}
    used = names_in(server.way.texts)
    if used - declared:
        message = f"{{{{{min(used - declared)}}}}} is not among the user_variables"
        raise ValueError(message)
    if declared - used:
        message = f"user_variables.{min(declared - used)} is not used anywhere"
        raise ValueError(message)
    if isinstance(server.way, Endpoint) and names_in([_origin(server.way.url)]):
        message = "url: a placeholder may stand in the path or the query, not in the host"
        raise ValueError(message)
    return server


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    for end in "/?#":
        rest = rest.partition(end)[0]
    return f"{scheme}://{rest}"
