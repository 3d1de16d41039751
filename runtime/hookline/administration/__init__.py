"""Changing what a store holds: checked, atomic, and written down in the audit."""

from hookline.administration.actor import Actor
from hookline.administration.agents import AgentAdministration
from hookline.administration.documents import DocumentAdministration
from hookline.administration.grants import GrantAdministration, GrantChange, GrantOutcome
from hookline.administration.keys import KeyAdministration
from hookline.administration.office import Administration

__all__ = [
    "Actor",
    "Administration",
    "AgentAdministration",
    "DocumentAdministration",
    "GrantAdministration",
    "GrantChange",
    "GrantOutcome",
    "KeyAdministration",
]
