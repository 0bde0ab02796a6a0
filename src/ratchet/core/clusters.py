"""Means and metrics with intervals that know which rows fail together.

Rows of one cluster (a day, a customer) share one fate, so the cluster is what counts as one observation: the ratio
estimator's standard error over whole clusters, and Student's t with one degree of freedom less than there are
clusters (Cochran, "Sampling Techniques", 1977, ch. 9; Cameron and Miller, J. Human Resources 50, 2015).
Intervals run from one lower to one upper one-sided bound at level alpha: together they cover 1 - 2 alpha.
A number that the data leaves undefined (a standard error from one cluster) is None, and never evidence of anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ratchet.core.findings import Estimate
from ratchet.errors import UsageError

Floats = NDArray[np.float64]

LARGEST = 1e290
"""A loss beyond it would overflow when it is summed; nothing measured is that large."""
JACKKNIFE_GROUPS = 64
"""More clusters are left out in that many groups of neighbours: the statistic is computed once per group."""


@dataclass(frozen=True)
class Groups:
    """Each row's cluster as a number from 0, in the order of the clusters' values; `independent`: none was named."""

    codes: NDArray[np.intp]
    count: int
    independent: bool = False


@dataclass(frozen=True, kw_only=True)
class Replicates:
    """A statistic of all rows (`value`), and without each of `groups` in turn; none is left out of a single group."""

    value: float
    left_out: Floats
    whole: Groups
    groups: Groups


def interval(losses: Floats, clusters: ArrayLike | None = None, *, alpha: float) -> Estimate:
    """The mean of one model's (n,) losses with its cluster-t interval; undefined if a loss is not finite.

    Raises UsageError on no rows, a missing cluster, or a bad level.
    """
    check_level(alpha)
    values = row_values(losses, "model")
    groups = group(clusters, len(values))
    if not usable(values).all():
        return _interval(math.nan, None, groups, groups, alpha)
    return _interval(float(values.mean()), standard_error(values, groups), groups, groups, alpha)


def jackknife(
    statistic: Callable[..., float],
    arrays: Sequence[NDArray[Any]],
    clusters: ArrayLike | None = None,
    *,
    alpha: float,
) -> Estimate:
    """Any `statistic(*arrays)` with its delete-one-cluster jackknife t interval (Efron, 1982, ch. 3).

    The arrays have one entry (or row) per row: (target, scores) for one model's metric, (target, reference scores,
    challenger scores) for a difference. Beyond 64 clusters, or with independent rows, neighbours are left out in
    groups (Kott, J. Official Statistics 17, 2001). Bounds are None where the statistic is undefined without one
    of them. Raises UsageError on arrays of unequal length or no rows.
    """
    return jackknifed(replicates(statistic, arrays, clusters), alpha=alpha)


def replicates(
    statistic: Callable[..., float],
    arrays: Sequence[NDArray[Any]],
    clusters: ArrayLike | None = None,
    *,
    part: Callable[[NDArray[np.bool_]], float] | None = None,
) -> Replicates:
    """What `jackknife` needs of `statistic`: two models' replicates give those of a difference without computing again.

    `part` gives the statistic of the rows that an (n,) mask chooses, where there is a shorter way than to choose them
    from the arrays. Raises UsageError on arrays of unequal length or no rows.
    """
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1 or 0 in lengths:
        raise refused(f"arrays of {', '.join(str(len(array)) for array in arrays)} rows are not the same rows")
    whole = group(clusters, len(arrays[0]))
    groups = _merged(whole)
    kept = (groups.codes != one for one in range(groups.count if groups.count > 1 else 0))
    of = part or (lambda rows: statistic(*(array[rows] for array in arrays)))
    left_out = np.array([of(rows) for rows in kept], dtype=np.float64)
    return Replicates(value=float(statistic(*arrays)), left_out=left_out, whole=whole, groups=groups)


def jackknifed(found: Replicates, *, alpha: float) -> Estimate:
    """The interval that the replicates give. Raises UsageError on a bad level."""
    check_level(alpha)
    return _interval(found.value, _jackknife_error(found.left_out), found.whole, found.groups, alpha)


def _jackknife_error(left_out: Floats) -> float | None:
    groups = len(left_out)
    if groups < 2 or not np.isfinite(left_out).all():
        return None
    return spread(left_out) * (groups - 1) / math.sqrt(groups)


def _merged(groups: Groups) -> Groups:
    """Neighbouring clusters in at most JACKKNIFE_GROUPS groups: neighbours are alike, and leave together."""
    if groups.count <= JACKKNIFE_GROUPS:
        return groups
    return Groups(groups.codes * JACKKNIFE_GROUPS // groups.count, JACKKNIFE_GROUPS)


def _interval(estimate: float, error: float | None, whole: Groups, groups: Groups, alpha: float) -> Estimate:
    defined = math.isfinite(estimate)
    low, high = bounds(estimate, error if defined else None, groups.count - 1, alpha)
    return Estimate(
        value=estimate if defined else None,
        low=low,
        high=high,
        standard_error=error if defined else None,
        rows=len(whole.codes),
        clusters=whole.count,
        assumed_independent=whole.independent,
    )


def bounds(estimate: float, error: float | None, degrees: int, alpha: float) -> tuple[float | None, float | None]:
    """The two one-sided t bounds at level alpha; None without a standard error."""
    from scipy.special import stdtrit

    if error is None:
        return None, None
    reach = float(stdtrit(degrees, 1 - alpha)) * error
    return estimate - reach, estimate + reach


def standard_error(values: Floats, groups: Groups) -> float | None:
    """Of the mean of (n,) values: sqrt(G/(G-1) * sum of squared cluster sums of deviations) / n; None with G = 1."""
    if groups.count < 2:
        return None
    deviations, scale = _scaled(values - values.mean())
    sums = np.bincount(groups.codes, weights=deviations, minlength=groups.count)
    return scale * math.sqrt(groups.count / (groups.count - 1) * float(np.square(sums).sum())) / len(values)


def spread(values: Floats) -> float:
    """The sample standard deviation; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    deviations, scale = _scaled(values - values.mean())
    return scale * math.sqrt(float(np.square(deviations).sum()) / (len(values) - 1))


