"""What statistics found, as records: numbers with their bounds, a comparison of two models, how much data is missing.

They stand apart from the statistics so that reading a decision does not load numpy.
"""

from __future__ import annotations

from pydantic import ConfigDict, Field

from ratchet.core.params import Section


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
