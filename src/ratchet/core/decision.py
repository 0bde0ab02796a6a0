"""The records of a decision: what was known, what was required, what was found, and the verdict.

They are plain JSON and read back equal to themselves, so that any decision can be made again from its own file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ratchet.core.findings import Advice, Comparison, Finite
from ratchet.core.leakage.records import LeakageCheck
from ratchet.core.params import Gate, Task


def _none_if_undefined(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Measured = Annotated[float | None, BeforeValidator(_none_if_undefined)]
"""A metric's value; NaN and infinity become None, so that the record is plain JSON and equal to itself."""


class Evidence(Finite):
    """What is known about a challenger and what it was compared with."""

    task: Task
    metric: str = Field(description="whose loss per row was compared")
    reference: Literal["champion", "baseline"] = Field(description="baseline: a constant predictor")
    champion: int | None = Field(description="the serving version; None: nothing serves yet")
    challenger_is_champion: bool = Field(description="both are the same model file")
    refit: bool = Field(default=False, description="the champion's code and parameters, fitted to newer data")
    comparison: Comparison | None
    no_comparison: str = Field(default="", description="why there is none")
    challenger_metrics: Mapping[str, Measured]
    reference_metrics: Mapping[str, Measured]
    holdout: tuple[str, ...] = Field(description="the batches that judge")
    contaminated: tuple[str, ...] = Field(description="those of them that either model was trained on")
    leakage: LeakageCheck | None = Field(
        default=None, description="what training and holdout share; None: nobody looked, which no challenger passes"
    )


class Condition(Finite):
    """One thing that must hold: what was required, what was found, and when it failed, what would mend it."""

    name: str
    passed: bool
    sentence: str
    remedy: str = ""
    harm: bool = Field(default=False, description="it failed because harm was shown, not because nothing was")
    estimate: Measured = None
    low: Measured = None
    high: Measured = None
    threshold: Measured = None
    rows: int | None = None
    clusters: int | None = None


class Decision(Finite):
    """The verdict with all that it was made from."""

    verdict: Literal["promote", "hold", "reject"]
    reason: str = Field(description="one line in plain words")
    would_change: str = Field(description="what would change the verdict; empty for a promotion")
    missing: Advice | None = Field(description="rows and clusters still needed, if more of them are all it takes")
    conditions: tuple[Condition, ...]
    policy: Gate
    evidence: Evidence
