"""What every permission backend must do. A suite for pytest, to be subclassed.

::

    class TestMyBackend(PermissionContract):
        token = "a token that the backend below knows"

        def open(self, tmp_path):
            return MyBackend(...)
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from itertools import product
from pathlib import Path
from typing import get_args

import attrs

from hookline.grants import RESOURCE_KINDS, ResourceKind
from hookline.permissions import (
    Credentials,
    Forgetful,
    Permission,
    PermissionBackend,
    Principal,
    ResourceFilter,
)
from hookline.roles import FEATURES

QUESTIONS: Sequence[tuple[Permission, ResourceKind]] = list(
    product(get_args(Permission), RESOURCE_KINDS)
)
"""Each permission on each kind of resource."""

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

    def test_a_principal_has_known_features(self, tmp_path: Path) -> None:
        """What its role may do is a frozen set of features that there are; so are its groups."""

        async def check(backend: PermissionBackend) -> None:
            principal = await self._principal(backend)

            assert isinstance(principal.features, frozenset)
            assert set() == principal.features - set(FEATURES)
            assert isinstance(principal.groups, frozenset)
            assert principal.role
            assert principal.agents is None or isinstance(principal.agents, frozenset)

        _run(check, self.open(tmp_path))

    def test_every_permission_has_an_answer(self, tmp_path: Path) -> None:
        """Each permission on each kind of resource is answered with a filter, always the same."""

        async def check(backend: PermissionBackend) -> None:
            principal = await self._principal(backend)
            first, second = [await _answers(backend, principal) for _ in range(2)]

            assert first == second
            assert {ResourceFilter} == {type(answer) for answer in first.values()}
            assert all(isinstance(a.ids, frozenset | None) for a in first.values())

        _run(check, self.open(tmp_path))

    def test_limits_of_credentials_add_nothing(self, tmp_path: Path) -> None:
        """Who is limited to some agents, or may only read, may do nothing that it may not without.

        The server takes away what lies outside of the limits, whatever the backend answers.
        """

        async def check(backend: PermissionBackend) -> None:
            principal = await self._principal(backend)
            free = attrs.evolve(principal, agents=None, read_only=False)
            widest = await _answers(backend, free)
            for agents in (frozenset[str](), frozenset({"hookline-contract"})):
                limited = attrs.evolve(free, agents=agents, read_only=True)
                for asked, answer in (await _answers(backend, limited)).items():
                    assert answer & widest[asked] == answer

        _run(check, self.open(tmp_path))

    def test_a_stranger_is_answered(self, tmp_path: Path) -> None:
        """A principal that another backend let in is no error."""

        async def check(backend: PermissionBackend) -> None:
            stranger = Principal(user="hookline-contract-stranger", features=frozenset())

            assert len(QUESTIONS) == len(await _answers(backend, stranger))

        _run(check, self.open(tmp_path))

    def test_requests_at_once_get_one_answer(self, tmp_path: Path) -> None:
        """Many requests with one token at the same moment are the same principal."""

        async def check(backend: PermissionBackend) -> None:
            asked = (backend.authenticate(Credentials(self.token)) for _ in range(32))
            answers = await asyncio.gather(*asked)

            assert len(set(answers)) == 1
            assert None not in answers

        _run(check, self.open(tmp_path))

    def test_questions_at_once_get_one_answer(self, tmp_path: Path) -> None:
        """What somebody may do is the same for many who ask at once, also while others ask."""

        async def check(backend: PermissionBackend) -> None:
            principal = await self._principal(backend)
            other = attrs.evolve(principal, user="hookline-contract-stranger")
            expected = [await _answers(backend, each) for each in (principal, other)]
            asked = [_answers(backend, each) for _ in range(16) for each in (principal, other)]

            assert expected * 16 == await asyncio.gather(*asked)

        _run(check, self.open(tmp_path))

    def test_who_goes_away_takes_nobody_with_it(self, tmp_path: Path) -> None:
        """Requests that are cancelled while they wait do not fail those that go on."""

        async def check(backend: PermissionBackend) -> None:
            tasks = [asyncio.create_task(self._principal(backend)) for _ in range(8)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()

            assert len(set(await asyncio.gather(*tasks[1::2]))) == 1

        _run(check, self.open(tmp_path))

    def test_what_is_forgotten_is_looked_up_again(self, tmp_path: Path) -> None:
        """Being told that permissions changed loses nothing, at any moment."""

        async def check(backend: PermissionBackend) -> None:
            principal = await self._principal(backend)
            answers = await _answers(backend, principal)
            if isinstance(backend, Forgetful):
                asking = asyncio.create_task(self._principal(backend))
                await asyncio.sleep(0)
                backend.forget()

                assert principal == await asking
            assert principal == await self._principal(backend)
            assert answers == await _answers(backend, principal)

        _run(check, self.open(tmp_path))

    async def _principal(self, backend: PermissionBackend) -> Principal:
        principal = await backend.authenticate(Credentials(self.token))
        assert principal is not None, "the backend does not know its own token"
        return principal


async def _answers(
    backend: PermissionBackend, principal: Principal
) -> Mapping[tuple[Permission, ResourceKind], ResourceFilter]:
    return {
        (permission, kind): await backend.allowed(principal, permission, kind)
        for permission, kind in QUESTIONS
    }


def _run(check: Callable[[PermissionBackend], Awaitable[None]], backend: PermissionBackend) -> None:
    async def entered() -> None:
        async with AsyncExitStack() as stack:
            if isinstance(backend, AbstractAsyncContextManager):
                await stack.enter_async_context(backend)
            await check(backend)

    asyncio.run(entered())
