"""Where a server is reached from its own machine."""

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  listening there is the operator's wish


def origin_of(host: str, port: int) -> str:
    """The URL of a server that listens on this address, such as ``http://127.0.0.1:8000``."""
    host = ANYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
