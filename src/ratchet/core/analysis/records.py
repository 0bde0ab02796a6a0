"""What an analysis found, as records: plain JSON that reads back equal. Pages only lay them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from ratchet.core.findings import Estimate, Finite
from ratchet.core.params import Task

Order = Literal["oldest first", "newest first"]
Unit = Literal["log-odds", "score", "probability", "target"]
"""What contributions are counted in; of scores the softmax over classes is the probability."""


class FoldEstimates(Finite):
    """One fold of walking forward: trained on everything before a batch, scored on it."""

    batch: str = Field(description="the batch that was scored")
    rows: int = Field(description="rows that were scored; 0: not known, as it was not fitted again")
    values: Mapping[str, float | None] = Field(description="by metric; None: undefined on these rows")
    intervals: Mapping[str, Estimate] = Field(description="by metric; empty: the fold was not fitted again")
    note: str = Field(default="", description="why there is no interval, or no value at all")


class LearningPoint(Finite):
    """The same recipe, trained on a part of the training rows and scored on the analysed rows."""

    order: Order = Field(description="which end of the training rows the part starts from")
    rows: int = Field(description="training rows")
    first: str = Field(description="the batch of the first row")
    last: str = Field(description="the batch of the last row")
    loss: Estimate | None
    lag: Estimate | None = Field(
        description="its loss less that of the model trained on all rows, row by row; above 0: more rows helped"
    )
    note: str = Field(default="", description="why it has no score")


class FeatureCost(Finite):
    """What the model loses when a feature's values are dealt anew among the rows."""

    feature: str
    cost: Estimate


class Dependence(Finite):
    """What the model predicts on average, and for single rows, were a feature the same in every row."""

    feature: str
    kind: Literal["number", "category"]
    label: str = Field(description="the class whose probability it is; empty for a regression")
    grid: tuple[float | str, ...]
    average: tuple[float, ...]
    single: tuple[tuple[float, ...], ...] = Field(description="a line for each of a few rows (ICE)")
    shares: tuple[float, ...] = Field(
        description="of rows: a category's own, a number's that lie nearest; in the order of the grid"
    )
    missing: float | None = Field(description="the average prediction were it missing everywhere; None: it never is")
    left_out: int = Field(default=0, description="rarer categories that are not in the grid")


class PairDependence(Finite):
    """The average prediction were two features the same in every row."""

    features: tuple[str, str]
    label: str
    grids: tuple[tuple[float | str, ...], tuple[float | str, ...]]
    average: tuple[tuple[float, ...], ...] = Field(description="by the first grid, then by the second")


class SeedBand(Finite):
    """How far metrics scatter over fits with other seeds."""

    sd: Mapping[str, float]
    seeds: int = Field(description="refits beside the fit itself; 0: not measured")
    from_cache: int = 0
    note: str = ""


class Analysis(Finite):
    """`analysis.json`: the model that the last run made, on rows it was not trained on."""

    project: str
    task: Task
    target: str
    metric: str
    coverage: float = Field(description="of all intervals")
    model: str = Field(description="SHA-256 of the model file")
    estimator: str
    trained_rows: int
    trained_batches: tuple[str, ...]
    batches: tuple[str, ...] = Field(description="the analysed ones")
    rows: int
    clusters: int | None
    loss: Estimate = Field(description="of the model on the analysed rows")
    folds: tuple[FoldEstimates, ...]
    spread: Mapping[str, Mapping[str, float | None]] = Field(description="over folds, by metric: mean and sd")
    learning: tuple[LearningPoint, ...]
    learning_note: str = Field(default="", description="where the time was up, if it was")
    importance: tuple[FeatureCost, ...] = Field(description="the costliest first")
    importance_rows: int
    repeats: int
    dependence: tuple[Dependence, ...]
    dependence_rows: int
    pairs: tuple[PairDependence, ...]
    seeds: SeedBand


class Contribution(Finite):
    """What one feature adds to one prediction."""

    feature: str
    value: float | str | None = Field(description="the feature's value in the row; None: missing")
    amount: float = Field(description="in the explanation's unit")


class Explanation(Finite):
    """One prediction taken apart: `base` and all contributions sum to `margin`."""

    row: str = Field(description="its key, or its place in the file")
    batch: str = Field(default="", description="where it is from; empty: a file")
    trained_on: bool = Field(default=False, description="the model has learned from this very row")
    label: str = Field(description="the class that is explained; empty for a regression")
    unit: Unit
    base: float = Field(description="the prediction of the average row, in `unit`")
    margin: float = Field(description="the prediction, in `unit`")
    prediction: float = Field(description="the probability of `label`, or the value")
    base_prediction: float = Field(description="the base as a probability, or the value")
    contributions: tuple[Contribution, ...] = Field(description="the largest first")


class Explanations(Finite):
    """`explanation.json`: single predictions of the model that the last run made."""

    project: str
    target: str
    model: str = Field(description="SHA-256 of the model file")
    estimator: str
    method: str = Field(description="how contributions were computed, in a few words")
    explained: tuple[Explanation, ...]
    left_out: int = Field(default=0, description="further rows that were asked for")
    notes: tuple[str, ...] = Field(default=(), description="what schema.yaml warns of in the rows of a file")
