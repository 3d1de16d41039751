"""Assembly: a document and what the operator says of it become tools."""

import asyncio
from collections.abc import Mapping, Sequence

import attrs

from hookline import ToolSpec
from hookline.outbound import Excess, GuardedClient, Limits, TargetRefused
from hookline_actions.credentials import Reach, signers_of
from hookline_actions.failures import DocumentInvalid
from hookline_actions.kit import Kit
from hookline_actions.naming import tool_names
from hookline_actions.operations import Operation
from hookline_actions.parsing import Parsed, parse
from hookline_actions.reading import read
from hookline_actions.settings import DocumentSettings
from hookline_actions.signing import Signer, choose
from hookline_actions.tool import REPEATABLE, ActionTool, Service


@attrs.frozen(kw_only=True)
class Loaded:
    """A document that is ready to be used.

    Args:
        tools: by name, in the order of the document.
        problems: operations that are not offered, each with the reason.
    """

    name: str
    title: str
    tools: Mapping[str, ActionTool]
    problems: Sequence[str] = ()


async def assemble(
    name: str, text: str, settings: DocumentSettings, kit: Kit, *, source: str = ""
) -> Loaded:
    """Make the tools of a document.

    Args:
        name: of the document.
        text: JSON or YAML.
        settings: what the operator says of it.
        kit: what it is made with.
        source: the URL that it was read from, or empty.

    Raises:
        DocumentInvalid: it cannot be used.
    """
    parsed = await asyncio.to_thread(_parsed, text, settings, kit.settings.document_limit, source)
    reach = Reach(
        allowed=settings.allowed_domains or kit.settings.allowed_domains,
        private=[*kit.settings.allow_private, *settings.allow_private],
    )
    signers = await signers_of(name, parsed, settings.security, kit, reach)
    tools: dict[str, ActionTool] = {}
    problems = [*parsed.problems]
    maker = _Maker(name, settings, kit, reach, signers)
    for tool, operation in zip(
        tool_names(parsed.operations, settings.prefix), parsed.operations, strict=True
    ):
        try:
            tools[tool] = await maker.make(tool, operation)
        except DocumentInvalid as error:
            problems.append(f"{operation.label}: {error}")
    return Loaded(name=name, title=parsed.title, tools=tools, problems=problems)


def _parsed(text: str, settings: DocumentSettings, limit: int, source: str) -> Parsed:
    return parse(read(text, limit=limit), settings, source)


@attrs.frozen
class _Maker:
    """Makes the tools of one document."""

    name: str
    settings: DocumentSettings
    kit: Kit
    reach: Reach
    signers: Mapping[str, Signer]

    async def make(self, name: str, operation: Operation) -> ActionTool:
        """The tool of an operation.

        Raises:
            DocumentInvalid: requests must not go there, or there are no credentials.
        """
        client = await self.kit.client(self.reach.domains(operation.base), self.reach.private)
        try:
            client.targets.check_url(operation.base)
        except TargetRefused as error:
            raise DocumentInvalid(str(error)) from error
        chosen = choose(operation, self.signers)
        if chosen is None:
            schemes = " or ".join(" with ".join(one) for one in operation.security)
            message = f"it needs credentials for {schemes}; give them under security"
            raise DocumentInvalid(message)
        spec = ToolSpec(
            name,
            operation.description,
            operation.schema,
            repeatable=operation.method in REPEATABLE,
        )
        return ActionTool(spec, operation, chosen, self._service(client))

    def _service(self, client: GuardedClient) -> Service:
        given = self.kit.settings
        limits = Limits(
            total=self.settings.timeout or given.timeout,
            size=given.answer_limit,
            excess=Excess.CUT,
            redirects=given.redirects,
        )
        return Service(
            name=self.name,
            client=client,
            limits=limits,
            text_limit=given.text_limit,
            headers=self.settings.headers,
            logger=self.kit.logger,
        )
