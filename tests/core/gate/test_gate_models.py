"""The two models: the challenger is another one than what serves, was compared with that, and is measured whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from ratchet.core import gate

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case

CASES: Mapping[str, Callable[[Bench], Case]] = {
    "another model than what serves": lambda bench: bench.case(
        said=(
            "different: the challenger is another model than the champion; \n",
            "reference: version 3 serves, and the challenger was compared with the champion; \n",
            "metrics of the challenger are defined; \n",
        )
    ),
    "the champion itself": lambda bench: bench.case(
        bench.changed(challenger_is_champion=True),
        verdict="hold",
        failed=["different"],
        said=("the challenger is the champion itself; train on new data, or with other code or parameters",),
    ),
    "the baseline, while nothing serves": lambda bench: bench.case(
        bench.changed(reference="baseline", champion=None),
        said=(
            "reference: nothing serves, and the challenger was compared with the baseline; \n",
            "required: better than the baseline",
        ),
    ),
    "the baseline, while a version serves": lambda bench: bench.case(
        bench.changed(reference="baseline"),
        verdict="hold",
        failed=["reference"],
        said=("version 3 serves, and the challenger was compared with the baseline; evaluate against what serves",),
    ),
    "the first version serves": lambda bench: bench.case(
        bench.changed(reference="baseline", champion=0), verdict="hold", failed=["reference"]
    ),
    "a champion, while nothing serves": lambda bench: bench.case(
        bench.changed(champion=None), verdict="hold", failed=["reference"]
    ),
    "a metric is missing": lambda bench: bench.case(
        bench.without("ece", "average_precision"),
        verdict="hold",
        failed=["measured"],
        said=(
            "not measured, or undefined, for the challenger: average_precision, ece; scores that are finite, and rows "
            "on which every metric is defined",
        ),
    ),
    "a metric is undefined": lambda bench: bench.case(
        bench.metric("ece", challenger=bench.estimate(None, None)), verdict="hold", failed=["measured"]
    ),
    "a metric of zero is one": lambda bench: bench.case(bench.metric("ece", challenger=bench.estimate(0.0))),
}


@pytest.mark.parametrize("name", CASES)
def test_models(name: str, bench: Bench) -> None:
    """The models are looked at as the case says."""
    CASES[name](bench).check(gate)