def _scaled(deviations: Floats) -> tuple[Floats, float]:
    """Deviations in units of the largest one, so that squares neither overflow nor vanish."""
    scale = float(np.abs(deviations).max())
    return (deviations / scale, scale) if scale else (deviations, 1.0)


def group(clusters: ArrayLike | None, rows: int) -> Groups:
    """Number the clusters of `rows` rows; None makes every row its own. Raises UsageError on a missing cluster."""
    if clusters is None:
        return Groups(np.arange(rows), rows, independent=True)
    names = np.asarray(clusters)
    if names.shape != (rows,):
        raise refused(f"{rows:,} rows need as many clusters, not {names.shape}")
    if unnamed := missing(names):
        raise refused(f"{unnamed:,} of {rows:,} rows have no cluster")
    values, codes = np.unique(names, return_inverse=True)
    return Groups(codes, len(values))


def missing(names: NDArray[Any]) -> int:
    """How many of (n,) values are None, NaN, NaT or NA: those that do not equal themselves, and None."""
    if names.dtype.kind != "O":
        return int(np.sum(names != names))  # noqa: PLR0124 - the property that is asked for
    return sum(name is None or not _equals_itself(name) for name in names.tolist())


def _equals_itself(value: object) -> bool:
    same: object = value == value  # noqa: PLR0124 - see `missing`
    return isinstance(same, bool | np.bool_) and bool(same)


def check_level(alpha: float) -> None:
    """Raises UsageError unless alpha is a one-sided risk."""
    if not 0 < alpha <= 0.5:
        raise UsageError(
            f"alpha is a one-sided risk above 0 and at most 0.5, not {alpha}",
            next_step="mend gate.alpha in params.yaml",
        )


def row_values(values: Floats, whose: str) -> Floats:
    """The values as (n,) float64. Raises UsageError on another shape or no rows."""
    losses = np.asarray(values, dtype=np.float64)
    if losses.ndim != 1 or not len(losses):
        raise refused(f"the {whose} losses have shape {losses.shape}: one loss per row is needed, and at least one row")
    return losses


def usable(values: Floats) -> NDArray[np.bool_]:
    """Which values are finite, and small enough to be summed."""
    return np.abs(values) < LARGEST


def refused(message: str) -> UsageError:
    """The error for rows that cannot be compared."""
    return UsageError(message, next_step="score every model on the same rows, and see split.cluster in params.yaml")
