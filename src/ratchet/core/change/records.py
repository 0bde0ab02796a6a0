"""What a change did, as records: the base and the change side by side, what differs between them, and why.

The base is the commit that the change started from, its model the one that `dvc.lock` names there. Both models score
the same held-out rows. The records are plain JSON and read back equal; templates only lay them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from ratchet.core.findings import Estimate, Finite
from ratchet.core.validation.records import Finding

Real = Literal["better", "worse", "within noise", "unknown"]


class MetricChange(Finite):
    """One metric of both models on the same rows, and whether the difference is real."""

    name: str
    meaning: str
    direction: Literal["higher", "lower", "target"]
    base: Estimate | None
    change: Estimate
    gain: Estimate | None = Field(description="of the change over the base, positive is better; sampling noise only")
    seed_sd: float | None = Field(description="standard deviation of the metric over fits with other seeds")
    low: float | None = Field(description="lower bound of the gain with sampling and seed noise together")
    high: float | None = Field(description="upper bound of the gain with sampling and seed noise together")
    real: Real


class ColumnShift(Finite):
    """A column whose distribution in the new rows is not that of the base's rows."""

    table: str
    column: str
    distance: float = Field(description="0: the same, 1: nothing in common (see ratchet.core.change.data)")
    before: str = Field(description="the distribution in a few words: 'mean 10.2, 1% missing'")
    after: str


class SchemaChange(Finite):
    """A column that came, went (None on the side without it) or changed its type; empty: no value says of what type."""

    column: str
    before: str | None
    after: str | None


class ColumnChange(Finite):
    """A column whose cells were edited, or whose distribution in this table is another."""

    column: str
    cells: int = Field(description="cells that differ in rows that both versions have")
    distance: float | None = Field(description="of the two distributions where it is worth telling; 0: the same, 1")
    before: str = Field(description="the distribution in a few words where there is a distance")
    after: str


class BatchChange(Finite):
    """One batch that was added, removed or replaced; rows are matched by the table's key."""

    batch: str
    table: str
    kind: Literal["added", "removed", "changed"]
    rows_before: int
    rows_after: int
    rows_added: int
    rows_removed: int
    rows_edited: int
    label_flips: int | None = Field(description="rows in both whose label differs; None: the table has no label")
    new_categories: Mapping[str, tuple[str, ...]] = Field(
        description="by column: values no base batch has; the commonest where they are many"
    )
    new_category_counts: Mapping[str, int] = Field(
        default_factory=dict, description="by column of new_categories: how many there are; absent: all are named"
    )
    schema_changes: tuple[SchemaChange, ...] = ()
    columns: tuple[ColumnChange, ...] = Field(default=(), description="most edited first; of tables that changed")


class BatchFinding(Finite):
    """What validation found in one batch."""

    batch: str
    finding: Finding


class DataChange(Finite):
    """What happened to the data."""

    batches: tuple[BatchChange, ...]
    shifts: tuple[ColumnShift, ...]
    findings: tuple[BatchFinding, ...] = Field(
        default=(), description="of batches that are new, or that validation sees otherwise than in the base"
    )
    note: str = Field(default="", description="what could not be compared, and why")


class FileChange(Finite):
    """One file of code that differs; lines are None for what is not text."""

    path: str
    lines_added: int | None
    lines_removed: int | None


class ParamChange(Finite):
    """One key of params.yaml; `line` is where it stands in the change's file, None if it is gone."""

    key: str
    old: str | None
    new: str | None
    line: int | None


class DependencyChange(Finite):
    """One locked package; None on the side that does not have it."""

    name: str
    old: str | None
    new: str | None


class StageRun(Finite):
    """What a stage did in this run."""

    name: str
    state: Literal["ran", "restored", "unchanged"] = Field(
        description="ran: computed here; restored: from the run cache; unchanged: up to date in dvc.lock"
    )
    seconds: float | None = Field(description="how long it took, if it ran")
    saved: float | None = Field(description="how long it last took, if it did not have to run; None: not known")
    reasons: tuple[str, ...] = Field(
        description="the dependencies and parameters that differ from the base's; none: its lock is the base's"
    )


class Part(Finite):
    """What one cause contributed to the gain."""

    factor: Literal["dependencies", "data", "code", "params"]
    gain: float = Field(description="positive is better; the parts sum to the attribution's total")
    low: float | None
    high: float | None
    real: Real


class Attribution(Finite):
    """Why the metric moved: the gain shared out by counterfactual reruns, or the reason why it was not."""

    metric: str
    total: float | None
    parts: tuple[Part, ...]
    reruns: int = Field(description="counterfactual pipelines")
    from_cache: int = Field(description="of them, those that trained nothing: the run cache had their model")
    seconds: float
    note: str = Field(default="", description="why there are no parts, and the command that makes them")


class Slice(Finite):
    """A part of the held-out rows on which the two models differ; gains in the gate metric's loss per row."""

    name: str = Field(description="such as 'colour = red' or 'weight above 1,400'")
    rows: int
    base: float
    change: float
    gain: float
    low: float | None = Field(description="simultaneous over all slices looked at")
    high: float | None
    real: Real


class RowChange(Finite):
    """One held-out row that one model gets right and the other wrong; classification only."""

    key: Mapping[str, str]
    actual: str
    base: str
    change: str
    loss: float = Field(description="the change's loss minus the base's on this row")


class Rows(Finite):
    """Where predictions switched, counted, and the worst examples of right that became wrong."""

    broken: int = Field(description="the base was right, the change is wrong")
    mended: int = Field(description="the base was wrong, the change is right")
    worst: tuple[RowChange, ...]


class Importance(Finite):
    """How much loss a model loses when one feature is shuffled, on the same rows; None: it does not use it."""

    feature: str
    base: float | None
    change: float | None


class BatchMetric(Finite):
    """The gate metric on one batch: a fold of the walk forward, or the held-out batches together."""

    batch: str
    base: float | None
    change: float | None
    held_out: bool


class Curve(Finite):
    """Points of a curve, both axes from 0 to 1."""

    name: Literal["roc", "precision_recall", "calibration"]
    model: Literal["base", "change"]
    x: tuple[float, ...]
    y: tuple[float, ...]


class Comparison(Finite):
    """The two models on the same rows."""

    rows: int
    clusters: int | None
    coverage: float = Field(description="of the intervals, such as 0.8")
    loss: str = Field(description="the gate's metric, in which slices, rows and importance are measured")
    metrics: tuple[MetricChange, ...]
    seeds: int = Field(description="refits with other seeds that measured seed noise; 0: it was not measured")
    slices: tuple[Slice, ...] = Field(description="worst first")
    switched: Rows | None = Field(description="None for regression")
    importance: tuple[Importance, ...] = Field(description="largest change first")
    history: tuple[BatchMetric, ...] = Field(description="oldest first")
    curves: tuple[Curve, ...]


class Change(Finite):
    """Everything that a report says about a change against its base."""

    base: str = Field(description="the base's commit")
    head: str = Field(description="the change's commit")
    base_name: str = Field(description="what the base was called, such as main")
    comparison: Comparison | None
    no_comparison: str = Field(default="", description="why the two models were not compared, and what to do")
    data: DataChange
    code: tuple[FileChange, ...]
    params: tuple[ParamChange, ...]
    dependencies: tuple[DependencyChange, ...]
    stages: tuple[StageRun, ...]
    attribution: Attribution | None = Field(description="None where nothing or one thing changed, or no models")
