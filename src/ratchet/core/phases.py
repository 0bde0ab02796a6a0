"""What a model version goes through before it serves, in the order a team wants: gate, approvals, shadow, canary.

A phase is either answered by people (`approval`), by what is known when the version is registered (`gate`), or by rows
that the version scores beside the champion while it answers nobody (`shadow`) or some (`canary`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self, cast

from pydantic import Field, GetJsonSchemaHandler, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import CoreSchema

from ratchet.core.section import Section, Share
from ratchet.errors import did_you_mean

PhaseName = Literal["gate", "approval", "shadow", "canary"]
People = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)]


class GatePhase(Section):
    """The gate says promote, or somebody took what failed upon themselves (`ratchet gate override`)."""


class Approval(Section):
    """People say yes: `count` different ones of `of`, none of whom made the change."""

    count: Annotated[int, Field(ge=1, le=20)] = Field(default=1, description="how many must approve")
    of: People = Field(default=(), description="who may: names, or teams of promotion.teams; empty: anybody")
    not_author: bool = Field(default=True, description="whoever made the change does not count")
    expires_days: Annotated[float, Field(gt=0)] = Field(default=14.0, description="after which an approval is void")


class Stretch(Section):
    """How long something is watched: until `rows` were scored and `days` have passed, where either is said."""

    rows: Annotated[int, Field(ge=1)] | None = Field(default=None, description="rows that must have been scored")
    days: Annotated[float, Field(gt=0)] | None = Field(default=None, description="days that must have passed")
    max_failed: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="share of the rows that it may fail to score where the champion does not"
    )

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.rows is None and self.days is None:
            raise ValueError("say rows, days or both: when is it over?")
        return self


class Shadow(Stretch):
    """Scores what the champion scores, and answers nobody."""


class Canary(Stretch):
    """Answers a share of the requests. It ends at once if the rows whose labels are in show that it is worse.

    The test is valid at whatever moment it is looked at (`core.eprocess`).
    """

    share: Share = Field(default=0.1, description="share of the requests that it answers")
    labels: Annotated[int, Field(ge=0)] = Field(default=0, description="rows whose labels must have come back")
    alpha: Share = Field(default=0.05, description="risk of ending one that is not worse")
    margin: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="worse by less than this, in the gate's metric per row, is not held against it"
    )


Rule = GatePhase | Approval | Shadow | Canary


class Phase(Section):
    """One phase: exactly one of its keys is there. `gate` alone may be written for `{gate: {}}`."""

    gate: GatePhase | None = Field(default=None, description="the gate says promote; written `gate`")
    approval: Approval | None = Field(default=None, description="people say yes")
    shadow: Shadow | None = Field(default=None, description="scores what the champion scores, and answers nobody")
    canary: Canary | None = Field(default=None, description="answers a share of the requests")

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, tree: object) -> object:
        if isinstance(tree, str):
            if tree not in cls.model_fields:
                known = ", ".join(cls.model_fields)
                raise ValueError(f"no phase is called {tree!r}{did_you_mean(tree, cls.model_fields)}; known: {known}")
            return {tree: {}}
        return tree

    @model_validator(mode="after")
    def _one(self) -> Self:
        named = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"a phase is one of {', '.join(type(self).model_fields)}, not {len(named)} of them")
        return self

    @model_serializer(mode="wrap")
    def _what_is_there(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: rule for name, rule in dump(self).items() if rule is not None}

    @property
    def name(self) -> PhaseName:
        """Which one it is."""
        found = next(name for name in type(self).model_fields if getattr(self, name) is not None)
        return cast("PhaseName", found)

    @property
    def rule(self) -> Rule:
        """What it asks for."""
        found: Rule = getattr(self, self.name)
        return found


class _OrName:
    """For editors: a name alone will do."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(Phase.model_fields)}, handler(core)]}


Phases = Annotated[tuple[Annotated[Phase, _OrName()], ...], Field(strict=False)]
"""In their order, each once written `gate` or `{approval: {…}}`; YAML has lists."""


class Roles(Section):
    """Who may do what, by name or by a team of promotion.teams; an empty list: anybody who can write to the ledger."""

    train: People = Field(default=(), description="register what was trained as a candidate")
    approve: People = Field(default=(), description="approve, reject, hold and release")
    promote: People = Field(default=(), description="promote, and advance through shadow and canary")
    rollback: People = Field(default=(), description="go back to what served before")
    freeze: People = Field(default=(), description="freeze and thaw")
    erase: People = Field(default=(), description="erase batches")

    def allowed(self, action: str) -> People:
        """Who may do it. Raises AttributeError for what is no role."""
        found: People = getattr(self, action)
        return found


def expanded(people: Iterable[str], teams: Mapping[str, People]) -> People:
    """Names with each team's members in its place, each once.

    >>> expanded(["ana", "risk"], {"risk": ("bob", "ana")})
    ('ana', 'bob')
    """
    named = (member for name in people for member in teams.get(name, (name,)))
    return tuple(dict.fromkeys(named))


def with_names(phases: Iterable[Phase], teams: Mapping[str, People]) -> tuple[Phase, ...]:
    """The phases with people instead of teams: as a registration keeps them, whatever the teams become."""
    return tuple(_named(phase, teams) for phase in phases)


def _named(phase: Phase, teams: Mapping[str, People]) -> Phase:
    if phase.approval is None:
        return phase
    return phase.model_copy(
        update={"approval": phase.approval.model_copy(update={"of": expanded(phase.approval.of, teams)})}
    )
