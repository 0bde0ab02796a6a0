"""What statistics found, as records: numbers with their bounds, a comparison of two models, how much data is missing.

They stand apart from the statistics so that reading a decision does not load numpy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from ratchet.core.section import Section


def _none_if_undefined(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Measured = Annotated[float | None, BeforeValidator(_none_if_undefined)]
"""A number that was measured; NaN and infinity become None, so that the record is plain JSON and equal to itself."""


class Finite(Section):
    """A record whose numbers are numbers; it dumps to plain JSON and reads back equal."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Estimate(Finite):
    """A value between two one-sided bounds; None where the rows do not define it."""

    value: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    rows: int
    clusters: int
    assumed_independent: bool


class MetricRow(Section):
    """One metric: each model's estimate, and the challenger's gain over the reference (positive is better)."""

    name: str
    meaning: str
    direction: str
    models: dict[str, Estimate]
    gain: Estimate | None


class Comparison(Finite):
    """What the challenger gains over the reference, in loss per row; positive is better."""

    gain: float
    low: float | None = Field(description="one-sided lower bound at level alpha; None with a single cluster")
    high: float | None = Field(description="one-sided upper bound at level alpha; None with a single cluster")
    standard_error: float | None
    p_better: float = Field(description="of the hypothesis that the true gain is at most -margin")
    p_worse: float = Field(description="of the hypothesis that the true gain is at least -margin")
    sign_flip: float | None = Field(description="p_better by exact flips of whole clusters; None beyond 12 clusters")
    rows: int
    clusters: int
    assumed_independent: bool = Field(description="no cluster was named: every row is its own")
    design_effect: float | None = Field(
        description="variance of the mean over that of independent rows; None: undefined"
    )
    sd: float = Field(description="standard deviation of a row's gain")
    lag1: float | None = Field(description="correlation of neighbouring clusters' mean gains; high: clusters too fine")
    alpha: float
    margin: float


class Advice(Finite):
    """How much data a decision takes."""

    rows: int
    clusters: int


class SliceGain(Finite):
    """What the challenger gains in one part of the rows, in the gate metric's loss per row; positive is better."""

    column: str
    value: str = Field(description="a category, or a range of numbers")
    gain: Estimate
    p_worse: float | None = Field(description="of the hypothesis that the true gain is at least 0; None: one cluster")


class SliceCheck(Finite):
    """The parts of the rows that were tested, as `gate.slices` names them."""

    min_rows: int
    tested: Mapping[str, int] = Field(description="by column: slices with enough rows; a column that is not here: none")
    too_small: int = Field(description="slices with fewer rows, not tested")
    gains: tuple[SliceGain, ...]


class GroupGap(Finite):
    """How far groups are apart under each model, and by how much more under the challenger."""

    column: str
    gap: str
    groups: Mapping[str, int] = Field(description="rows by group")
    left_out: Mapping[str, int] = Field(default_factory=dict, description="the same, of groups that are too small")
    challenger: Estimate | None
    reference: Estimate | None
    increase: Estimate | None = Field(description="of the gap, challenger over reference; positive is worse")


class Cost(Finite):
    """What scoring costs with each model, measured in one process by turns; None: not measured."""

    challenger: Measured
    reference: Measured
    ratio: Measured = Field(default=None, description="challenger over reference, the median over rounds")
    ratio_high: Measured = Field(default=None, description="upper bound of the ratio over rounds, at 95%")
