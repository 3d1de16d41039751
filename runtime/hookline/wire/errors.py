"""The one shape of every error that leaves the server. Source: OpenAI's ``ErrorResponse``."""

from msgspec import Struct


class ErrorDetail(Struct, frozen=True):
    """What went wrong; ``param`` names the field at fault, ``code`` the kind, if there is one."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(Struct, frozen=True):
    """The body of an error, and of the last event of a stream that failed."""

    error: ErrorDetail
