"""Servers: where a document says that its operations are."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from hookline.outbound import TargetRefused, Targets
from hookline_actions.failures import DocumentInvalid
from hookline_actions.parameters import TEMPLATE


def base_of(servers: Any, source: str, variables: Mapping[str, str]) -> str:
    """The URL of the first server, without a slash at its end.

    Args:
        servers: as the document has them.
        source: the URL of the document, which others are relative to; or empty.
        variables: values for the variables of the URL, instead of their defaults.

    Raises:
        DocumentInvalid: it cannot be known.
    """
    server = servers[0] if isinstance(servers, list) and servers else {"url": "/"}
    url = server.get("url") if isinstance(server, dict) else None
    if not isinstance(url, str):
        message = "servers[0] has no url"
        raise DocumentInvalid(message)
    declared = server.get("variables")
    declared = declared if isinstance(declared, dict) else {}
    for name in TEMPLATE.findall(url):
        value = _variable(name, declared.get(name), variables)
        url = url.replace(f"{{{name}}}", value)
    try:
        url = urljoin(source, url) if source else url
    except ValueError:
        url = ""
    if not url.lower().startswith(("http://", "https://")):
        message = f"the server {server['url']!r} is no URL by itself; give base_url"
        raise DocumentInvalid(message)
    return checked(url)


def checked(url: str) -> str:
    """A base URL without a slash at its end.

    Raises:
        DocumentInvalid: it has a query or a fragment.
    """
    if "?" in url or "#" in url:
        message = "the URL of a server has no query and no fragment"
        raise DocumentInvalid(message)
    return url.rstrip("/")


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL in their one spelling.

    Raises:
        DocumentInvalid: it is no URL that can be asked for.
    """
    return _parts(url)[0]


def host_of(url: str) -> str:
    """The host of a URL in its one spelling.

    Raises:
        DocumentInvalid: it is no URL that can be asked for.
    """
    return _parts(url)[1]


def _parts(url: str) -> tuple[str, str]:
    """Origin and host, whether they are public or not."""
    networks = ("0.0.0.0/0", "::/0")
    try:
        target = Targets(allow_private=networks).check_url(url)
    except TargetRefused as error:
        raise DocumentInvalid(str(error)) from error
    return target.origin, target.host


def _variable(name: str, declared: Any, given: Mapping[str, str]) -> str:
    declared = declared if isinstance(declared, dict) else {}
    value = given.get(name, declared.get("default"))
    if not isinstance(value, str | int | float):
        message = f"the variable {name} of the server has no value; give server_variables"
        raise DocumentInvalid(message)
    allowed = declared.get("enum")
    if isinstance(allowed, list) and value not in allowed:
        message = f"the variable {name} of the server is one of {', '.join(map(str, allowed))}"
        raise DocumentInvalid(message)
    return str(value)
