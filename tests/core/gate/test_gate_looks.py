"""What a look at sealed rows may risk: the level that it was charged at, and nothing where it was not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from ratchet.core import gate
from ratchet.core.alpha_level import Level
from ratchet.core.cost_params import PricedBy
from ratchet.core.decision import Look, Provenance
from ratchet.core.gate.charged import question_of
from ratchet.core.gate_params import Reuse
from ratchet.core.leakage.records import Shared
from ratchet.core.manifest import digest_of

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case

    from ratchet.core.decision import Evidence
    from ratchet.core.gate_params import Gate

MONTHS = [f"2013-{month:02}" for month in range(1, 13)]
LEDGER = Reuse(policy="ledger")
MADE = Provenance(
    challenger="c" * 64,
    champion="d" * 64,
    champion_entry="e" * 64,
    code="f" * 64,
    holdout={"2013-07": "0" * 64},
    trained_on={"2013-06": "1" * 64},
    seed=0,
    libraries={},
)


def level(**known: Any) -> Level:
    """The third look at a batch."""
    usual: dict[str, Any] = {
        "alpha": 0.002, "run": 3, "promotions": 0, "unknown": 0, "fresh": False, "cached": False, "answer": None,
        "runs_left": 17, "exhausted": "",
    }  # fmt: skip
    return Level(**(usual | known))


def sealed(bench: Bench, **known: Any) -> Gate:
    """A policy that seals the rows."""
    return bench.policy(reuse=LEDGER, **known)


def looked(bench: Bench, spent: Level | None, made: Mapping[str, Any] | None = None, **known: Any) -> Evidence:
    """Evidence of a look that was charged; `made`: what is another since then."""
    before = bench.changed(provenance=MADE, **known)
    question = question_of(before, sealed(bench))
    assert question is not None
    now = MADE.model_copy(update=dict(made or {}))
    return before.model_copy(update={"provenance": now, "look": Look(question=question, level=spent)})


def another(bench: Bench, **made: Any) -> Case:
    """The look that was charged was about something else."""
    return bench.case(
        looked(bench, level(), made),
        sealed(bench),
        verdict="hold",
        failed=["charged", "better"],
        said=("the look that was charged is another one: other rows, models or rules; ratchet run charges anew; new",),
    )


def priced(bench: Bench, **made: Any) -> Case:
    """A policy that prices rows by a function of the room; `made`: what is another since the look was charged."""
    policy = sealed(bench, priced={"cost_delay": PricedBy(function="prices:delay")})
    before = bench.changed(provenance=MADE)
    question = question_of(before, policy)
    assert question is not None
    now = before.model_copy(
        update={"provenance": MADE.model_copy(update=made), "look": Look(question=question, level=level())}
    )
    if not made:
        return bench.case(now, policy)
    return bench.case(now, policy, verdict="hold", failed=["charged", "better"])


CASES: Mapping[str, Callable[[Bench], Case]] = {
    "a later look spends what its budget leaves": lambda bench: bench.case(
        looked(bench, level()),
        sealed(bench),
        found={"charged": {"threshold": 0.002}, "better": {"low": 0.0014188, "high": 0.038581}},
        said=(
            "charged: look 3 at 2013-07, at level 0.002; 17 more are in the budget; \n",
            "99.6% interval +0.0014 to +0.0386 (above 0: the challenger is better); required: better than the "
            "champion, p below 0.002; found: p 0.001; \n",
        ),
    ),
    "open rows leak": lambda bench: bench.case(
        looked(bench, level(), leakage_open=bench.clean.model_copy(update={"exact": Shared(rows=100, expected=3.0)})),
        sealed(bench),
        verdict="reject",
        failed=["leakage:open"],
    ),
    "nobody looked whether open rows leak": lambda bench: bench.case(
        looked(bench, level(), leakage_open=None), sealed(bench), verdict="hold", failed=["leakage:open"]
    ),
    "the level decides, and not the policy's": lambda bench: bench.case(
        looked(bench, level(alpha=0.0005)),
        sealed(bench),
        verdict="hold",
        failed=["better"],
        found={"charged": {"threshold": 0.0005}},
    ),
    "a p of exactly the level is not below it": lambda bench: bench.case(
        looked(bench, level(alpha=0.001)), sealed(bench), verdict="hold", failed=["better"]
    ),
    "the first look": lambda bench: bench.case(
        looked(bench, level(alpha=0.1, run=1, fresh=True, runs_left=None)),
        sealed(bench),
        said=("charged: look 1, the first at 2013-07, at level 0.1; \n",),
    ),
    "harm is shown at the policy's level, whatever a look may spend": lambda bench: bench.case(
        looked(bench, level(), comparison=bench.compared(p_better=0.95, p_worse=0.05)),
        sealed(bench),
        verdict="reject",
        failed=["better"],
    ),
    "the budget is exhausted": lambda bench: bench.case(
        looked(bench, level(alpha=0.0, exhausted="all 20 runs of the budget are spent")),
        sealed(bench),
        verdict="hold",
        failed=["charged", "better"],
        said=(
            "the rows judge no further challenger: all 20 runs of the budget are spent; new rows: the next batch has "
            "a budget of its own\n",
        ),
    ),
    "an exhausted budget spends nothing, whatever else is said": lambda bench: bench.case(
        looked(bench, level(alpha=0.5, exhausted="all 20 runs of the budget are spent")),
        sealed(bench),
        verdict="hold",
        failed=["charged", "better"],
        found={"charged": {"threshold": 0.0}, "better": {"low": 0.013139, "high": 0.026861}},
        said=("80% interval +0.0131 to +0.0269", "p below 0; found"),
    ),
    "nobody charged": lambda bench: bench.case(
        bench.changed(provenance=MADE),
        sealed(bench),
        verdict="hold",
        failed=["charged", "better"],
        budget="no look was charged",
        said=("nobody charged this look at the sealed rows: ratchet run does, before the gate",),
    ),
    "nobody knows what was asked": lambda bench: bench.case(
        looked(bench, level()).model_copy(update={"provenance": None}),
        sealed(bench),
        verdict="hold",
        failed=["charged", "better"],
        said=("nobody charged this look",),
    ),
    "could not be charged": lambda bench: bench.case(
        looked(bench, None),
        sealed(bench),
        verdict="hold",
        failed=["charged", "better"],
        said=("this look at the sealed rows could not be charged: no reason was given",),
    ),
    "could not be charged, and why": lambda bench: bench.case(
        looked(bench, None).model_copy(
            update={"look": Look(question=_question(bench), level=None, problem="the remote is away")}
        ),
        sealed(bench),
        verdict="hold",
        failed=["charged", "better"],
        said=("this look at the sealed rows could not be charged: the remote is away",),
    ),
    "another challenger": lambda bench: another(bench, challenger="9" * 64),
    "another champion": lambda bench: another(bench, champion_entry="9" * 64),
    "nothing served then": lambda bench: another(bench, champion_entry=None),
    "other rows": lambda bench: another(bench, holdout={"2013-07": "9" * 64}),
    "another batch": lambda bench: another(bench, holdout={"2013-08": "0" * 64}),
    "another policy": lambda bench: bench.case(
        looked(bench, level()), sealed(bench, min_clusters=8), verdict="hold", failed=["charged", "better"]
    ),
    "the same code of the room, which prices rows": priced,
    "other code of the room, which prices rows": lambda bench: priced(bench, code="9" * 64),
    "other code of the room, which prices nothing": lambda bench: bench.case(
        looked(bench, level(), {"code": "9" * 64}), sealed(bench)
    ),
    "another gate": lambda bench: bench.case(
        looked(bench, level()).model_copy(update={"rules": "9" * 64}),
        sealed(bench),
        verdict="hold",
        failed=["charged", "better"],
        said=("other rows, models or rules; ratchet run charges anew",),
    ),
    "the same gate": lambda bench: bench.case(looked(bench, level(), rules="8" * 64), sealed(bench)),
    "another margin, of a refit": lambda bench: bench.case(
        looked(bench, level()).model_copy(update={"refit": True}),
        sealed(bench),
        verdict="hold",
        failed=["charged", "better"],
    ),
    "a question is charged to the newest of its batches, whatever their order": lambda bench: bench.case(
        bench.changed(
            provenance=MADE.model_copy(
                update={"holdout": dict.fromkeys(reversed(MONTHS), "0" * 64), "champion_entry": None}
            ),
            look=Look(
                question=_question(bench).model_copy(
                    update={
                        "holdout": digest_of({"newest": MONTHS[-1]}),
                        "rows": digest_of(dict.fromkeys(MONTHS, "0" * 64)),
                        "champion": "baseline",
                    }
                ),
                level=level(),
            ),
        ),
        sealed(bench),
    ),
    "what nobody asks of open rows": lambda bench: bench.case(
        looked(bench, level(alpha=0.0, exhausted="all is spent")), said=("p below 0.1",)
    ),
}


def _question(bench: Bench) -> Any:
    return question_of(bench.changed(provenance=MADE), sealed(bench))


@pytest.mark.parametrize("name", CASES)
def test_looks(name: str, bench: Bench) -> None:
    """A look spends what the case says."""
    CASES[name](bench).check(gate)


def test_a_question_is_told_by_all_that_was_asked(bench: Bench) -> None:
    """The same rows under the same names, whatever came late for them, are one holdout; their content is their rows."""
    first = question_of(bench.changed(provenance=MADE), sealed(bench))
    late = {"2013-07": "0" * 64, "2013-07.late-1": "9" * 64}
    second = question_of(bench.changed(provenance=MADE.model_copy(update={"holdout": late})), sealed(bench))
    assert first is not None
    assert second is not None
    assert first.holdout == second.holdout
    assert first.rows != second.rows
    assert ("c" * 64, "e" * 64) == (first.challenger, first.champion)
