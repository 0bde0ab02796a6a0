"""Gaps between groups: shown to be small, and shown not to have grown by more than is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from ratchet.core import gate
from ratchet.core.gate_params import Gap, GapLimit

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case

    from ratchet.core.gate_params import Gate

NAME = "fairness:group:loss_gap"


def limited(bench: Bench, **limits: Any) -> Gate:
    """The policy with other limits of the gap."""
    gaps: dict[Gap, GapLimit] = {"loss_gap": GapLimit(**limits)}
    return bench.policy(fairness={"group": gaps})


CASES: Mapping[str, Callable[[Bench], Case]] = {
    "kept, with its numbers": lambda bench: bench.case(
        found={
            NAME: {
                "estimate": 0.02,
                "low": 0.010938,
                "high": 0.029062,
                "threshold": 0.1,
                "rows": 1100,
                "clusters": 11,
            }
        },
        said=(
            f"{NAME}: loss_gap by group, groups a (600 rows), b (500 rows): gap 0.02, 90% interval 0.01094 to 0.02906, "
            "and must be shown to be at most 0.1; increase over the champion 0, 90% interval -0.009062 to 0.009062, "
            "and must be shown to be at most 0.05; \n",
        ),
    ),
    "at the limit is kept": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(challenger=bench.estimate(0.1, 0.0), increase=bench.estimate(0.05, 0.0)),))
    ),
    "perhaps too large": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(challenger=bench.estimate(0.095)),)),
        verdict="hold",
        failed=[NAME],
        said=("a model with a smaller gap, or more rows that show it",),
    ),
    "shown to be too large": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(challenger=bench.estimate(0.2)),)), verdict="reject", failed=[NAME]
    ),
    "has perhaps grown": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(increase=bench.estimate(0.045)),)), verdict="hold", failed=[NAME]
    ),
    "is shown to have grown": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(increase=bench.estimate(0.08)),)), verdict="reject", failed=[NAME]
    ),
    "increase not measured": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(increase=None),)),
        verdict="hold",
        failed=[NAME],
        said=("its increase over the champion was not measured",),
    ),
    "increase undefined": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(increase=bench.estimate(None, None)),)),
        verdict="hold",
        failed=[NAME],
        said=("increase over the champion undefined, and must be shown to be at most 0.05",),
    ),
    "increase not asked for": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(increase=None),)), limited(bench, max=0.1), found={NAME: {"threshold": 0.1}}
    ),
    "only the increase is asked for": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(challenger=bench.estimate(0.9)),)), limited(bench, max_increase=0.05)
    ),
    "a limit of zero is one": lambda bench: bench.case(
        policy=limited(bench, max=0.0), verdict="reject", failed=[NAME], found={NAME: {"threshold": 0.0}}
    ),
    "an increase of zero is allowed, and not shown": lambda bench: bench.case(
        policy=limited(bench, max_increase=0.0), verdict="hold", failed=[NAME]
    ),
    "the level is its own": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(challenger=bench.estimate(0.092)),)),
        limited(bench, max=0.1, alpha=0.1),
        found={NAME: {"high": 0.098861}},
    ),
    "nobody looked": lambda bench: bench.case(
        bench.changed(gaps=()),
        verdict="hold",
        failed=[NAME],
        said=(
            "the gap was not measured: nobody looked; mend gate.fairness in params.yaml, or judge by rows of two "
            "groups and more",
        ),
    ),
    "another gap was measured": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(gap="equalized_odds_difference"),)), verdict="hold", failed=[NAME]
    ),
    "another column was measured": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(column="site"),)), verdict="hold", failed=[NAME]
    ),
    "one group": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(groups={"a": 1100}),)),
        verdict="hold",
        failed=[NAME],
        said=("the gap was not measured: fewer than two groups",),
    ),
    "groups that are left out are named": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(left_out={"c": 12, "d": 1}),)),
        said=("groups a (600 rows), b (500 rows); left out, as they are too small: c (12 rows), d (1 row): gap 0.02",),
    ),
    "one group, and the others left out": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(groups={"a": 1100}, left_out={"b": 29}),)),
        verdict="hold",
        failed=[NAME],
        said=("fewer than two groups; left out, as they are too small: b (29 rows); mend",),
    ),
    "the groups lie in too few clusters": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(challenger=bench.estimate(0.0, 0.001, clusters=6)),)),
        verdict="hold",
        failed=[NAME],
        found={NAME: {"estimate": 0.0, "clusters": 6}},
        said=("its groups lie in 6 clusters, and 7 are needed; gap 0, ",),
    ),
    "the groups lie in just enough clusters": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(challenger=bench.estimate(0.0, 0.001, clusters=7)),))
    ),
    "they do, and nothing was compared": lambda bench: bench.case(
        bench.changed(comparison=None, gaps=(bench.gap(challenger=bench.estimate(0.0, 0.001, clusters=6)),)),
        verdict="hold",
        failed=[NAME, "enough_clusters", "better"],
    ),
    "so do all that judge, which another condition says": lambda bench: bench.case(
        bench.changed(
            comparison=bench.compared(clusters=6),
            gaps=(bench.gap(challenger=bench.estimate(0.0, 0.001, clusters=6)),),
        ),
        verdict="hold",
        failed=["enough_clusters"],
        missing=(184, 1),
    ),
    "no scores": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(challenger=None),)),
        verdict="hold",
        failed=[NAME],
        said=("the gap was not measured, or is undefined",),
    ),
    "undefined": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(challenger=bench.estimate(None, None)),)),
        verdict="hold",
        failed=[NAME],
        said=("the gap was not measured, or is undefined",),
    ),
    "one cluster shows nothing": lambda bench: bench.case(
        bench.changed(gaps=(bench.gap(challenger=bench.estimate(0.0, None, clusters=1)),)),
        verdict="hold",
        failed=[NAME],
    ),
    "in the order of names, whatever the file's": lambda bench: bench.case(
        bench.changed(gaps=()),
        bench.policy(
            fairness={
                "town": {"loss_gap": GapLimit(max=1.0)},
                "group": {"loss_gap": GapLimit(max=1.0), "equalized_odds_difference": GapLimit(max=1.0)},
            }
        ),
        verdict="hold",
        failed=["fairness:group:equalized_odds_difference", NAME, "fairness:town:loss_gap"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_fairness(name: str, bench: Bench) -> None:
    """A gap decides as its case says, with the numbers and words that are there."""
    CASES[name](bench).check(gate)
