"""DeLong's test: do two scores order the same rows equally well? A rival of the gate, which takes rows as independent.

The areas under two ROC curves of the same rows, and the standard error of their difference, by structural components
(DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988) computed from midranks (Sun and Xu, IEEE Signal Processing
Letters 21, 2014).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import rankdata

Floats = NDArray[np.float64]


class Delong(NamedTuple):
    """Two areas, and the test of their difference: challenger minus reference, so that positive is better.

    `p_better` is one-sided, of the hypothesis that the challenger's area is no larger; `z` is the difference in
    standard errors, and 0 if there is neither.
    """

    reference: float
    challenger: float
    p_better: float
    z: float
    standard_error: float


def delong(target: NDArray[np.int64], reference: Floats, challenger: Floats) -> Delong:
    """Compare the (n,) scores of two models for the (n,) target of 0 and 1.

    Scores that order the rows alike show nothing: p_better is 1/2. Raises ValueError on other targets, on shapes that
    do not fit and on scores that are not finite.
    """
    scores = np.stack([np.asarray(reference, dtype=np.float64), np.asarray(challenger, dtype=np.float64)])
    positive = np.asarray(target) == 1
    if scores.shape != (2, len(positive)) or not np.isfinite(scores).all():
        raise ValueError(f"two finite scores per row are needed, not shape {scores.shape} for {len(positive):,} rows")
    if set(np.unique(target).tolist()) != {0, 1}:
        raise ValueError(f"the target must hold 0 and 1, not {np.unique(target).tolist()[:5]}")
    of_positives, of_negatives = _components(scores, positive)
    areas = of_positives.mean(axis=1)
    error = float(np.hypot(_error(of_positives), _error(of_negatives)))
    gain = float(areas[1] - areas[0])
    z = gain / error if error else float(np.sign(gain)) * np.inf if gain else 0.0
    return Delong(
        reference=float(areas[0]), challenger=float(areas[1]), standard_error=error, z=z, p_better=float(ndtr(-z))
    )


def _components(scores: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(2, m) shares of negatives below each positive, and (2, n) shares of positives above each negative."""
    above, below = scores[:, positive], scores[:, ~positive]
    ranks = rankdata(scores, axis=1)
    of_positives: Floats = (ranks[:, positive] - rankdata(above, axis=1)) / below.shape[1]
    of_negatives: Floats = 1 - (ranks[:, ~positive] - rankdata(below, axis=1)) / above.shape[1]
    return of_positives, of_negatives


def _error(components: Floats) -> float:
    """The standard error of the mean difference of the two models' components; 0 for a single one."""
    differences = components[1] - components[0]
    return float(differences.std(ddof=1) / np.sqrt(len(differences))) if len(differences) > 1 else 0.0
