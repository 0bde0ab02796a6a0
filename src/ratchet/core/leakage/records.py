"""What was measured about leakage, as records of the evidence: numbers, and a few rows where a limit is passed.

They hold no verdict: `condition` compares them with `gate.leakage`, so that a decision can be made again from them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ratchet.core.findings import Finite

EXAMPLES = 5
"""Rows that a finding shows at most."""
STRONGEST = 5
"""Features that are recorded, those that tell most of the label."""


Names = tuple[tuple[str, str], ...]
"""What tells a row, each with its value, in an order that JSON keeps."""


class Pair(Finite):
    """A judging row and the training row it is held against, each by its batch, key and what else tells it."""

    holdout: Names
    training: Names = Field(default=(), description="empty where no training row takes part")


class Shared(Finite):
    """Judging rows with a counterpart among the training rows."""

    rows: int = Field(description="judging rows that have one")
    expected: float = Field(description="how many of them chance, or the key's nature, gives at most")
    but: str = Field(default="", description="what may differ between the two")
    shown: tuple[Pair, ...] = ()


class Disorder(Finite):
    """Rows that keep training from ending before judging begins."""

    rows: int = Field(description="the fewest rows without which all of training lies before all that judges")
    newest_training: str = Field(description="the time of the newest training row")
    oldest_holdout: str = Field(description="the time of the oldest judging row")
    shown: tuple[Pair, ...] = ()


class Telling(Finite):
    """How much of the label one feature alone tells."""

    feature: str
    by: Literal["value", "absence"] = Field(description="absence: whether the feature is missing")
    value: float = Field(description="classes: ROC AUC, 0.5 to 1; numbers: correlation, 0 to 1")
    rows: int = Field(description="rows it was measured on: those that judge, if they are few with newest of training")
    shown: tuple[Pair, ...] = ()


class LeakageCheck(Finite):
    """Everything that was looked for between training and holdout.

    `disorder` is None where rows have no time, and where they were dealt from among those that train, so that their
    order says nothing: `among_training`.
    """

    rows: int = Field(description="judging rows")
    training_rows: int
    exact: Shared = Field(description="same features and label")
    near: Shared = Field(description="same but for one feature, or but for small differences of numbers; not exact")
    keys: Shared = Field(description="same key")
    disorder: Disorder | None
    among_training: bool = Field(default=False, description="the rows have a time, and training goes on around them")
    telling: tuple[Telling, ...] = Field(description="the features that tell most of the label, the strongest first")
