"""``[plugins.actions]``."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Seconds = Annotated[float, Meta(gt=0, le=3_600)]
Bytes = Annotated[int, Meta(ge=1)]
DocumentName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Prefix = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,20}$")]


class ApiKeyCredential(Struct, frozen=True, forbid_unknown_fields=True, tag="api_key"):
    """A key in a header, a query parameter or a cookie, wherever the document says."""

    value: str


class BasicCredential(Struct, frozen=True, forbid_unknown_fields=True, tag="basic"):
    """HTTP basic authentication."""

    username: str
    password: str = ""


class BearerCredential(Struct, frozen=True, forbid_unknown_fields=True, tag="bearer"):
    """A bearer token that does not change."""

    token: str


class ClientCredential(Struct, frozen=True, forbid_unknown_fields=True, tag="client_credentials"):
    """OAuth 2: the server logs in as itself. Scopes and URLs are the document's unless given."""

    client_id: str
    client_secret: str
    token_url: str = ""
    scopes: list[str] | None = None
    client_auth: Literal["basic", "body"] = "basic"
    parameters: Mapping[str, str] = {}


class LoginCredential(Struct, frozen=True, forbid_unknown_fields=True, tag="authorization_code"):
    """OAuth 2 with PKCE: every user logs in. Scopes and URLs are the document's unless given."""

    client_id: str
    client_secret: str = ""
    authorization_url: str = ""
    token_url: str = ""
    scopes: list[str] | None = None
    client_auth: Literal["basic", "body"] = "basic"
    parameters: Mapping[str, str] = {}


Credential = (
    ApiKeyCredential | BasicCredential | BearerCredential | ClientCredential | LoginCredential
)
OAuthCredential = ClientCredential | LoginCredential


class DocumentSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[plugins.actions.documents.<name>]``.

    Args:
        document: a path, a URL, or the text itself.
        base_url: instead of the document's ``servers``.
        server_variables: for the variables of ``servers``.
        prefix: stands before the names of all operations.
        operations: the only ones that are offered, by ``operationId`` or ``GET /path``.
        security: credentials by the name of the document's security scheme.
        headers: sent with every request.
    """

    document: str = ""
    base_url: str = ""
    server_variables: Mapping[str, str] = {}
    allowed_domains: list[str] = []
    allow_private: list[str] = []
    prefix: Prefix = ""
    operations: list[str] = []
    security: Mapping[str, Credential] = {}
    headers: Mapping[str, str] = {}
    timeout: Seconds | None = None


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be set. Times in seconds, sizes in bytes.

    Args:
        documents: OpenAPI documents, by name.
        allowed_domains: the only hosts that requests go to; none for all public ones.
        allow_private: addresses, networks and names that need not be public.
        public_url: of this server, as browsers reach it; for logging in.
        timeout: of a request, from its beginning to the last byte of the answer.
        answer_limit: of an answer, beyond which it is cut.
        text_limit: characters of an answer that the model is given.
        document_limit: of an OpenAPI document.
        redirects: that are followed.
        refresh: how often the store is asked for new documents, and a URL is tried again.
        login_expiry: of a link for logging in.
    """

    documents: Mapping[DocumentName, DocumentSettings] = field(default_factory=dict)
    allowed_domains: list[str] = []
    allow_private: list[str] = []
    public_url: str = ""
    timeout: Seconds = 30.0
    answer_limit: Bytes = 5_000_000
    text_limit: Bytes = 50_000
    document_limit: Bytes = 5_000_000
    redirects: Annotated[int, Meta(ge=0, le=10)] = 3
    refresh: Seconds = 10.0
    login_expiry: Seconds = 600.0
