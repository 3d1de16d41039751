"""Policy: what no agent may do, whoever wrote it."""

from hookline.agents import Agent
from hookline.config import PolicyConfig
from hookline.errors import ProviderForbidden


def check_provider(policy: PolicyConfig, agent: Agent) -> None:
    """Let pass agents all of whose models are of providers that are allowed. Seed 8.1 and W10.

    Raises:
        ProviderForbidden: one of them is not; the message names it.
    """
    if policy.allowed_providers is None:
        return
    asked = [agent.provider, *(choice.provider for choice in agent.fallbacks)]
    if agent.summary is not None:
        asked.append(agent.summary.provider)
    for provider in asked:
        if provider not in policy.allowed_providers:
            message = (
                f"agent {agent.id} uses the provider {provider}, which [policy] allowed_providers "
                "does not allow"
            )
            raise ProviderForbidden(message)
