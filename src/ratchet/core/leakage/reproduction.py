"""Features that reproduce the target: how much of the label one feature alone tells, of the rows that judge.

For classes it is the area under the ROC curve, the mean over classes by their frequency (Provost and Domingos 2000):
of the feature's own ranks in either direction, and of a rule of one feature (1R: Holte 1993) that is learned on one
half of the rows and tried on the other, so that a column with a name for each row learns nothing. For numbers it is
the rank correlation (Spearman 1904). Whether a value is missing is tried like a feature of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ratchet.core.leakage.hashes import categories, is_number, numbers
from ratchet.core.leakage.records import STRONGEST, Telling
from ratchet.core.params import Task

SAMPLE = 10_000
"""Rows that are looked at, evenly spread: enough to tell 0.99 from 0.98."""
FEWEST = 30
"""Rows that must have a value, of each class: fewer are told apart by chance, or by an honest feature."""
BINS = 64

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


def strongest(features: pa.Table, target: pa.ChunkedArray, task: Task) -> tuple[Telling, ...]:
    """The features that tell most of the label, the strongest first; none where the rows are too few to tell."""
    rows = np.linspace(0, len(target) - 1, min(len(target), SAMPLE)).astype(np.int64)
    table, labels = features.take(rows), target.take(rows)
    found = [
        each
        for name in table.column_names
        for each in (_of_numbers if task == "regression" else _of_classes)(name, table.column(name), labels)
    ]
    return tuple(sorted(found, key=lambda each: (-each.value, each.feature, each.by))[:STRONGEST])


def _of_numbers(name: str, column: pa.ChunkedArray, target: pa.ChunkedArray) -> Iterator[Telling]:
    values, labels = (numbers(column) if is_number(column) else None), numbers(target)
    if values is None:
        return
    there = ~np.isnan(values)
    if there.sum() >= FEWEST:
        yield _telling(name, "value", _correlation(values[there], labels[there]), there.sum())


def _of_classes(name: str, column: pa.ChunkedArray, target: pa.ChunkedArray) -> Iterator[Telling]:
    classes, _ = categories(target.cast(pa.string()))
    absent = column.is_null().to_numpy()
    if is_number(column):
        values = numbers(column)
        absent = absent | np.isnan(values)
    there = ~absent
    if _enough(classes[there]):
        value = (
            max(_auc(_ranks(values[there]), classes[there]), _rule(_bins(values[there]), classes[there]))
            if is_number(column)
            else _rule(categories(column)[0][there], classes[there])
        )
        yield _telling(name, "value", value, there.sum())
    if absent.any() and _enough(classes):
        yield _telling(name, "absence", _auc(absent.astype(np.int64), classes), len(classes))


def _telling(name: str, by: Literal["value", "absence"], value: float, rows: int) -> Telling:
    return Telling(feature=name, by=by, value=round(value, 6), rows=int(rows))


def _enough(classes: Codes) -> bool:
    counts = np.bincount(classes)
    return bool((counts >= FEWEST).sum() >= 2 and (counts[counts > 0] >= FEWEST).all())


def _ranks(values: Floats) -> Codes:
    """Equal values have equal ranks, from 0."""
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)


def _bins(values: Floats) -> Codes:
    """Up to 64 bins with equally many values each, by rank."""
    ranks = _ranks(values)
    places = np.cumsum(np.bincount(ranks))[ranks] - 1
    return np.asarray(places * BINS // len(values), dtype=np.int64)


def _auc(codes: Codes, classes: Codes) -> float:
    """The mean over classes of the area under the curve by the codes' order, in whichever direction is better."""
    of_class = np.bincount(classes)
    areas = [
        max(area := _area(codes, classes == each), 1 - area) if count else 0 for each, count in enumerate(of_class)
    ]
    return float(np.average(areas, weights=of_class))


def _area(codes: Codes, positive: NDArray[np.bool_]) -> float:
    """How probably a positive has the higher code than a negative, ties counted half."""
    positives = np.bincount(codes[positive], minlength=int(codes.max()) + 1).astype(np.float64)
    negatives = np.bincount(codes[~positive], minlength=len(positives)).astype(np.float64)
    if not positives.sum() or not negatives.sum():
        return 0.5
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / (positives.sum() * negatives.sum()))


def _rule(codes: Codes, classes: Codes) -> float:
    """The mean area of the shares of classes by code, learned on every other row and tried on the rest; both ways."""
    halves = np.arange(len(codes)) % 2 == 0
    return float(np.mean([_rule_learned(codes, classes, learn) for learn in (halves, ~halves)]))


def _rule_learned(codes: Codes, classes: Codes, learn: NDArray[np.bool_]) -> float:
    of_class, size = np.bincount(classes[~learn]), int(codes.max()) + 1
    seen = np.bincount(codes[learn], minlength=size)
    areas = []
    for each in range(len(of_class)):
        usual = float((classes[learn] == each).mean())
        hits = np.bincount(codes[learn], weights=classes[learn] == each, minlength=size)
        areas.append(_area(_ranks((hits + usual) / (seen + 1))[codes[~learn]], classes[~learn] == each))
    return float(np.average(areas, weights=of_class))


def _correlation(one: Floats, other: Floats) -> float:
    """The absolute rank correlation, with mean ranks for ties; 0 where one of them is constant."""
    ranks = [_mean_ranks(each) for each in (one, other)]
    if any(each.min() == each.max() for each in ranks):
        return 0.0
    return float(min(abs(np.corrcoef(ranks[0], ranks[1])[0, 1]), 1.0))


def _mean_ranks(values: Floats) -> Floats:
    codes = _ranks(values)
    counts = np.bincount(codes)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[codes], dtype=np.float64)
