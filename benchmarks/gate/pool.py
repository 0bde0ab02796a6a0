"""A pool of models per data set: refits of one recipe and of others, with their scores on the whole population.

Experiments draw models and rows from it instead of training: thousands of decisions then take seconds. The pool is
fitted once and kept in the cache folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate.data import Dataset, Floats, Ints

Rows = NDArray[np.intp] | slice
KINDS = ("base", "half", "slow", "small", "tuned", "overfit", "dropped", "logistic")
CLIP = 1e-15
"""As ratchet.core.metrics has it."""


@dataclass(frozen=True, kw_only=True)
class PoolSize:
    """How many refits of the recipe, how many of each other kind, how many rows each is fitted to, how many trees."""

    base: int = 60
    others: int = 8
    rows: int = 40_000
    trees: int = 100


@dataclass(frozen=True)
class Pool:
    """The population of a data set: (m, n) probabilities of m models for n rows, and what the rows are."""

    name: str
    columns: tuple[str, ...]
    features: Floats
    target: Ints
    days: Ints | None
    kinds: tuple[str, ...]
    scores: NDArray[np.float32]

    def of(self, *kinds: str) -> Ints:
        """The numbers of the models of these kinds."""
        return np.flatnonzero(np.isin(self.kinds, kinds)).astype(np.int64)

    def probabilities(self, model: int, rows: Rows) -> Floats:
        """(r,) probabilities of the positive class for some rows."""
        chances: Floats = self.scores[model, rows].astype(np.float64)
        return chances

    @cached_property
    def truth(self) -> Floats:
        """(m,) log loss of each model over the whole population: which of two models is truly better."""
        everyone = slice(None)
        losses = (log_losses(self.target, self.probabilities(one, everyone)).mean() for one in self.models)
        return np.fromiter(losses, dtype=np.float64)

    @cached_property
    def standard(self) -> Floats:
        """(n, k) features in units of their spread, at most 3 apart from the mean; missing at the mean."""
        found = (self.features - np.nanmean(self.features, axis=0)) / (np.nanstd(self.features, axis=0) + 1e-12)
        scaled: Floats = np.clip(np.nan_to_num(found), -3, 3)
        return scaled

    @property
    def models(self) -> range:
        """The numbers of all models."""
        return range(len(self.kinds))

    @property
    def rows(self) -> int:
        """How many rows the population has."""
        return len(self.target)


def log_losses(target: Ints, probabilities: Floats) -> Floats:
    """(..., n) log loss of each row for (..., n) probabilities of the positive class."""
    likelihood = np.where(target == 1, probabilities, 1 - probabilities)
    losses: Floats = -np.log(np.clip(likelihood, CLIP, 1))
    return losses


def fit_pool(dataset: Dataset, *, seed: int, size: PoolSize) -> Pool:
    """Fit every model of the pool to bootstrap samples of the past, and score the population."""
    kinds = tuple(kind for kind in KINDS for _ in range(size.base if kind == "base" else size.others))
    random = np.random.default_rng(seed)
    past, future = np.flatnonzero(dataset.past), ~dataset.past
    sample = size.rows if len(past) > 100_000 else size.rows // 2  # a small past would give nearly equal refits
    population = dataset.features[future]
    scores = np.empty((len(kinds), len(population)), dtype=np.float32)
    for number, kind in enumerate(kinds):
        rows = random.choice(past, sample // 2 if kind == "half" else sample)
        scores[number] = fit(kind, dataset, rows, trees=size.trees, seed=number)(population)
    return Pool(
        name=dataset.name,
        columns=dataset.columns,
        features=population,
        target=dataset.target[future],
        days=None if dataset.days is None else dataset.days[future],
        kinds=kinds,
        scores=scores,
    )


def fit(kind: str, dataset: Dataset, rows: NDArray[np.intp], *, trees: int, seed: int) -> Callable[[Floats], Floats]:
    """Fit one model of a kind to some rows; returns what gives (n,) probabilities for (n, k) features."""
    features, target = dataset.features[rows], dataset.target[rows]
    kept = [at for at, name in enumerate(dataset.columns) if kind != "dropped" or name not in dataset.dropped]
    model = logistic(dataset) if kind == "logistic" else trees_of(kind, trees, seed)
    model.fit(features[:, kept], target)

    def probabilities(rows: Floats) -> Floats:
        chances: Floats = model.predict_proba(rows[:, kept])[:, 1]
        return chances

    return probabilities


def trees_of(kind: str, trees: int, seed: int) -> Any:
    """The recipe, boosted trees, or a variant of it."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    variants: Mapping[str, Mapping[str, Any]] = {
        "slow": {"learning_rate": 0.03},
        "small": {"max_iter": max(1, trees // 4)},
        "tuned": {"max_iter": 2 * trees, "learning_rate": 0.05, "l2_regularization": 1.0, "min_samples_leaf": 50},
        "overfit": {"max_iter": 2 * trees, "learning_rate": 0.2, "max_leaf_nodes": 63},
    }
    recipe = {"max_iter": trees, "learning_rate": 0.1, "early_stopping": False, "random_state": seed}
    return HistGradientBoostingClassifier(**{**recipe, **variants.get(kind, {})})


def logistic(dataset: Dataset) -> Any:
    """Logistic regression on one-hot categories and standardised numbers."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    named = [at for at, name in enumerate(dataset.columns) if name in dataset.categories]
    numbers = [at for at, name in enumerate(dataset.columns) if name not in dataset.categories]
    rare = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=0.01)
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_pipeline(make_column_transformer((rare, named), (scaled, numbers)), LogisticRegression(max_iter=300))
