"""The project's own conditions: shown true passes, shown false is harm, and anything else holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from ratchet.core import gate

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case

PART = 'gain.log_loss[site = "A"]'
HUB = f"{PART} > -0.02"

CASES: Mapping[str, Callable[[Bench], Case]] = {
    "shown true, with its numbers": lambda bench: bench.case(
        found={
            "own:ranking": {
                "estimate": 0.02,
                "low": 0.013139,
                "high": 0.026861,
                "threshold": -0.01,
                "rows": 1100,
                "clusters": 11,
            }
        },
        said=("own:ranking: gain.roc_auc > -0.01 is shown true: ", "clusters); \n"),
    ),
    "shown false": lambda bench: bench.case(
        bench.metric("roc_auc", gain=bench.estimate(-0.05)),
        verdict="reject",
        failed=["own:ranking"],
        said=("gain.roc_auc > -0.01 is shown false: ", "; a model of which it is true\n"),
    ),
    "not shown": lambda bench: bench.case(
        bench.metric("roc_auc", gain=bench.estimate(-0.01)),
        verdict="hold",
        failed=["own:ranking"],
        said=("; a model of which it is true, or more rows that show it\n",),
    ),
    "too few clusters show nothing": lambda bench: bench.case(
        bench.metric("roc_auc", gain=bench.estimate(0.02, clusters=6)),
        verdict="hold",
        failed=["own:ranking"],
        said=("comes from 6 clusters, and 7 are needed",),
    ),
    "too few independent rows show nothing": lambda bench: bench.case(
        bench.metric("roc_auc", gain=bench.estimate(0.02, rows=29, clusters=29, alone=True)),
        verdict="hold",
        failed=["own:ranking"],
        said=("comes from 29 rows, and 30 are needed",),
    ),
    "not measured": lambda bench: bench.case(
        bench.metric("roc_auc", gain=None),
        verdict="hold",
        failed=["own:ranking"],
        said=(
            "gain.roc_auc was not measured; rows on which everything in it is defined, and columns that are there\n",
        ),
    ),
    "a part of the rows": lambda bench: bench.case(
        bench.changed(parts={PART: bench.estimate(0.0)}), bench.policy(conditions={"hub": HUB})
    ),
    "a part that nobody measured": lambda bench: bench.case(
        policy=bench.policy(conditions={"hub": HUB}), verdict="hold", failed=["own:hub"]
    ),
    "an upper limit is the threshold": lambda bench: bench.case(
        policy=bench.policy(conditions={"calm": "challenger.ece <= 0.5"}), found={"own:calm": {"threshold": 0.5}}
    ),
    "two parts have no number of their own": lambda bench: bench.case(
        policy=bench.policy(conditions={"both": "gain.ece > 0 and gain.brier > 0"}),
        found={"own:both": {"estimate": None, "low": None, "high": None, "threshold": None, "rows": None}},
    ),
    "a cost": lambda bench: bench.case(
        policy=bench.policy(conditions={"cheap": "challenger.model_mb <= 1.5 * champion.model_mb"})
    ),
    "a cost of what does not serve": lambda bench: bench.case(
        bench.changed(
            reference="baseline",
            champion=None,
            costs={name: each.model_copy(update={"reference": None}) for name, each in bench.evidence.costs.items()},
        ),
        bench.policy(conditions={"cheap": "challenger.model_mb <= 1.5 * champion.model_mb"}),
        verdict="hold",
        failed=["own:cheap"],
        said=("nothing serves, and what nothing costs is not known; gate.costs with vs_champion allows for that\n",),
    ),
    "what nothing costs is not the whole trouble": lambda bench: bench.case(
        bench.metric("ece", gain=None).model_copy(update={"reference": "baseline", "champion": None, "costs": {}}),
        bench.policy(conditions={"both": "gain.ece > 0 and challenger.model_mb <= 1.5 * champion.model_mb"}, costs={}),
        verdict="hold",
        failed=["own:both"],
        said=("; nothing serves, and what nothing costs is not known",),
    ),
    "another thing is not measured, while nothing serves": lambda bench: bench.case(
        bench.metric("ece", gain=None).model_copy(update={"reference": "baseline", "champion": None}),
        bench.policy(conditions={"calm": "gain.ece > 0"}),
        verdict="hold",
        failed=["own:calm"],
        said=("; rows on which everything in it is defined, and columns that are there\n",),
    ),
    "a cost that nobody measured, while a version serves": lambda bench: bench.case(
        bench.changed(costs={}),
        bench.policy(conditions={"cheap": "challenger.model_mb <= 1.5 * champion.model_mb"}, costs={}),
        verdict="hold",
        failed=["own:cheap"],
        said=("; rows on which everything in it is defined, and columns that are there\n",),
    ),
    "cannot be read": lambda bench: bench.case(
        policy=bench.policy(conditions={"ranking": "gain.roc_auc >"}),
        verdict="hold",
        failed=["own:ranking"],
        said=("; mend it in params.yaml; docs/conditions.md has the language\n",),
    ),
    "makes no sense for the task": lambda bench: bench.case(
        policy=bench.policy(conditions={"ranking": "challenger.rmse < 3"}),
        verdict="hold",
        failed=["own:ranking"],
        said=("gate.conditions.ranking: rmse is a metric of regression, and this project is binary; mend it",),
    ),
    "in the order of their names, whatever the file's": lambda bench: bench.case(
        policy=bench.policy(conditions={"b": "gain.ece > 1", "a": "gain.brier > 1"}),
        verdict="reject",
        failed=["own:a", "own:b"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_own(name: str, bench: Bench) -> None:
    """A condition of one's own decides as the case says."""
    CASES[name](bench).check(gate)
