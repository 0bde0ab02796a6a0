"""A look at sealed rows is one question; other prices are another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ratchet.core.cost_params import PricedBy
from ratchet.core.decision import Provenance
from ratchet.core.gate.charged import question_of

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench

MADE = Provenance(
    challenger="c" * 64,
    champion=None,
    champion_entry=None,
    code="f" * 64,
    holdout={"2013-07": "0" * 64},
    trained_on={},
    seed=0,
    libraries={},
)
MATRIX = PricedBy.model_validate({"matrix": [[0, 1], [5, 0]]})


@pytest.mark.parametrize(("by", "asks_anew"), [(MATRIX, False), (PricedBy(function="costs:dose"), True), (None, False)])
def test_other_code_is_another_question_where_code_prices(bench: Bench, by: PricedBy | None, asks_anew: bool) -> None:
    """The room may change as it likes, unless one of its functions says what the sealed rows cost."""
    policy = bench.policy(priced={"cost_x": by} if by else {})
    changed = MADE.model_copy(update={"code": "0" * 64})
    questions = [question_of(bench.changed(provenance=made), policy) for made in (MADE, changed)]
    assert (questions[0] != questions[1]) == asks_anew


def test_another_matrix_is_another_question(bench: Bench) -> None:
    """Nobody asks the same rows twice by moving a price."""
    dearer = PricedBy.model_validate({"matrix": [[0, 1], [6, 0]]})
    policies = [bench.policy(priced={"cost_x": by}) for by in (MATRIX, dearer)]
    one, other = (question_of(bench.changed(provenance=MADE), policy) for policy in policies)
    assert one != other
