"""What every permission backend must do. A suite for pytest, to be subclassed.

::

    class TestMyBackend(PermissionContract):
        token = "a token that the backend below knows"

        def open(self, tmp_path):
            return MyBackend(...)
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from itertools import product
from pathlib import Path
from typing import get_args

from hookline.grants import ResourceKind
from hookline.permissions import (
    Credentials,
    Permission,
    PermissionBackend,
    Principal,
    ResourceFilter,
)

UNKNOWN = ("", " ", "hk-unknown", "hk-" + "0" * 64, "snow \N{SNOWMAN}", "x" * 100_000, "a\0b")


class PermissionContract:
    """Subclass it, name a token, and say how your backend is made."""

    token: str

    def open(self, tmp_path: Path) -> PermissionBackend:
        """A backend that knows ``token``; it is entered if it is a context manager.

        No event loop runs when this is called.
        """
        raise NotImplementedError

    def test_a_known_token_names_its_principal(self, tmp_path: Path) -> None:
        """Who shows a valid token is somebody, the same every time."""

        async def check(backend: PermissionBackend) -> None:
            first, second = [await self._principal(backend) for _ in range(2)]

            assert first.user
            assert first == second

        _run(check, self.open(tmp_path))

    def test_an_unknown_token_is_nobody(self, tmp_path: Path) -> None:
        """A token that was never given out is no error and no principal, however odd it is."""

        async def check(backend: PermissionBackend) -> None:
            for token in (*UNKNOWN, self.token + "x", self.token[:-1]):
                assert await backend.authenticate(Credentials(token)) is None

        _run(check, self.open(tmp_path))

    def test_a_principal_holds_no_secret(self, tmp_path: Path) -> None:
        """The token shows neither in the principal nor in the credentials' representation."""

        async def check(backend: PermissionBackend) -> None:
            principal = await self._principal(backend)

            assert self.token not in repr(principal)
            assert self.token not in repr(Credentials(self.token))

        _run(check, self.open(tmp_path))

    def test_every_permission_has_an_answer(self, tmp_path: Path) -> None:
        """Each permission on each kind of resource is answered with a filter."""

        async def check(backend: PermissionBackend) -> None:
            principal = await self._principal(backend)
            for permission, kind in product(get_args(Permission), get_args(ResourceKind)):
                answer = await backend.allowed(principal, permission, kind)
                assert isinstance(answer, ResourceFilter)

        _run(check, self.open(tmp_path))

    def test_requests_at_once_get_one_answer(self, tmp_path: Path) -> None:
        """Many requests with one token at the same moment are the same principal."""

        async def check(backend: PermissionBackend) -> None:
            asked = (backend.authenticate(Credentials(self.token)) for _ in range(32))
            answers = await asyncio.gather(*asked)

            assert len(set(answers)) == 1
            assert None not in answers

        _run(check, self.open(tmp_path))

    async def _principal(self, backend: PermissionBackend) -> Principal:
        principal = await backend.authenticate(Credentials(self.token))
        assert principal is not None, "the backend does not know its own token"
        return principal


def _run(check: Callable[[PermissionBackend], Awaitable[None]], backend: PermissionBackend) -> None:
    async def entered() -> None:
        async with AsyncExitStack() as stack:
            if isinstance(backend, AbstractAsyncContextManager):
                await stack.enter_async_context(backend)
            await check(backend)

    asyncio.run(entered())
