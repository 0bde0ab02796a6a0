"""Evidence for the gate itself, made of a pair of models as `evaluate` makes it of two model files.

What a pipeline knows beside the scores (which batches, that nothing leaked) is filled in as a sound project has it: the
experiments are about the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate.data import Floats, Ints
from benchmarks.gate.rules import Pair
from ratchet.core.clusters import interval
from ratchet.core.comparison import compare
from ratchet.core.decision import CHALLENGER, CHAMPION, Evidence
from ratchet.core.evaluation import evaluate
from ratchet.core.findings import SliceCheck, SliceGain
from ratchet.core.gate_params import Gate
from ratchet.core.leakage.records import LeakageCheck, Shared
from ratchet.core.params import Task

Masks = Mapping[str, NDArray[np.bool_]]
"""Parts of the rows by what they are called, "column = value"."""
NOTHING = Shared(rows=0, expected=0.0)


def evidence(
    pair: Pair, policy: Gate, *, refit: bool = False, slices: Masks | None = None, metrics: bool = True
) -> Evidence:
    """What the gate is told of a pair; without `metrics` only what its comparison and slices need."""
    scores = {
        name: np.column_stack([1 - chances, chances])
        for name, chances in ((CHAMPION, pair.champion), (CHALLENGER, pair.challenger))
    }
    task: Task = "binary"
    measured = (
        evaluate(task, pair.target, scores, clusters=pair.clusters, pair=(CHAMPION, CHALLENGER), alpha=policy.alpha)
        if metrics
        else ()
    )
    margin = policy.margin_for(refit=refit)
    return Evidence(
        task=task,
        metric=policy.metric,
        reference="champion",
        champion=1,
        challenger_is_champion=False,
        refit=refit,
        comparison=compare(*pair.both_losses, pair.clusters, alpha=policy.alpha, margin=margin),
        metrics=tuple(measured),
        slices=None if slices is None else slice_check(pair, policy, slices),
        holdout=("judging",),
        contaminated=(),
        leakage=LeakageCheck(
            rows=pair.rows,
            training_rows=pair.rows,
            exact=NOTHING,
            near=NOTHING,
            keys=NOTHING,
            disorder=None,
            telling=(),
        ),
    )


def slice_check(pair: Pair, policy: Gate, masks: Masks) -> SliceCheck:
    """The comparison in every part of the rows that has enough of them."""
    champion, challenger = pair.both_losses
    gains: list[SliceGain] = []
    for name, mask in masks.items():
        if mask.sum() >= policy.slices.min_rows:
            clusters = None if pair.clusters is None else pair.clusters[mask]
            gains.append(_slice(name, champion[mask], challenger[mask], clusters, policy))
    columns = [each.column for each in gains]
    return SliceCheck(
        min_rows=policy.slices.min_rows,
        tested={column: columns.count(column) for column in dict.fromkeys(columns)},
        too_small=len(masks) - len(gains),
        gains=tuple(gains),
    )


def _slice(name: str, champion: Floats, challenger: Floats, clusters: Ints | None, policy: Gate) -> SliceGain:
    column, _, value = name.partition(" = ")
    return SliceGain(
        column=column,
        value=value,
        gain=interval(champion - challenger, clusters, alpha=policy.slices.alpha),
        p_worse=compare(champion, challenger, clusters, alpha=policy.slices.alpha).p_worse,
    )
