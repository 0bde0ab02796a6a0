"""`gate.leakage`: how much training and holdout may share. The gate rejects what is above."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ratchet.core.section import Section

Part = Annotated[float, Field(ge=0, le=1)]


class Leakage(Section):
    """The most that is allowed of each kind of leakage; 1 allows all of it."""

    duplicates: Part = Field(
        default=0.002, description="share of the judging rows, beyond chance, with features and label of a training row"
    )
    near_duplicates: Part = Field(
        default=0.002, description="the same but for one feature, or but for small differences of numbers"
    )
    keys: Part = Field(
        default=0.001,
        description="share of the judging rows with the key of a training row, unless keys recur in training",
    )
    overlap: Part = Field(
        default=0.01, description="rows in the wrong order of time, training after judging, per judging row"
    )
    feature: Part = Field(default=0.99, description="classes: ROC AUC of one feature alone, or of its being missing")
    correlation: Part = Field(default=0.999, description="numbers: rank correlation of one feature with the label")
