"""A small world of batches with a shared fate of each day, and a trial of two models in it by the real evaluation.

A fault is planted in the batches, in a model or in the policy, before anything is measured; the evidence is whatever
training, scoring, the search for leaks, metrics, slices, gaps and costs make of it.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from ratchet.core.comparison import Comparison, compare
from ratchet.core.decision import CHALLENGER, CHAMPION, Evidence, Look, Provenance
from ratchet.core.estimators import build_pipeline
from ratchet.core.evaluation import evaluate
from ratchet.core.evidence.asked import costs_asked
from ratchet.core.evidence.gaps import group_gaps
from ratchet.core.evidence.parts import part_estimates
from ratchet.core.evidence.rows import JudgedRows, Pair
from ratchet.core.evidence.slices import slice_check
from ratchet.core.feature_table import describe_features, model_inputs
from ratchet.core.gate_params import Bounds, GapLimit, Gate, Guardrail, Slices
from ratchet.core.leakage.finding import find
from ratchet.core.leakage.records import LeakageCheck
from ratchet.core.leakage.rows import Rows
from ratchet.core.manifest import digest_of
from ratchet.core.metrics import row_losses
from ratchet.core.model_record import Feature
from ratchet.core.params import Features, Model
from ratchet.core.scoring import Predictor, score
from ratchet.errors import UsageError
from ratchet.io.model_costs import Costed, measure_costs

Floats = NDArray[np.float64]

LINEAR = "logistic_regression"
DAYS, PER_DAY = 14, 120
ALL, OLD = ("x", "y", "hour", "site", "group"), ("x", "hour", "site")
"""What the challenger and the champion are trained on: y is what the challenger has found."""
ESTIMATORS: Mapping[str, dict[str, Any]] = {
    "logistic_regression": {},
    "random_forest": {"n_estimators": 300, "max_depth": 6},
}
POLICY = Gate(
    metric="log_loss",
    floors={"roc_auc": Bounds(min=0.6), "calibration_slope": Bounds(min=0.6, max=1.5)},
    guardrails={"roc_auc": Guardrail(max_drop=0.02)},
    slices=Slices(by=("site",), min_rows=100),
    fairness={"group": {"loss_gap": GapLimit(max_increase=0.08)}},
    conditions={"evenings": "gain.log_loss[hour >= 18] > -0.02"},
)


@dataclass(frozen=True, eq=False)
class Batch:
    """One month of labelled rows, in the order of time."""

    name: str
    features: pd.DataFrame
    target: NDArray[np.bool_]
    day: NDArray[np.str_]
    key: NDArray[np.int64]
    time: NDArray[np.datetime64]

    def rows(self) -> Rows:
        """As the search for leaks reads it."""
        return Rows(
            features=pa.Table.from_pandas(self.features, preserve_index=False),
            target=pa.chunked_array([pa.array(self.target)]),
            keys=pa.table({"id": self.key}),
            time=pa.chunked_array([pa.array(self.time.astype("datetime64[us]"))]),
            timed_key=False,
            batches=((self.name, len(self.target)),),
        )

    def take(self, places: NDArray[Any]) -> Batch:
        """Some of the rows."""
        return Batch(
            self.name, self.features.iloc[places].reset_index(drop=True), self.target[places], self.day[places],
            self.key[places], self.time[places],
        )  # fmt: skip

    def feature(self, **values: Any) -> Batch:
        """With other values of a feature, or a new one."""
        return replace(self, features=self.features.assign(**values))

    def digest(self) -> str:
        """What tells the content."""
        return hashlib.sha256(pd.util.hash_pandas_object(self.features).to_numpy().tobytes()).hexdigest()


def batch(month: int, seed: int) -> Batch:
    """A month whose label follows x, y, the site and what happened that day."""
    rng, rows = np.random.default_rng([seed, month]), DAYS * PER_DAY
    day = np.repeat(np.arange(DAYS), PER_DAY)
    site = rng.choice(["A", "B", "C", "D"], p=[0.42, 0.27, 0.18, 0.13], size=rows)
    x, y = rng.normal(size=(2, rows))
    sites = pd.Series(site).map({"A": 0.0, "B": 0.4, "C": -0.4, "D": 0.6}).to_numpy()
    odds = 1.2 * x + 1.1 * y + sites + rng.normal(scale=0.3, size=DAYS)[day]
    hour = rng.integers(0, 24, size=rows).astype(np.float64)
    group = rng.choice(["a", "b"], p=[0.6, 0.4], size=rows)
    start = np.datetime64(f"2020-{month:02}-01T00:00:00")
    return Batch(
        f"2020-{month:02}",
        pd.DataFrame({"x": x, "y": y, "hour": hour, "site": site, "group": group}),
        rng.random(rows) < 1 / (1 + np.exp(-odds)),
        (start.astype("datetime64[D]") + day).astype(str),
        np.arange(rows) + 100_000 * month,
        start + day * np.timedelta64(86_400, "s") + np.sort(rng.integers(0, 80_000, size=rows)),
    )


@cache
def months(seed: int) -> tuple[Batch, ...]:
    """Three batches that train, and the one that judges."""
    return tuple(batch(month, seed) for month in (1, 2, 3, 4))


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model with its inputs: the real preprocessing and a real estimator."""

    pipeline: Predictor
    inputs: Sequence[Feature]

    def digest(self) -> str:
        """What tells the model."""
        return hashlib.sha256(pickle.dumps(self.pipeline)).hexdigest()


