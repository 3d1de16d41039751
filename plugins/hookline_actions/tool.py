"""The tool that an operation becomes."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from structlog.typing import FilteringBoundLogger

from hookline import Tool, ToolResult, ToolSpec
from hookline.outbound import Fetched, GuardedClient, Limits, OutboundError
from hookline.scope import CallScope
from hookline_actions.answers import result_of
from hookline_actions.failures import ArgumentRefused, NotLoggedIn, TokenRefused
from hookline_actions.operations import Operation
from hookline_actions.requests import Request, build
from hookline_actions.signing import Signed, Signer, sign_all

REPEATABLE = frozenset({"GET", "HEAD"})
"""Methods that only read. Source: RFC 9110, 9.2.1."""


@attrs.frozen(kw_only=True)
class Service:
    """What the tools of one document share.

    Args:
        headers: sent with every request; secrets, perhaps.
        text_limit: characters of an answer that the model is given.
    """

    name: str
    client: GuardedClient
    limits: Limits
    text_limit: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    logger: FilteringBoundLogger = attrs.field(repr=False)


class ActionTool(Tool):
    """Asks a server what the operation says. Whatever goes wrong is told to the model as text."""

    def __init__(
        self, spec: ToolSpec, operation: Operation, signers: Sequence[Signer], service: Service
    ):
        self.spec = spec
        self.operation = operation
        self._signers = signers
        self._service = service

    async def call(self, arguments: Mapping[str, Any], scope: CallScope) -> ToolResult:
        """Send the request, once more with new credentials if they were refused."""
        try:
            request = self._prepared(build(self.operation, arguments), scope)
            signed = await sign_all(self._signers, request, scope.principal.user)
            fetched, secrets = await self._send(signed), signed.secrets
            if fetched.status == 401 and await self._renew(signed, scope):
                signed = await sign_all(self._signers, request, scope.principal.user)
                fetched, secrets = await self._send(signed), (*secrets, *signed.secrets)
        except ArgumentRefused as error:
            return ToolResult(f"The request was not sent: {error}", failed=True)
        except OutboundError as error:
            return ToolResult(f"The request failed: {error}", failed=True)
        except (NotLoggedIn, TokenRefused) as error:
            return ToolResult(str(error), failed=True)
        log = self._service.logger
        log.info("action.called", tool=self.spec.name, run=scope.run, status=fetched.status)
        return result_of(
            fetched,
            method=self.operation.method,
            limit=self._service.text_limit,
            secrets=(*secrets, *self._service.headers.values()),
        )

    def _prepared(self, request: Request, scope: CallScope) -> Request:
        headers = {**request.headers, **self._service.headers}
        if self.operation.method not in REPEATABLE and scope.effect:
            headers["Idempotency-Key"] = scope.effect
        return attrs.evolve(request, headers=headers)

    async def _send(self, signed: Signed) -> Fetched:
        request, service = signed.request, self._service
        return await service.client.request(
            request.method,
            request.whole_url,
            headers=request.all_headers,
            body=request.body,
            limits=service.limits,
        )

    async def _renew(self, signed: Signed, scope: CallScope) -> bool:
        renewed = [await one.renew(scope.principal.user, signed) for one in self._signers]
        return any(renewed)
