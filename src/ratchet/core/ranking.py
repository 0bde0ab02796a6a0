"""Statistics of the order in which scores put the rows: sorted once, and asked of all rows or of any part of them.

What scikit-learn's `roc_auc_score` and `average_precision_score` return, to the last bit: counts are whole numbers, and
the same few divisions and sums are done in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Parts = Callable[[Bools], float]
"""A number about the rows that an (n,) mask chooses."""


@dataclass(frozen=True)
class Counts:
    """True and false positives if all rows down to a score are called positive: one entry per score, the highest first.

    The last entries are how many positives and negatives there are.
    """

    true: Floats
    false: Floats


@dataclass(frozen=True)
class Ranking:
    """Rows from the highest score to the lowest: where each came from, whether it is positive, and which score it has.

    Scores are numbered from 0, the highest; equal ones are one.
    """

    origin: NDArray[np.intp]
    positive: Bools
    score: NDArray[np.int64]

    def counts(self, rows: Bools | None = None) -> Counts:
        """The counts of all rows, or of those that `rows`, (n,) in their original order, chooses: at least one."""
        if rows is None:
            return _counts(self.positive, self.score)
        chosen = rows[self.origin]
        return _counts(self.positive[chosen], self.score[chosen])


def rank(positive: NDArray[Any], scores: Floats) -> Ranking:
    """Rank (n,) finite scores, n > 0, of rows that are `positive` (0 and 1) or not."""
    origin = np.argsort(-scores, kind="stable")
    ranked = scores[origin]
    number = np.concatenate([[0], np.cumsum(ranked[1:] != ranked[:-1])])
    return Ranking(origin, np.asarray(positive, dtype=np.bool_)[origin], number)


def _counts(positive: Bools, score: NDArray[np.int64]) -> Counts:
    last = np.append(np.flatnonzero(score[1:] != score[:-1]), len(score) - 1)
    true = np.cumsum(positive, dtype=np.float64)[last]
    return Counts(true, 1 + last.astype(np.float64) - true)


def roc_area(counts: Counts) -> float:
    """The area under the ROC curve; NaN if one class is alone."""
    if not counts.true[-1] or not counts.false[-1]:
        return np.nan
    true, false = (np.append(0.0, each[_corners(counts)]) for each in (counts.true, counts.false))
    across, up = false / false[-1], true / true[-1]
    return float(np.sum((across[1:] - across[:-1]) * (up[1:] + up[:-1]) / 2.0))


def _corners(counts: Counts) -> Bools:
    """Where the ROC curve may turn: points between others on one line change no area, but its last bit."""
    corners = np.ones(len(counts.true), dtype=np.bool_)
    corners[1:-1] = (np.diff(counts.false, 2) != 0) | (np.diff(counts.true, 2) != 0)
    return corners


def precision_area(counts: Counts) -> float:
    """Precision averaged over recall, in steps; NaN without a positive."""
    if not counts.true[-1]:
        return np.nan
    precision, recall = (counts.true / (counts.true + counts.false))[::-1], (counts.true / counts.true[-1])[::-1]
    return float(max(0.0, -np.sum(np.diff(np.append(recall, 0.0)) * precision)))


def roc_auc(target: NDArray[Any], scores: Floats) -> float:
    """Of (n,) classes and (n, k) scores: one class against the rest, weighted by its share; NaN if one is alone."""
    return _mean_area(_rankings(target, scores), None)


def roc_aucs(target: NDArray[Any], scores: Floats) -> Parts:
    """`roc_auc` of any part of the rows, which are sorted once."""
    rankings = _rankings(target, scores)
    return lambda rows: _mean_area(rankings, rows)


def average_precision(target: NDArray[Any], scores: Floats) -> float:
    """Of (n,) zeros and ones and (n, 2) scores; NaN without a positive."""
    return precision_area(rank(target, scores[:, 1]).counts())


def average_precisions(target: NDArray[Any], scores: Floats) -> Parts:
    """`average_precision` of any part of the rows, which are sorted once."""
    ranking = rank(target, scores[:, 1])
    return lambda rows: precision_area(ranking.counts(rows))


def _rankings(target: NDArray[Any], scores: Floats) -> list[Ranking]:
    """By the score of each class, of two by that of the positive."""
    classes = range(scores.shape[1]) if scores.shape[1] > 2 else (1,)
    return [rank(target == one, scores[:, one]) for one in classes]


def _mean_area(rankings: Sequence[Ranking], rows: Bools | None) -> float:
    """The mean over the classes that occur: an absent one has no weight."""
    counts = [ranking.counts(rows) for ranking in rankings]
    if len(counts) == 1:
        return roc_area(counts[0])
    present = [each for each in counts if each.true[-1]]
    if len(present) < 2:
        return np.nan
    return float(np.average([roc_area(each) for each in present], weights=[each.true[-1] for each in present]))
