"""What can go wrong, as far as a caller can act on it.

::

    HooklineError
    ├── ConfigError               the config file, an environment variable or a plugin's settings
    ├── PluginError               a plugin that the server cannot start without
    ├── RecordRejected            a usage recorder can never take an entry
    ├── RequestError              the request is at fault; nothing has run
    │   ├── InvalidRequest        a field is wrong or cannot be honoured
    │   │   └── FileTooLarge      a file has more bytes than one may have
    │   ├── Unauthenticated       no key, or not a valid one
    │   ├── AgentNotFound         no such agent
    │   ├── AccessDenied          the agent exists, the caller may not use it
    │   ├── ProviderForbidden     the agent's provider is not among those that are allowed
    │   ├── ContextTooLong        what the model has to read cannot be made to fit
    │   ├── NotPermitted          the caller's role or key does not allow this kind of request
    │   ├── NotFound              what an administrator named is not there
    │   ├── VersionConflict       another version is there than the change was made for
    │   ├── RunBusy               somebody else decides on the run at this moment
    │   └── AdmissionRefused      a usage recorder refused to let the run begin
    ├── Unavailable               the server cannot answer now; try again
    │   ├── StoreUnavailable      the store does not answer
    │   ├── PartUnavailable       a permission backend or usage recorder failed
    │   └── ShuttingDown          no new runs
    └── RunError                  the run began and could not go on
        ├── ToolUnavailable       a tool's definition or the tool itself could not be had
        ├── DeadlineExceeded      the run took longer than it may
        └── ProviderError         the model provider failed
            ├── ProviderRefused   it answered with an error status, which is kept
            │   └── ContextOverflow  what it was given to read is more than its model can
            ├── ProviderTimeout   it did not answer in time
            └── ProviderBroken    it could not be reached, or its answer could not be read

Each class has a ``code``. The API maps codes to statuses in one table; ``hookline.errors`` knows
no HTTP, except for the status that an upstream gave and that is passed on.
"""

from typing import ClassVar

from hookline.quotas import Quota


class HooklineError(Exception):
    """The root of the tree. ``str(error)`` is one sentence that names the thing and the remedy."""

    code: ClassVar[str] = "internal_error"


class ConfigError(HooklineError):
    """A setting is wrong; the message names the source, the key and what was expected."""

    code = "invalid_config"


class PluginError(HooklineError):
    """A plugin that must not be missing failed; the server does not start."""

    code = "plugin_failed"


class RequestError(HooklineError):
    """The request cannot be answered as it is."""

    code = "invalid_request"


class InvalidRequest(RequestError):
    """A field of the request is wrong.

    Args:
        message: one sentence.
        param: the field, as a path such as ``messages[0].role``.
        reason: the wire's ``code``, such as ``unsupported_value``; most errors have none.
    """

    def __init__(self, message: str, *, param: str | None = None, reason: str | None = None):
        super().__init__(message)
        self.param = param
        self.reason = reason


class FileTooLarge(InvalidRequest):
    """A file has more bytes than ``[files] limit`` says."""

    code = "file_too_large"


class Unauthenticated(RequestError):
    """The caller did not prove who it is. ``reason`` is the wire's ``code``."""

    code = "unauthenticated"

    def __init__(self, message: str, *, reason: str = "invalid_api_key"):
        super().__init__(message)
        self.reason = reason


class AgentNotFound(RequestError):
    """No agent has the id that the request names as ``model``."""

    code = "model_not_found"


class AccessDenied(RequestError):
    """The agent exists, and the caller may not use it."""

    code = "access_denied"


class ProviderForbidden(RequestError):
    """An agent uses a provider that ``[policy] allowed_providers`` does not allow."""

    code = "provider_not_allowed"


class ContextTooLong(RequestError):
    """What the model has to read does not fit into its context, whatever is left out."""

    code = "context_length_exceeded"


class NotPermitted(RequestError):
    """The caller's role, or the key it came with, does not allow this kind of request at all."""

    code = "permission_denied"


class NotFound(RequestError):
    """What an administrator's request names is not there."""

    code = "not_found"


class VersionConflict(RequestError):
    """A change was made for another version than the one that is there; nothing was changed.

    Args:
        id_: of the document.
        current: the version that is there; 0 if there is none.
    """

    code = "version_conflict"

    def __init__(self, id_: str, current: int):
        found = f"has version {current} now" if current else "does not exist"
        super().__init__(f"{id_} {found}, which this change was not made for; read it again")
        self.current = current


class RunBusy(RequestError):
    """Somebody else decides on the run at this moment."""

    code = "run_busy"

    def __init__(self, run: str):
        super().__init__(f"somebody else decides on {run} at this moment; look at it again")


class AdmissionRefused(RequestError):
    """A usage recorder refused the run, for want of money or because a limit is reached.

    Args:
        message: one sentence, with the balance or the limit.
        retry_after: seconds after which trying again makes sense; ``None`` when only paying helps.
        quota: the limits that it falls under, for the headers ``x-ratelimit-*``.
    """

    code = "insufficient_quota"

    def __init__(
        self, message: str, *, retry_after: float | None = None, quota: Quota | None = None
    ):
        super().__init__(message)
        self.retry_after = retry_after
        self.quota = quota


class RecordRejected(HooklineError):
    """A usage recorder can never take this entry; asking again is of no use."""

    code = "record_rejected"


class Unavailable(HooklineError):
    """The server cannot answer now; the same request may succeed later."""

    code = "unavailable"


class StoreUnavailable(Unavailable):
    """The store does not answer."""

    code = "store_unavailable"


class PartUnavailable(Unavailable):
    """A permission backend or a usage recorder failed, so the request is refused."""

    code = "part_unavailable"


class ShuttingDown(Unavailable):
    """The server is about to stop and takes no new runs."""

    code = "shutting_down"


class RunError(HooklineError):
    """The run began and could not go on."""

    code = "run_failed"


class ToolUnavailable(RunError):
    """A tool that the agent names could not be had."""

    code = "tool_unavailable"


class DeadlineExceeded(RunError):
    """The run, or a call into a part, took longer than it may."""

    code = "deadline_exceeded"


class ProviderError(RunError):
    """The model provider failed.

    Args:
        message: what the upstream said, without secrets.
        status: the HTTP status it answered with, if it answered.
        reason: the upstream's own error code, if it gave one.
        retry_after: seconds, if the upstream asked for a pause.
    """

    code = "provider_error"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        reason: str | None = None,
        retry_after: float | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class ProviderRefused(ProviderError):
    """The upstream answered with an error status."""

    code = "provider_refused"


class ContextOverflow(ProviderRefused):
    """What the upstream was given to read is more than its model can."""

    code = "context_length_exceeded"


class ProviderTimeout(ProviderError):
    """The upstream did not connect, begin or go on in time."""

    code = "provider_timeout"


class ProviderBroken(ProviderError):
    """The upstream could not be reached, or its answer could not be understood."""

    code = "provider_broken"
