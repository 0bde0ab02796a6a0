"""The section `evaluate` of `params.yaml`: how scores become labels, and what decisions cost."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from ratchet.core.cost_params import PricedBy, PricedName, problems
from ratchet.core.section import Section, Share


class Evaluate(Section):
    """How scores become labels, and what decisions cost."""

    threshold: Share = Field(default=0.5, description="binary: a probability at or above it is a positive")
    costs: dict[PricedName, PricedBy] = Field(
        default_factory=dict,
        description="metrics of your own by name, `cost_…` (lower is better) or `profit_…`; docs/metrics.md",
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if problem := next(problems(self.costs), ""):
            raise ValueError(problem)
        return self
