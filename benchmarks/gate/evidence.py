"""Evidence for the gate itself, made of a pair of models as `evaluate` makes it of two model files.

What a pipeline knows beside the scores (which batches, that nothing leaked) is filled in as a sound project has it: the
experiments are about the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.gate.data import Floats
from benchmarks.gate.rules import Pair
from ratchet.core.comparison import compare
from ratchet.core.decision import CHALLENGER, CHAMPION, Evidence
from ratchet.core.evaluation import evaluate
from ratchet.core.evidence.rows import JudgedRows
from ratchet.core.evidence.rows import Pair as Names
from ratchet.core.evidence.slices import slice_check
from ratchet.core.gate_params import Gate
from ratchet.core.leakage.records import LeakageCheck, Shared
from ratchet.core.params import Task

if TYPE_CHECKING:
    import pandas as pd

BOTH = Names(reference=CHAMPION, challenger=CHALLENGER)
NOTHING = Shared(rows=0, expected=0.0)


def evidence(
    pair: Pair, policy: Gate, *, refit: bool = False, table: pd.DataFrame | None = None, metrics: bool = True
) -> Evidence:
    """What the gate is told of a pair; without `metrics` only what its comparison and slices need.

    `table` has the columns of `gate.slices.by`, one row per judged row.
    """
    scores = {
        name: np.column_stack([1 - chances, chances])
        for name, chances in ((CHAMPION, pair.champion), (CHALLENGER, pair.challenger))
    }
    task: Task = "binary"
    measured = (
        evaluate(task, pair.target, scores, clusters=pair.clusters, pair=BOTH, alpha=policy.alpha) if metrics else ()
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
        slices=None if table is None else slice_check(_judged(pair, scores, table), policy, BOTH),
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


def _judged(pair: Pair, scores: Mapping[str, Floats], table: pd.DataFrame) -> JudgedRows:
    return JudgedRows(task="binary", target=pair.target, scores=scores, clusters=pair.clusters, table=table)
