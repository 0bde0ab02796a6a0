"""The section `gate` of `params.yaml`: when a challenger may replace the champion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from ratchet.core.cost_params import PricedBy, PricedName
from ratchet.core.leakage.limits import Leakage
from ratchet.core.section import Name, Section, Share

Level = Annotated[float, Field(gt=0, le=0.5)]
Column = Annotated[str, Field(min_length=1)]
Gap = Literal["demographic_parity_difference", "equalized_odds_difference", "equal_opportunity_difference", "loss_gap"]
"""What may differ between groups: shares of positive predictions, error rates, hit rates, or the mean loss."""
CostName = Literal["latency_p50_ms", "latency_p95_ms", "model_mb"]
"""What a model costs: milliseconds to score one row, and megabytes of its file."""


class Bounds(Section):
    """An absolute range a metric must be shown to lie in."""

    min: float | None = Field(default=None, description="a value below it fails")
    max: float | None = Field(default=None, description="a value above it fails")


class Guardrail(Section):
    """A metric on which the challenger must be shown not to be worse than the reference by more than `max_drop`."""

    max_drop: Annotated[float, Field(ge=0)] = Field(description="the most that may be lost, in the metric's unit")
    alpha: Level = Field(default=0.05, description="one-sided risk of passing a challenger that lost more")


class Slices(Section):
    """Parts of the rows in which the challenger must not be shown to be worse: Holm's correction over all of them."""

    by: tuple[Column, ...] = Field(
        default=(),
        strict=False,  # YAML has lists
        description="features or columns of the rows; each value, or quartile of a number, is a slice",
    )
    alpha: Level = Field(default=0.05, description="risk of refusing an equal challenger by any slice")
    min_rows: Annotated[int, Field(ge=2)] = Field(default=200, description="a slice with fewer rows is not tested")


class CostLimit(Section):
    """How much a model may cost, absolutely and beside the champion measured in the same process."""

    max: Annotated[float, Field(gt=0)] | None = Field(default=None, description="in the cost's own unit")
    vs_champion: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="times what the champion costs; 1.25 allows a quarter more"
    )


class GapLimit(Section):
    """How far groups may differ, absolutely and beside the reference."""

    max: Annotated[float, Field(ge=0)] | None = Field(default=None, description="the largest gap that is allowed")
    max_increase: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="how much larger than the reference's gap it may be"
    )
    alpha: Level = Field(default=0.05, description="one-sided risk of passing a larger gap")


class Reuse(Section):
    """What a second look at the same rows costs. The newest batch is fresh for the first challenger it judges."""

    policy: Literal["ledger", "fresh", "open"] = Field(
        default="open",
        description="ledger: every further challenger is charged to a budget; fresh: only the first one is judged; "
        "open: each spends gate.alpha, and nothing is promised about many",
    )
    alpha: Level = Field(default=0.05, description="ledger: risk of any false promotion over all further challengers")
    runs: Annotated[int, Field(ge=1, le=10_000)] = Field(default=20, description="ledger: further challengers at most")
    max_promotions: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="ledger: promotions at most, before new rows are needed"
    )


class Gate(Section):
    """When a challenger may replace the champion. Closed unless every condition is shown to hold."""

    metric: Name = Field(
        description="a metric with a loss per row: log_loss, brier, squared_error, absolute_error, of a family such "
        "as cost_1_5 and pinball_90, or one that evaluate.costs declares"
    )
    alpha: Level = Field(default=0.10, description="one-sided risk of promoting a challenger that is no better")
    margin: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="0: must be better (superior); above: must not be worse by more (non-inferior)"
    )
    refit_margin: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="the margin where code and parameters are the champion's and only data is newer"
    )
    min_clusters: Annotated[int, Field(ge=2)] = Field(default=7, description="fewer clusters: hold")
    power: Share = Field(default=0.8, description="for the advice on how many more rows are needed")
    min_effect: Annotated[float, Field(gt=0)] = Field(default=0.005, description="smallest gain worth finding")
    floors: dict[Name, Bounds] = Field(default_factory=dict, description="absolute ranges, whoever is champion")
    guardrails: dict[Name, Guardrail] = Field(
        default_factory=dict, description="metrics that must be shown not to be worse than the champion's"
    )
    slices: Slices = Field(default=Slices(), description="parts of the rows in which nothing may get worse")
    fairness: dict[Column, dict[Gap, GapLimit]] = Field(
        default_factory=dict, description="by column of groups: gaps between them"
    )
    costs: dict[CostName, CostLimit] = Field(default_factory=dict, description="latency and size")
    conditions: dict[Name, str] = Field(
        default_factory=dict, description="your own conditions by name, in the language of docs/conditions.md"
    )
    leakage: Leakage = Field(default=Leakage(), description="the most that training and holdout may share")
    reuse: Reuse = Field(default=Reuse(), description="what a second look at the same rows costs")
    priced: SkipJsonSchema[dict[PricedName, PricedBy]] = Field(
        default_factory=dict,
        exclude_if=lambda declared: not declared,
        description="not to be written: `evaluate.costs`, which is part of the policy",
    )

    def margin_for(self, *, refit: bool) -> float:
        """The margin that a challenger is held to: a refit of the champion's recipe on newer data has its own."""
        return self.refit_margin if refit else self.margin

    @model_validator(mode="after")
    def _limits_say_something(self) -> Self:
        for where, limits in self._limits():
            if all(limit is None for limit in limits):
                raise ValueError(f"{where} allows everything: say max, or what it is held against")
        return self

    def _limits(self) -> Iterator[tuple[str, tuple[float | None, ...]]]:
        """Each place that wants a limit, with those that it has."""
        yield from ((f"floors.{name}", (bounds.min, bounds.max)) for name, bounds in self.floors.items())
        yield from ((f"costs.{name}", (limit.max, limit.vs_champion)) for name, limit in self.costs.items())
        for column, gaps in self.fairness.items():
            if not gaps:
                yield f"fairness.{column}", ()
            yield from ((f"fairness.{column}.{gap}", (each.max, each.max_increase)) for gap, each in gaps.items())
