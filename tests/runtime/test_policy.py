"""Which providers agents may use. Source: the seed's 8.1 and its fault W10."""

from typing import Any

import pytest

from hookline.administration import Administration
from hookline.agents import Agent, ModelChoice, Summary
from hookline.config import PolicyConfig
from hookline.errors import ProviderForbidden
from hookline.policy import check_provider
from support.offices import ROOT, Office, in_office
from support.runtimes import ListedModel, answer, opened, run

LOCAL = PolicyConfig(allowed_providers=["local"])
FAR = ModelChoice(provider="far", model="m")
ELSEWHERE: list[dict[str, Any]] = [
    {"provider": "far"},
    {"fallbacks": [FAR]},
    {"summary": Summary(provider="far", model="m")},
]


def helper(**fields: Any) -> Agent:
    """An agent that runs a local model."""
    return Agent(**{"id": "helper", "provider": "local", "model": "m", **fields})


@pytest.mark.parametrize("fields", ELSEWHERE)
def test_every_model_counts(fields: dict[str, Any]) -> None:
    """The agent's own, those that stand in for it, and the one that sums up."""
    with pytest.raises(ProviderForbidden, match=r"agent helper uses the provider far"):
        check_provider(LOCAL, helper(**fields))


@pytest.mark.parametrize("fields", [{}, *ELSEWHERE])
def test_without_a_list_all_are_allowed(fields: dict[str, Any]) -> None:
    """``None`` is no list."""
    check_provider(PolicyConfig(), helper(**fields))


def test_what_is_on_the_list_is_allowed() -> None:
    """By its exact name."""
    check_provider(LOCAL, helper(fallbacks=[ModelChoice(provider="local", model="n")]))


def test_an_empty_list_allows_nothing() -> None:
    """It is a list."""
    with pytest.raises(ProviderForbidden):
        check_provider(PolicyConfig(allowed_providers=[]), helper())


def test_such_an_agent_cannot_be_saved() -> None:
    """Neither created, nor changed to be so, nor brought back."""

    async def work(office: Office) -> list[Any]:
        agents = office.administration.agents
        refused = []
        kept = await agents.create(ROOT, helper(provider="far"))
        await agents.replace(ROOT, helper())
        agents = Administration(office.store, policy=LOCAL).agents
        for attempt in (
            agents.create(ROOT, helper(id="other", provider="far")),
            agents.replace(ROOT, helper(provider="far")),
            agents.revert(ROOT, "helper", kept.version),
        ):
            with pytest.raises(ProviderForbidden) as raised:
                await attempt
            refused.append(raised.value.code)
        found = await office.store.agents.get("helper")
        return [*refused, found and found.version, await office.store.agents.get("other")]

    assert in_office(work) == [*["provider_not_allowed"] * 3, 2, None]


def test_such_an_agent_is_not_run() -> None:
    """An agent of the config is the operator's, and so is the list: the list wins."""
    model = ListedModel([])

    async def work() -> None:
        async with opened(model, tables={"policy": {"allowed_providers": ["far"]}}) as runtime:
            await answer(runtime)

    with pytest.raises(ProviderForbidden):
        run(work)
    assert model.requests == []
