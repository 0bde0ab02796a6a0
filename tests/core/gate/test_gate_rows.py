"""The rows that judge: untouched, not leaking, and enough of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from ratchet.core import gate
from ratchet.core.leakage.limits import Leakage
from ratchet.core.leakage.records import Shared

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case

CASES: Mapping[str, Callable[[Bench], Case]] = {
    "nobody was trained on them": lambda bench: bench.case(
        bench.changed(holdout=("2013-07", "2013-07.late-1")),
        said=("untouched: no model was trained on the batches that judge: 2013-07, 2013-07.late-1; \n",),
    ),
    "contaminated": lambda bench: bench.case(
        bench.changed(contaminated=("2013-07",)),
        verdict="reject",
        failed=["untouched"],
        said=(
            "untouched: a model was trained on the batches that judge: 2013-07; judge by batches that neither model "
            "was trained on",
        ),
    ),
    "no holdout": lambda bench: bench.case(
        bench.changed(holdout=()),
        verdict="hold",
        failed=["untouched"],
        said=("that judge: there are none; judge by batches that neither",),
    ),
    "leaking": lambda bench: bench.case(
        bench.changed(leakage=bench.clean.model_copy(update={"exact": Shared(rows=100, expected=3.0)})),
        verdict="reject",
        failed=["leakage"],
    ),
    "leaking no more than is allowed": lambda bench: bench.case(
        bench.changed(leakage=bench.clean.model_copy(update={"exact": Shared(rows=100, expected=3.0)})),
        bench.policy(leakage=Leakage(duplicates=0.1)),
    ),
    "nobody looked for leaks": lambda bench: bench.case(
        bench.changed(leakage=None), verdict="hold", failed=["leakage"]
    ),
    "what open rows leak is not asked where the holdout is open": lambda bench: bench.case(
        bench.changed(leakage_open=bench.clean.model_copy(update={"exact": Shared(rows=100, expected=3.0)}))
    ),
    "enough clusters": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(clusters=7)),
        bench.policy(conditions={}),
        found={"enough_clusters": {"threshold": 7.0, "rows": 1100, "clusters": 7}},
        said=("enough_clusters: at least 7 clusters must judge: there are 7 clusters of 1,100 rows; \n",),
    ),
    "too few clusters": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(clusters=6)),
        verdict="hold",
        failed=["enough_clusters"],
        missing=(184, 1),
        said=("there are 6 clusters of 1,100 rows; more held-out data",),
    ),
    "as many as the policy says": lambda bench: bench.case(
        policy=bench.policy(min_clusters=12, conditions={}),
        verdict="hold",
        failed=["enough_clusters"],
        missing=(100, 1),
    ),
    "enough independent rows": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(assumed_independent=True, rows=30, clusters=30)),
        found={"enough_clusters": {"threshold": 30.0}},
        said=("at least 30 rows must judge: there are 30 rows; this assumes independent rows; \n",),
    ),
    "too few independent rows": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(assumed_independent=True, rows=29, clusters=29)),
        verdict="hold",
        failed=["enough_clusters"],
        missing=(1, 1),
    ),
    "no comparison has no rows": lambda bench: bench.case(
        bench.changed(comparison=None, no_comparison="no scores"),
        verdict="hold",
        failed=["enough_clusters", "better"],
        found={"enough_clusters": {"rows": 0, "clusters": 0}},
        said=("there are 0 clusters of 0 rows",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rows(name: str, bench: Bench) -> None:
    """The rows that judge are looked at as the case says."""
    CASES[name](bench).check(gate)
