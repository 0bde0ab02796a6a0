"""Slices: none is shown to be worse, by Holm's test over all of them; what could not be tested is not passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from ratchet.core import gate
from ratchet.core.gate_params import Slices

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case


def worse(bench: Bench, *p_values: float) -> list[object]:
    """Slices A, B, … that lose 0.1, 0.2, …, with these p values."""
    return [
        bench.slice_gain("ABCDEF"[place], -0.1 * (place + 1), p_worse=p_value) for place, p_value in enumerate(p_values)
    ]


CASES: Mapping[str, Callable[[Bench], Case]] = {
    "none is worse": lambda bench: bench.case(
        found={"slices": {"estimate": None, "rows": None, "clusters": None}},
        said=("slices: no slice is shown to be worse, of 2 slices by site, with Holm's correction at 0.05; \n",),
    ),
    "one is shown to be worse": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(bench.slice_gain("A"), bench.slice_gain("B", -0.05, p_worse=0.02))),
        verdict="reject",
        failed=["slices"],
        found={"slices": {"estimate": -0.05, "rows": 300, "clusters": 11}},
        said=(
            "shown to be worse in site = B (gain -0.05, 90% interval -0.05906 to -0.04094), of 2 slices by site, "
            "with Holm's correction at 0.05; a model that is not worse there",
        ),
    ),
    "worse for sure": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(bench.slice_gain("B", -0.05, p_worse=0.0))),
        verdict="reject",
        failed=["slices"],
    ),
    "one of two would be worse, without the correction": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(bench.slice_gain("A"), bench.slice_gain("B", -0.05, p_worse=0.03)))
    ),
    "the level is the slices' own": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(bench.slice_gain("A"), bench.slice_gain("B", -0.05, p_worse=0.03))),
        bench.policy(slices=Slices(by=("site",), min_rows=50, alpha=0.2)),
        verdict="reject",
        failed=["slices"],
        said=("(gain -0.05, 60% interval ", "with Holm's correction at 0.2"),
    ),
    "three are named, the worst first": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(*worse(bench, 0.001, 0.001, 0.001))),
        verdict="reject",
        failed=["slices"],
        found={"slices": {"estimate": -0.3}},
        said=("worse in site = C (", "site = B (", "site = A (gain -0.1, 90% interval -0.1091 to -0.09094), of 3"),
    ),
    "more are counted": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(*worse(bench, 0.001, 0.001, 0.001, 0.001, 0.001))),
        verdict="reject",
        failed=["slices"],
        found={"slices": {"estimate": -0.5}},
        said=("worse in site = E (", "site = C (gain -0.3, 90% interval -0.3091 to -0.2909) and 2 more, of 5 slices"),
    ),
    "equally bad ones stand by name": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(*(bench.slice_gain(each, -0.1, p_worse=0.001) for each in "BA"))),
        verdict="reject",
        failed=["slices"],
        said=("shown to be worse in site = A (gain -0.1, 90% interval -0.1091 to -0.09094), site = B (",),
    ),
    "small ones are counted and not tested": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(bench.slice_gain("A"), too_small=2)),
        said=("of 1 slices by site (2 more have under 50 rows, or one cluster), with",),
    ),
    "nobody looked": lambda bench: bench.case(
        bench.changed(slices=None),
        verdict="hold",
        failed=["slices"],
        said=("nobody measured the slices that gate.slices names; mend gate.slices in params.yaml",),
    ),
    "nobody was asked to look": lambda bench: bench.case(bench.changed(slices=None), bench.policy(slices=Slices())),
    "measured by another rule": lambda bench: bench.case(
        policy=bench.policy(slices=Slices(by=("site",), min_rows=1000)),
        verdict="hold",
        failed=["slices"],
        said=("slices were measured with min_rows 50, but the policy says 1,000",),
    ),
    "a column is not there": lambda bench: bench.case(
        policy=bench.policy(slices=Slices(by=("site", "town"), min_rows=50)),
        verdict="hold",
        failed=["slices"],
        said=("no slice could be tested by town: no such column, or every slice is too small",),
    ),
    "every slice is too small": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(tested={"site": 0}, too_small=9)),
        verdict="hold",
        failed=["slices"],
        said=("no slice could be tested by site",),
    ),
    "a slice was taken away": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(bench.slice_gain("A"), tested={"site": 2})),
        verdict="hold",
        failed=["slices"],
        said=("2 slices by site were tested, and the evidence holds 1",),
    ),
    "slices of another column do not stand in": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(bench.slice_gain("A"), bench.slice_gain("A", column="town"))),
        verdict="hold",
        failed=["slices"],
        said=("2 slices by site were tested, and the evidence holds 1",),
    ),
    "slices that nobody asked for do not water down the test": lambda bench: bench.case(
        bench.changed(
            slices=bench.sliced(
                bench.slice_gain("B", -0.05, p_worse=0.02),
                *(bench.slice_gain(each, column=column) for column in ("town", "hour") for each in "AB"),
                tested={"site": 1, "town": 2, "hour": 2},
            )
        ),
        verdict="hold",
        failed=["slices"],
        said=("slices by town, hour were tested too, which gate.slices does not name: more tests hide a loss",),
    ),
    "a gain is undefined": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(bench.slice_gain("A"), bench.slice_gain("B", None))),
        verdict="hold",
        failed=["slices"],
        said=("undefined in the slices site = B; ",),
    ),
    "p values are undefined": lambda bench: bench.case(
        bench.changed(slices=bench.sliced(*(bench.slice_gain(each, p_worse=None) for each in "ABCD"))),
        verdict="hold",
        failed=["slices"],
        said=("undefined in the slices site = A, site = B, site = C; ",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_slices(name: str, bench: Bench) -> None:
    """Slices decide as the case says, with the numbers and words that are there."""
    CASES[name](bench).check(gate)
