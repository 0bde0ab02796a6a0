"""The target of one batch: shares of classes or the mean, with intervals that know which rows fail together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ratchet.core import clusters
from ratchet.core.findings import Estimate, Finite
from ratchet.core.params import Task

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.025
"""On each side: intervals of 95%."""
CLASSES = 8
"""Classes shown, the commonest ones."""


class Rate(Finite):
    """The mean of the target, or the share of one class."""

    name: str = Field(description="the class; empty for the mean of a regression's target and the share of true")
    estimate: Estimate


def rates(target: pd.Series, cluster: pd.Series | None, task: Task) -> tuple[Rate, ...]:
    """Of the (n,) labels that are there; `cluster` names each row's cluster, None says that rows are independent."""
    names = None if cluster is None else cluster.to_numpy()
    return tuple(
        Rate(name=name, estimate=clusters.interval(values, names, alpha=ALPHA))
        for name, values in _indicators(target, task)
    )


def coded(target: pd.Series, task: Task) -> NDArray[np.int64] | NDArray[np.float64]:
    """Labels as `association` takes them: numbers for a regression, codes of classes otherwise."""
    if task == "regression":
        return target.to_numpy(dtype=np.float64)
    return np.unique(target.astype(str).to_numpy(dtype=object), return_inverse=True)[1].astype(np.int64)


def usable(target: pd.Series, cluster: pd.Series | None) -> NDArray[np.bool_]:
    """Which rows have a label, a finite one where it is a number, and a cluster where rows have any."""
    there = target.notna() & (~target.isin([np.inf, -np.inf]) if target.dtype.kind == "f" else True)
    kept: NDArray[np.bool_] = (there if cluster is None else there & cluster.notna()).to_numpy(dtype=bool)
    return kept


def _indicators(target: pd.Series, task: Task) -> Iterator[tuple[str, NDArray[np.float64]]]:
    if task != "multiclass":
        yield "", target.to_numpy(dtype=np.float64)
        return
    classes = target.astype(str)
    counts = classes.value_counts()
    commonest = sorted(counts.index, key=lambda name: (-int(counts[name]), name))[:CLASSES]
    for name in sorted(commonest):
        yield name, (classes == name).to_numpy(dtype=np.float64)
