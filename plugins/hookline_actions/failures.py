"""What can go wrong with an action."""

from hookline.errors import HooklineError


class DocumentInvalid(HooklineError):
    """An OpenAPI document, or a part of it, cannot be used; the message says where and why."""

    code = "invalid_document"


class ArgumentRefused(HooklineError):
    """An argument cannot be put into a request; the message names it."""

    code = "invalid_argument"


class NotLoggedIn(HooklineError):
    """The user has to log in first.

    Args:
        document: the name of the document.
        url: where.
    """

    code = "not_logged_in"

    def __init__(self, document: str, url: str):
        super().__init__(
            f"The user has to log in to {document} first. Show the user this address: {url} "
            "and ask to try again after that."
        )
        self.url = url


class TokenRefused(HooklineError):
    """A token could not be had. The message repeats no secret.

    Args:
        message: one sentence.
        reason: the server's own code, such as ``invalid_grant``, if it gave one.
    """

    code = "token_refused"

    def __init__(self, message: str, *, reason: str = ""):
        super().__init__(message)
        self.reason = reason
