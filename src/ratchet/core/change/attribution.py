"""Why a metric moved: the gain shared out over the factors that changed, by Shapley values.

A counterfactual takes some factors (data, code, params) from the change and the others from the base. With the losses
of all of them on the same rows, a factor's part is its effect averaged over every order in which the factors could
have been switched (Shapley, "A value for n-person games", 1953). Such parts sum to the whole, do not depend on an
order, are the same for factors that do the same, and are nothing for a factor that does nothing.

A part is a weighted sum of mean losses, so it is itself the mean of per-row contributions: its interval is theirs.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from itertools import combinations as subsets
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ratchet.core.change.model import real, with_seed_noise
from ratchet.core.change.records import Part
from ratchet.core.clusters import interval
from ratchet.core.findings import Estimate
from ratchet.errors import UsageError

Factor = Literal["data", "code", "params"]
Cause = Literal["dependencies", "data", "code", "params"]
Combination = frozenset[Factor]
"""The factors that come from the change; the others come from the base."""
Floats = NDArray[np.float64]

FACTORS: Final[tuple[Factor, ...]] = ("data", "code", "params")
BASE: Final[Combination] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Losses:
    """(n,) losses of the same held-out rows, by the factors that were switched from the base to the change.

    `recorded` is what the base's model loses as it was recorded, where the libraries changed since: `combined[BASE]`
    is then that of the same inputs run again with today's, and the difference is the libraries' part.
    """

    combined: Mapping[Combination, Floats]
    recorded: Floats | None = None

    @property
    def start(self) -> Floats:
        """What the total is measured from."""
        return self.combined[BASE] if self.recorded is None else self.recorded

    @property
    def gains(self) -> Floats:
        """(n,) what the change saves on each row."""
        return np.asarray(self.start - self.combined[max(self.combined, key=len)], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How the uncertainty of a part is measured: `alpha` is one-sided, `clusters` name rows that fail together.

    `seed_sd` is the standard deviation of the metric over a fit and `seeds` refits; None: it was not measured.
    """

    clusters: ArrayLike | None
    alpha: float
    seed_sd: float | None = None
    seeds: int = 0


def combinations_of(factors: Collection[Factor]) -> tuple[Combination, ...]:
    """Every combination of `factors`, from none of them to all, smaller ones first, in a fixed order."""
    ordered = [factor for factor in FACTORS if factor in factors]
    found = chain.from_iterable(subsets(ordered, size) for size in range(len(ordered) + 1))
    return tuple(frozenset(each) for each in found)


def contributions(losses: Mapping[Combination, Floats]) -> dict[Factor, Floats]:
    """Each factor's (n,) contribution to the gain of every row; they sum to the gain of the row.

    Raises UsageError unless every combination of the factors is there.
    """
    factors = frozenset(chain.from_iterable(losses))
    wanted = combinations_of(factors)
    if missing := [named(each, factors) for each in wanted if each not in losses]:
        raise UsageError(
            f"the gain cannot be shared out: there are no losses of {'; '.join(missing)}",
            next_step="rerun every combination of the factors that changed",
        )
    return {factor: _contribution(factor, losses, len(factors)) for factor in FACTORS if factor in factors}


def share(losses: Losses, noise: Noise) -> tuple[Part, ...]:
    """The parts of the mean gain, the libraries' first. A factor that did not change has none.

    Raises UsageError if a combination is missing, or the rows have no clusters.
    """
    rows: dict[Cause, Floats] = {}
    if losses.recorded is not None:
        rows["dependencies"] = np.asarray(losses.recorded - losses.combined[BASE], dtype=np.float64)
    rows.update(contributions(losses.combined).items())
    return tuple(part(factor, each, noise) for factor, each in rows.items())


def part(factor: Cause, gains: Floats, noise: Noise) -> Part:
    """One part from its (n,) contributions: their mean, with sampling and seed noise together.

    A fit's luck moves its mean loss by `seed_sd`. A part weighs the models with and without its factor by 1 in all on
    either side, so luck adds at most the variance 2 seed_sd²: all of it if the models on one side are the same model,
    less if each has luck of its own. The most is taken. Models that are the same on both sides have no luck at all.
    Few clusters and many seeds could make the two together narrower than sampling alone: then sampling's counts.
    """
    sampled = interval(gains, noise.clusters, alpha=noise.alpha)
    if sampled.value is None:
        raise UsageError(
            f"a model's losses on the held-out rows are not finite, so the part of {factor} is not defined",
            next_step="look for missing scores in data/evaluation/predictions.parquet",
        )
    low, high = _span(sampled, noise if gains.any() else replace(noise, seed_sd=None))
    return Part(factor=factor, gain=sampled.value, low=low, high=high, real=real(low, high))


def named(combination: Combination, factors: Collection[Factor] = FACTORS) -> str:
    """A combination of `factors` in words: 'new data, old code, old params'."""
    words = (f"{'new' if factor in combination else 'old'} {factor}" for factor in FACTORS if factor in factors)
    return ", ".join(words)


def _span(sampled: Estimate, noise: Noise) -> tuple[float | None, float | None]:
    low, high = with_seed_noise(
        sampled, seed_sd=noise.seed_sd or 0.0, seeds=noise.seeds, degrees=sampled.clusters - 1, alpha=noise.alpha
    )
    if low is None or high is None or sampled.low is None or sampled.high is None:
        return None, None
    return min(low, sampled.low), max(high, sampled.high)


def _contribution(factor: Factor, losses: Mapping[Combination, Floats], count: int) -> Floats:
    effects = (
        weight * (losses[without] - losses[without | {factor}]) for without, weight in _weights(factor, losses, count)
    )
    return np.asarray(sum(effects), dtype=np.float64)


def _weights(factor: Factor, losses: Collection[Combination], count: int) -> Iterator[tuple[Combination, float]]:
    """The combinations without the factor, each with the share of all orders in which exactly they come before it."""
    for each in sorted(losses, key=lambda one: (len(one), sorted(one))):
        if factor not in each:
            yield each, math.factorial(len(each)) * math.factorial(count - len(each) - 1) / math.factorial(count)
