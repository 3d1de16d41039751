"""Security schemes: how a document says that requests prove who sends them."""

from collections.abc import Mapping
from typing import Any

import attrs

from hookline_actions.failures import DocumentInvalid
from hookline_actions.operations import Place
from hookline_actions.references import References
from hookline_actions.settings import (
    ApiKeyCredential,
    BasicCredential,
    BearerCredential,
    ClientCredential,
    Credential,
    LoginCredential,
)


@attrs.frozen(kw_only=True)
class ApiKeyScheme:
    """A key in a header, a query parameter or a cookie."""

    place: Place
    name: str


@attrs.frozen
class BasicScheme:
    """HTTP basic authentication."""


@attrs.frozen
class BearerScheme:
    """A bearer token."""


@attrs.frozen(kw_only=True)
class OAuthScheme:
    """OAuth 2, with what the document says of its two flows; empty where it has none."""

    authorization_url: str = ""
    token_url: str = ""
    client_token_url: str = ""


@attrs.frozen
class OtherScheme:
    """A scheme that cannot be served, by its name in the document."""

    type: str


Scheme = ApiKeyScheme | BasicScheme | BearerScheme | OAuthScheme | OtherScheme


def schemes_of(document: Mapping[str, Any], references: References) -> Mapping[str, Scheme]:
    """The security schemes of a document, by name.

    Raises:
        DocumentInvalid: one of them is no object.
    """
    components = document.get("components")
    declared = components.get("securitySchemes") if isinstance(components, dict) else None
    if not isinstance(declared, dict):
        return {}
    return {name: _scheme(references.resolve(value)) for name, value in declared.items()}


def _scheme(value: Mapping[str, Any]) -> Scheme:
    type_, name = str(value.get("type", "")), value.get("name")
    places = {place.value: place for place in (Place.HEADER, Place.QUERY, Place.COOKIE)}
    if type_ == "apiKey" and isinstance(name, str) and value.get("in") in places:
        return ApiKeyScheme(place=places[value["in"]], name=name)
    if type_ == "http" and str(value.get("scheme", "")).lower() == "basic":
        return BasicScheme()
    if type_ == "http" and str(value.get("scheme", "")).lower() == "bearer":
        return BearerScheme()
    if type_ == "oauth2":
        return _oauth(value.get("flows"))
    if type_ == "openIdConnect":
        return OAuthScheme()
    return OtherScheme(type_)


def _oauth(flows: Any) -> OAuthScheme:
    def url(flow: str, name: str) -> str:
        inner = flows.get(flow) if isinstance(flows, dict) else None
        found = inner.get(name) if isinstance(inner, dict) else None
        return found if isinstance(found, str) else ""

    return OAuthScheme(
        authorization_url=url("authorizationCode", "authorizationUrl"),
        token_url=url("authorizationCode", "tokenUrl"),
        client_token_url=url("clientCredentials", "tokenUrl"),
    )


def check_credential(name: str, scheme: Scheme | None, credential: Credential) -> None:
    """Raise ``DocumentInvalid`` unless this is a credential for this scheme, with its URLs."""
    match scheme, credential:
        case (ApiKeyScheme(), ApiKeyCredential()) | (BasicScheme(), BasicCredential()):
            return
        case (BearerScheme() | OAuthScheme(), BearerCredential()):
            return
        case (OAuthScheme(client_token_url=url), ClientCredential(token_url=given)) if url or given:
            return
        case (OAuthScheme() as scheme, LoginCredential() as credential) if (
            scheme.token_url or credential.token_url
        ) and (scheme.authorization_url or credential.authorization_url):
            return
        case (OAuthScheme(), ClientCredential() | LoginCredential()):
            message = f"security.{name}: the document does not say where tokens are; give token_url"
            raise DocumentInvalid(message)
        case (None, _):
            message = f"security.{name}: the document has no security scheme of this name"
            raise DocumentInvalid(message)
        case _:
            kind = type(credential).__struct_config__.tag
            message = f"security.{name}: {kind!r} is no credential for this scheme"
            raise DocumentInvalid(message)
