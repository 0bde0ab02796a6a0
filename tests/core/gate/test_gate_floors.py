"""Floors: a metric must be shown to lie in its range, is harm if shown to lie outside, and holds in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from ratchet.core import gate
from ratchet.core.gate import decide
from ratchet.core.gate_params import Bounds
from ratchet.core.metrics import metrics_for

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case

CASES: Mapping[str, Callable[[Bench], Case]] = {
    "kept, with the bounds of Student's t": lambda bench: bench.case(
        found={
            "floor:roc_auc": {
                "estimate": 0.8,
                "low": 0.79314,
                "high": 0.80686,
                "threshold": 0.6,
                "rows": 1100,
                "clusters": 11,
            },
            "floor:brier": {"estimate": 0.15, "threshold": 0.25},
        },
        said=(
            "roc_auc is 0.8, 80% interval 0.7931 to 0.8069, and must be shown to be at least 0.6;",
            "must be shown to be at most 0.25; \n",
        ),
    ),
    "many clusters are left out in 64 groups, and have 63 degrees of freedom": lambda bench: bench.case(
        bench.metric("roc_auc", challenger=bench.estimate(0.8, clusters=200)),
        found={"floor:roc_auc": {"low": 0.79352, "high": 0.80648, "clusters": 200}},
    ),
    "exactly at the lower limit is kept": lambda bench: bench.case(
        bench.metric("roc_auc", challenger=bench.estimate(0.6, 0.0))
    ),
    "exactly at the upper limit is kept": lambda bench: bench.case(
        bench.metric("brier", challenger=bench.estimate(0.25, 0.0))
    ),
    "above, but not shown to be": lambda bench: bench.case(
        bench.metric("roc_auc", challenger=bench.estimate(0.605)),
        verdict="hold",
        failed=["floor:roc_auc"],
        said=("80% interval 0.5981 to 0.6119", "; a model with roc_auc at least 0.6, or more rows\n"),
    ),
    "below, but not shown to be": lambda bench: bench.case(
        bench.metric("roc_auc", challenger=bench.estimate(0.595)), verdict="hold", failed=["floor:roc_auc"]
    ),
    "shown to be below": lambda bench: bench.case(
        bench.metric("roc_auc", challenger=bench.estimate(0.59)), verdict="reject", failed=["floor:roc_auc"]
    ),
    "the upper bound at the lower limit is not shown to be below": lambda bench: bench.case(
        bench.metric("roc_auc", challenger=bench.estimate(0.55, 0.0)),
        bench.policy(floors={"roc_auc": Bounds(min=0.6, max=0.7)}),
        verdict="reject",
        failed=["floor:roc_auc"],
        said=("must be shown to be at least 0.6 and at most 0.7",),
    ),
    "over a ceiling, but not shown to be": lambda bench: bench.case(
        bench.metric("brier", challenger=bench.estimate(0.252)), verdict="hold", failed=["floor:brier"]
    ),
    "shown to be over a ceiling": lambda bench: bench.case(
        bench.metric("brier", challenger=bench.estimate(0.3)), verdict="reject", failed=["floor:brier"]
    ),
    "above the range": lambda bench: bench.case(
        policy=bench.policy(floors={"roc_auc": Bounds(min=0.6, max=0.7)}), verdict="reject", failed=["floor:roc_auc"]
    ),
    "a surer level asks for more": lambda bench: bench.case(
        bench.metric("roc_auc", challenger=bench.estimate(0.608)),
        bench.policy(alpha=0.05),
        verdict="hold",
        failed=["floor:roc_auc"],
        said=("90% interval 0.5989 to 0.6171",),
    ),
    "one cluster shows nothing": lambda bench: bench.case(
        bench.metric("roc_auc", challenger=bench.estimate(0.8, None, clusters=1)),
        verdict="hold",
        failed=["floor:roc_auc"],
        found={"floor:roc_auc": {"estimate": 0.8, "low": None, "high": None}},
        said=("roc_auc is 0.8, without an interval: all rows are of one cluster",),
    ),
    "undefined": lambda bench: bench.case(
        bench.metric("roc_auc", challenger=bench.estimate(None, None)),
        verdict="hold",
        failed=["measured", "floor:roc_auc"],
        said=("floor:roc_auc: roc_auc was not measured, or is undefined; mend gate.floors in params.yaml",),
    ),
    "not measured": lambda bench: bench.case(
        bench.without("brier"), verdict="hold", failed=["measured", "floor:brier"]
    ),
    "not measured for the challenger": lambda bench: bench.case(
        bench.metric("brier", challenger=None), verdict="hold", failed=["measured", "floor:brier"]
    ),
    "a metric of another task": lambda bench: bench.case(
        policy=bench.policy(floors={"rmse": Bounds(max=1.0)}),
        verdict="hold",
        failed=["floor:rmse"],
        said=("rmse is no metric of a binary model; known are log_loss, roc_auc, ",),
    ),
    "a limit of zero is one": lambda bench: bench.case(
        policy=bench.policy(floors={"calibration_intercept": Bounds(min=0.0)}),
        found={"floor:calibration_intercept": {"threshold": 0.0}},
        said=("must be shown to be at least 0;",),
    ),
    "in the order of their names, whatever the file's": lambda bench: bench.case(
        bench.without("brier", "roc_auc"),
        bench.policy(floors={"roc_auc": Bounds(min=0.6), "brier": Bounds(max=0.25)}),
        verdict="hold",
        failed=["measured", "floor:brier", "floor:roc_auc", "own:ranking"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_floors(name: str, bench: Bench) -> None:
    """A floor decides as its case says, with the numbers and words that are there."""
    CASES[name](bench).check(gate)


def test_no_metric_may_be_undefined(bench: Bench) -> None:
    """Whichever of the task's metrics is not there, the challenger is not promoted."""
    for metric in metrics_for("binary"):
        assert "promote" != decide(bench.without(metric.name), bench.plain()).verdict