@cache
def fit(batches: tuple[Batch, ...], columns: tuple[str, ...], estimator: str) -> Fitted:
    """Train on all rows of the batches."""
    features = pd.concat([each.features for each in batches], ignore_index=True)[list(columns)]
    inputs = describe_features(features)
    model = Model(estimator=estimator, params=ESTIMATORS[estimator])
    pipeline = build_pipeline(inputs, task="binary", features=Features(), model=model)
    target = np.concatenate([each.target for each in batches]).astype(np.int64)
    return Fitted(pipeline.fit(model_inputs(features, inputs), target), inputs)


@cache
def leaks(judging: Batch, training: tuple[Batch, ...]) -> LeakageCheck:
    """What they share."""
    return find(judging.rows(), [each.rows() for each in training], task="binary", limits=POLICY.leakage)


def odds_of(scores: Floats) -> Floats:
    """The log odds of the positive."""
    return np.log(scores[:, 1] / scores[:, 0])


def scored(odds: Floats) -> Floats:
    """Two columns of probabilities from log odds."""
    positive = 1 / (1 + np.exp(-odds))
    return np.column_stack([1 - positive, positive])


Change = Callable[[Floats, Batch], Floats]
"""Scores or log odds of the rows that judge become others."""


def _as_is(scores: Floats, _judged: Batch) -> Floats:
    return scores


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What trains, what judges, two models and a policy; a fault is a trial with one of them spoilt."""

    training: tuple[Batch, ...]
    judging: Batch
    history: tuple[Batch, ...]
    folder: Path
    columns: tuple[str, ...] = ALL
    old: tuple[str, ...] = OLD
    estimator: str = "logistic_regression"
    said: Change = _as_is
    said_before: Change = _as_is
    reference: Literal["champion", "baseline"] = "champion"
    version: int | None = 3
    seen: Mapping[str, str] = field(default_factory=dict)
    policy: Gate = POLICY
    opened: Batch | None = None
    looks: Callable[[Evidence, Gate], Look | None] = lambda _evidence, _policy: None

    def changed(self, **known: Any) -> Trial:
        """With another part."""
        return replace(self, **known)

    def ruled(self, **known: Any) -> Trial:
        """With another policy."""
        return replace(self, policy=self.policy.model_copy(update=known))

    def saying(self, change: Change) -> Trial:
        """The challenger's log odds become others."""
        return replace(self, said=lambda scores, judged: scored(change(odds_of(scores), judged)))

    def judged(self, change: Callable[[Batch], Batch]) -> Trial:
        """The rows that judge are others."""
        return replace(self, judging=change(self.judging))

    def trained(self, change: Callable[[Batch], Batch]) -> Trial:
        """The rows that train the challenger are others."""
        return replace(self, training=tuple(change(each) for each in self.training))

    def evidence(self) -> Evidence:
        """Train, score, measure. Raises UsageError or DataRefused where a project's run would end with it."""
        challenger, champion = fit(self.training, self.columns, self.estimator), fit(self.history, self.old, LINEAR)
        scores = {
            CHALLENGER: self.said(self._scores(challenger), self.judging),
            self.reference: self.reference_scores(),
        }
        pair = Pair(reference=self.reference, challenger=CHALLENGER)
        target = self.judging.target.astype(np.int64)
        rows = JudgedRows(
            task="binary", target=target, scores=scores, clusters=self.judging.day, table=self.judging.features
        )
        comparison, reason = self._compared(rows, pair)
        made = self._provenance(challenger, champion)
        seen = {*made.trained_on, *made.trained_on.values(), *self.seen, *self.seen.values()}
        evidence = Evidence(
            task="binary",
            metric=self.policy.metric,
            reference=self.reference,
            champion=self.version,
            challenger_is_champion=made.challenger == made.champion,
            comparison=comparison,
            no_comparison=reason,
            metrics=tuple(
                evaluate("binary", target, scores, clusters=rows.clusters, pair=pair, alpha=self.policy.alpha)
            ),
            slices=slice_check(rows, self.policy, pair),
            gaps=group_gaps(rows, self.policy, pair),
            costs=measure_costs(
                costs_asked(self.policy, "binary"),
                self._costed(challenger, CHALLENGER),
                self._costed(champion, CHAMPION),
            ),
            parts=part_estimates(rows, self.policy, pair),
            holdout=tuple(made.holdout),
            contaminated=tuple(name for name, digest in made.holdout.items() if {name, digest} & seen),
            leakage=leaks(self.judging, self.training),
            leakage_open=leaks(self.opened, self.training) if self.opened else None,
            provenance=made,
        )
        return evidence.model_copy(update={"look": self.looks(evidence, self.policy)})

    def reference_scores(self) -> Floats:
        """What the champion says, or the constant."""
        before = self._constant()
        if self.reference == CHAMPION:
            before = self._scores(fit(self.history, self.old, LINEAR))
        return self.said_before(before, self.judging)

    def _scores(self, model: Fitted) -> Floats:
        return score(model.pipeline, "binary", model_inputs(self.judging.features, model.inputs))

    def _constant(self) -> Floats:
        share = float(np.concatenate([each.target for each in self.training]).mean())
        return np.tile([1 - share, share], (len(self.judging.target), 1))

    def _compared(self, rows: JudgedRows, pair: Pair) -> tuple[Comparison | None, str]:
        try:
            reference, challenger = (row_losses(self.policy.metric, rows.target, rows.scores[name]) for name in pair)
            return compare(reference, challenger, rows.clusters, alpha=self.policy.alpha, margin=self.policy.margin), ""
        except UsageError as error:
            return None, error.message

    def _provenance(self, challenger: Fitted, champion: Fitted) -> Provenance:
        return Provenance(
            challenger=challenger.digest(),
            champion=champion.digest() if self.version is not None else None,
            champion_entry=digest_of(self.version) if self.version is not None else None,
            code=digest_of("code"),
            holdout={self.judging.name: self.judging.digest()},
            trained_on={each.name: each.digest() for each in self.training},
            seed=0,
            libraries={},
        )

    def _costed(self, model: Fitted, name: str) -> Costed:
        file = self.folder / name
        file.write_bytes(pickle.dumps(model.pipeline))
        features = model_inputs(self.judging.features, model.inputs)
        return Costed(pipeline=model.pipeline, task="binary", inputs=model.inputs, features=features, file=file)


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Trial]:
    """A trial with nothing wrong, by its seed: the challenger knows a feature more than the champion."""
    folder = tmp_path_factory.mktemp("models")

    def trial(seed: int) -> Trial:
        *training, judging = months(seed)
        return Trial(training=tuple(training), judging=judging, history=tuple(training), folder=folder)

    return trial
