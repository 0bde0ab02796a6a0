"""What an estimate shows: bounds at any level, and whether a limit is kept, broken, or neither is shown."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.core.clusters import JACKKNIFE_GROUPS, bounds
from ratchet.core.findings import Estimate

Span = tuple[float | None, float | None]


@dataclass(frozen=True)
class Shown:
    """Whether a limit is shown to be kept, or shown to be broken; neither: the interval spans it, or there is none."""

    kept: bool
    broken: bool


def bounds_at(estimate: Estimate, alpha: float) -> Span:
    """The two one-sided bounds of `estimate` at level `alpha`; None where it is undefined or rests on one cluster.

    Beyond 64 clusters the degrees of freedom are the jackknife's, which makes the bounds of a mean a little wider.
    """
    if estimate.value is None:
        return None, None
    return bounds(estimate.value, estimate.standard_error, min(estimate.clusters, JACKKNIFE_GROUPS) - 1, alpha)


def within(estimate: Estimate, alpha: float, *, least: float | None = None, most: float | None = None) -> Shown:
    """Whether the estimate is shown to lie between `least` and `most`; a limit that is NaN lets nothing through."""
    low, high = bounds_at(estimate, alpha)
    if low is None or high is None:
        return Shown(kept=False, broken=False)
    return Shown(
        kept=(least is None or low >= least) and (most is None or high <= most),
        broken=(least is not None and high < least) or (most is not None and low > most),
    )


def span_text(estimate: Estimate, alpha: float) -> str:
    """The value and its bounds in words: '0.7012, 90% interval 0.6951 to 0.7073'."""
    low, high = bounds_at(estimate, alpha)
    if estimate.value is None:
        return "undefined"
    if low is None or high is None:
        return f"{estimate.value:.4g}, without an interval: all rows are of one cluster"
    return f"{estimate.value:.4g}, {1 - 2 * alpha:.0%} interval {low:.4g} to {high:.4g}"
