"""The `promotion` section of params.yaml: phases before a version serves, who may say so, and where it is written."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from ratchet.core.freeze import Window
from ratchet.core.phases import GatePhase, People, Phase, Phases, Roles, expanded, with_names
from ratchet.core.section import Name, Section
from ratchet.core.webhooks import Webhook


class Promotion(Section):
    """What a trained version goes through before it serves, who may say so, and where that is written."""

    alias: Name = Field(default="champion", description="the MLflow alias that follows the ledger")
    branch: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] = Field(
        default="ratchet/ledger", description="the git branch that holds the ledger"
    )
    phases: Phases = Field(
        default=(Phase(gate=GatePhase()),),
        description="in this order: gate, approval, shadow, canary; then it serves",
    )
    teams: dict[Name, People] = Field(default_factory=dict, description="names that stand for several people")
    roles: Roles = Field(default=Roles(), description="who may do what")
    freeze: tuple[Window, ...] = Field(default=(), strict=False, description="days on which nothing is promoted")
    webhooks: tuple[Webhook, ...] = Field(
        default=(), strict=False, description="who is told what happens, as signed JSON"
    )

    @model_validator(mode="after")
    def _the_gate_is_asked(self) -> Self:
        if sum(phase.gate is not None for phase in self.phases) != 1:
            raise ValueError("phases: the gate is one of them, once")
        for phase in self.phases:
            rule = phase.approval
            people = expanded(rule.of, self.teams) if rule else ()
            if rule and people and len(people) < rule.count:
                raise ValueError(f"phases: an approval wants {rule.count} people, and only {', '.join(people)} may")
        return self

    @property
    def named_phases(self) -> tuple[Phase, ...]:
        """The phases, with people instead of teams."""
        return with_names(self.phases, self.teams)

    def may(self, action: str) -> People:
        """Who may do `action` (a field of `roles`), teams taken apart; empty: anybody."""
        return expanded(self.roles.allowed(action), self.teams)
