"""``hookline serve``."""

from pathlib import Path

import click

from hookline_api.cli.options import config_option, example


@click.command()
@config_option
@click.option("--host", help="Instead of the config's [server] host.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Instead of the config's [server] port; 0 takes any that is free.",
)
@example("hookline serve --config hookline.toml --port 9000")
def serve(*, path: Path | None, host: str | None, port: int | None) -> None:
    """Serve the agents of a config over HTTP, until SIGTERM or Ctrl-C."""
    import msgspec

    from hookline.registry import Registry
    from hookline.runtime import Runtime
    from hookline_api import logs, server
    from hookline_api.cli.output import console
    from hookline_api.cli.setup import discover, load_config
    from hookline_api.origin import origin_of
    from hookline_api.redaction import secrets_of

    config, source = load_config(path)
    given = {"host": host, "port": port}
    changes = {name: value for name, value in given.items() if value is not None}
    config = msgspec.structs.replace(
        config, server=msgspec.structs.replace(config.server, **changes)
    )
    secrets = secrets_of(msgspec.to_builtins(config, enc_hook=repr))
    logs.configure(config.server.log_level, secrets={*secrets, *config.secrets.keys})
    setup = discover(config, source)

    def ready(host: str, port: int) -> None:
        line = f"Hookline is ready on {origin_of(host, port)}/v1"
        console().print(line, style="bold green", soft_wrap=True)

    server.serve(Runtime(Registry(config, setup.plugins, source)), config, ready)
