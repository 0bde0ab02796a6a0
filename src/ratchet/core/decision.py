"""The records of a decision: what was known, what was required, what was found, and the verdict.

They are plain JSON and read back equal to themselves, so that any decision can be made again from its own file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from pydantic import Field

from ratchet.core.alpha_ledger import Question
from ratchet.core.alpha_level import Level
from ratchet.core.findings import Advice, Comparison, Cost, Estimate, Finite, GroupGap, Measured, MetricRow, SliceCheck
from ratchet.core.leakage.records import LeakageCheck
from ratchet.core.params import Gate, Task

CHALLENGER: Final = "challenger"
CHAMPION: Final = "champion"
BASELINE: Final = "baseline"


class Provenance(Finite):
    """From what the evidence was made, by content: the same digests, the same evidence."""

    challenger: str = Field(description="SHA-256 of the challenger's model file")
    champion: str | None = Field(description="SHA-256 of the champion's model file; None: nothing serves yet")
    champion_entry: str | None = Field(description="hash of the ledger's entry that put the champion into service")
    code: str = Field(description="digest of the room's code")
    holdout: Mapping[str, str] = Field(description="by batch that judges: a SHA-256 of its features and labels")
    trained_on: Mapping[str, str] = Field(description="by batch the challenger was trained on: that of its features")
    seed: int
    libraries: Mapping[str, str]


class Look(Finite):
    """Which look at the rows that judge this is, and what it may risk; without a level, why there is none."""

    question: Question
    level: Level | None
    problem: str = Field(default="", description="why nothing could be charged; empty: it was")


class Seal(Finite):
    """What a sealed decision stands on: digests of what it keeps to itself, and the budget that is public."""

    evidence: str = Field(description="SHA-256 of data/sealed/evidence.json")
    decision: str = Field(description="SHA-256 of data/sealed/decision.json")
    batches: tuple[str, ...] = Field(description="the sealed batches")
    rows: int
    clusters: int | None = Field(description="None where rows are said to be independent")


class Evidence(Finite):
    """What is known about a challenger and what it was compared with, all on the same rows."""

    task: Task
    metric: str = Field(description="whose loss per row was compared")
    reference: Literal["champion", "baseline"] = Field(description="baseline: a constant predictor")
    champion: int | None = Field(description="the serving version; None: nothing serves yet")
    challenger_is_champion: bool = Field(description="both are the same model file")
    refit: bool = Field(default=False, description="the champion's code and parameters, fitted to newer data")
    comparison: Comparison | None
    no_comparison: str = Field(default="", description="why there is none")
    metrics: tuple[MetricRow, ...] = Field(description="of the challenger and the reference, with the gain")
    slices: SliceCheck | None = Field(default=None, description="None: not asked for, or nobody looked")
    gaps: tuple[GroupGap, ...] = Field(default=(), description="between the groups that gate.fairness names")
    costs: Mapping[str, Cost] = Field(default_factory=dict, description="those that gate.costs names")
    parts: Mapping[str, Estimate] = Field(
        default_factory=dict,
        description="estimates on the parts of the rows that gate.conditions names, by what is asked: "
        "'gain.log_loss[origin = \"EWR\"]'",
    )
    holdout: tuple[str, ...] = Field(description="the batches that judge")
    contaminated: tuple[str, ...] = Field(description="those of them that either model was trained on")
    leakage: LeakageCheck | None = Field(
        default=None, description="what training and holdout share; None: nobody looked, which no challenger passes"
    )
    leakage_open: LeakageCheck | None = Field(
        default=None, description="what training and the open rows share; None where the rows that judge are shown"
    )
    provenance: Provenance | None = Field(default=None, description="None in decisions of before it was kept")
    rules: str = Field(
        default="", description="SHA-256 of the code that decides; empty in decisions of before it was kept"
    )
    look: Look | None = Field(default=None, description="None: gate.reuse.policy is open, or nobody charged for it")

    def estimate(self, metric: str, model: str = CHALLENGER) -> Estimate | None:
        """One model's estimate of a metric, or None if it was not measured."""
        row = next((row for row in self.metrics if row.name == metric), None)
        return row.models.get(model) if row else None

    def gain(self, metric: str) -> Estimate | None:
        """What the challenger gains over the reference by a metric, positive is better; None if not measured."""
        return next((row.gain for row in self.metrics if row.name == metric), None)

    def values(self, model: str = CHALLENGER) -> dict[str, float]:
        """One model's metrics that are defined, by name."""
        found = {row.name: row.models[model].value for row in self.metrics if model in row.models}
        return {name: value for name, value in found.items() if value is not None}


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


def decisive(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """What decides: harm before what was not shown, and where all holds the last one, by which all is asked for."""
    failed = tuple(each for each in conditions if not each.passed)
    return tuple(each for each in failed if each.harm) or failed or tuple(conditions[-1:])


class Decision(Finite):
    """The verdict with all that it was made from."""

    verdict: Literal["promote", "hold", "reject"]
    reason: str = Field(description="one line in plain words")
    would_change: str = Field(description="what would change the verdict; empty for a promotion")
    missing: Advice | None = Field(description="rows and clusters still needed, if more of them are all it takes")
    conditions: tuple[Condition, ...]
    policy: Gate
    policy_digest: str = Field(
        default="", description="SHA-256 of the policy; empty in decisions of before it was kept"
    )
    evidence: Evidence
    seal: Seal | None = Field(default=None, description="set where the evidence is kept back: it is told in part only")
