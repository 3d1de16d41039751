"""Credentials: what the operator gives for a document's security schemes, ready to sign with."""

from collections.abc import Mapping, Sequence

import attrs

from hookline_actions.failures import DocumentInvalid
from hookline_actions.kit import Kit
from hookline_actions.logins import LoginPlan
from hookline_actions.oauth import ClientSigner, TokenEndpoint
from hookline_actions.parsing import Parsed
from hookline_actions.schemes import OAuthScheme, Scheme, check_credential
from hookline_actions.servers import host_of
from hookline_actions.settings import (
    ClientCredential,
    Credential,
    LoginCredential,
    OAuthCredential,
)
from hookline_actions.signing import FixedSigner, Signer
from hookline_actions.users import LoginSigner


@attrs.frozen(kw_only=True)
class Reach:
    """Where the requests of a document may go: domains, and what need not be public."""

    allowed: Sequence[str]
    private: Sequence[str]

    def domains(self, url: str) -> list[str]:
        """The domains that may be asked, if this URL is asked first: without a list, its own."""
        return list(self.allowed) or [host_of(url)]


async def signers_of(
    name: str, parsed: Parsed, given: Mapping[str, Credential], kit: Kit, reach: Reach
) -> Mapping[str, Signer]:
    """A signer for each scheme that there is a credential for.

    Raises:
        DocumentInvalid: a credential does not fit the document.
    """
    made: dict[str, Signer] = {}
    for scheme_name, credential in given.items():
        scheme = parsed.schemes.get(scheme_name)
        check_credential(scheme_name, scheme, credential)
        scopes = _scopes(scheme_name, parsed)
        maker = _Maker(name, scheme_name, scopes, kit, reach)
        made[scheme_name] = await maker.make(scheme or OAuthScheme(), credential)
    return made


@attrs.frozen
class _Maker:
    """Makes the signer of one scheme of a document."""

    name: str
    scheme: str
    scopes: list[str]
    kit: Kit
    reach: Reach

    async def make(self, scheme: Scheme, credential: Credential) -> Signer:
        match scheme, credential:
            case OAuthScheme(), ClientCredential():
                url = credential.token_url or scheme.client_token_url
                endpoint = await self._endpoint(url, credential)
                return ClientSigner(endpoint, self._wanted(credential))
            case OAuthScheme(), LoginCredential():
                return await self._logins(scheme, credential)
            case _, ClientCredential() | LoginCredential():
                message = f"security.{self.scheme}: this is no scheme of OAuth 2"
                raise DocumentInvalid(message)
            case _:
                return FixedSigner(scheme, credential)

    async def _logins(self, scheme: OAuthScheme, credential: LoginCredential) -> Signer:
        url = credential.token_url or scheme.token_url
        plan = LoginPlan(
            document=self.name,
            scheme=self.scheme,
            authorization_url=credential.authorization_url or scheme.authorization_url,
            token_url=url,
            credential=credential,
            scopes=self._wanted(credential),
            allowed_domains=self._domains(url, credential),
            allow_private=[*self.reach.private],
        )
        return LoginSigner(self.kit.logins, plan, await self._endpoint(url, credential))

    async def _endpoint(self, url: str, credential: OAuthCredential) -> TokenEndpoint:
        return TokenEndpoint(
            name=self.name,
            url=url,
            credential=credential,
            client=await self.kit.client(self._domains(url, credential), self.reach.private),
            clock=self.kit.clock,
        )

    def _domains(self, url: str, credential: OAuthCredential) -> list[str]:
        """Where tokens may be asked for: where the operator says, whatever the list."""
        return [host_of(url)] if credential.token_url else self.reach.domains(url)

    def _wanted(self, credential: OAuthCredential) -> list[str]:
        return self.scopes if credential.scopes is None else credential.scopes


def _scopes(scheme: str, parsed: Parsed) -> list[str]:
    """All scopes that operations of the document need."""
    needed = (
        scope
        for operation in parsed.operations
        for requirement in operation.security
        for scope in requirement.get(scheme, ())
    )
    return list(dict.fromkeys(needed))
