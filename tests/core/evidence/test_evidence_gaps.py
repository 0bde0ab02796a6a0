"""How far groups are apart, and by how much more under the challenger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.clusters import jackknife
from ratchet.core.evidence.gaps import check_gaps, group_gaps
from ratchet.core.evidence.rows import JudgedRows, Pair
from ratchet.core.findings import GroupGap
from ratchet.core.gate_params import Gap
from ratchet.core.metrics import row_losses
from ratchet.core.params import Gate
from ratchet.errors import UsageError

MakeRows = Callable[..., JudgedRows]
PAIR = Pair("champion", "challenger")
GAPS: Sequence[Gap] = get_args(Gap)
OF_FAIRLEARN = tuple(gap for gap in GAPS if gap != "loss_gap")


def policy(column: str, *gaps: str, alpha: float = 0.05) -> Gate:
    """A gate that limits these gaps."""
    limits = {gap: {"max": 0.1, "alpha": alpha} for gap in gaps}
    return Gate.model_validate({"metric": "log_loss", "fairness": {column: limits}})


def found(rows: JudgedRows, column: str, gap: str) -> GroupGap:
    """The one finding."""
    (one,) = group_gaps(rows, policy(column, gap), PAIR)
    return one


def of_fairlearn(gap: str, rows: JudgedRows, model: str) -> float:
    """Fairlearn's own number, from the rows as they are."""
    said = rows.scores[model][:, 1] >= rows.threshold
    difference: Callable[..., Any] = getattr(metrics, gap)
    return float(difference(rows.target, said.astype(int), sensitive_features=rows.table["origin"]))


@pytest.mark.parametrize("gap", OF_FAIRLEARN)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.3, 0.5, 0.7]))
@settings(max_examples=10, deadline=None)
def test_gaps_are_those_of_fairlearn(make_rows: MakeRows, gap: str, seed: int, threshold: float) -> None:
    """On random tables each model's gap is fairlearn's on the rows, and the increase is their difference."""
    rows = replace(make_rows(seed, days=8, a_day=60, worse=1.0), threshold=threshold)
    one = found(rows, "origin", gap)
    reference, challenger = (of_fairlearn(gap, rows, name) for name in PAIR)
    assert one.reference is not None
    assert one.challenger is not None
    assert one.increase is not None
    assert one.reference.value == pytest.approx(reference)
    assert one.challenger.value == pytest.approx(challenger)
    assert one.increase.value == pytest.approx(challenger - reference)


@pytest.mark.parametrize("gap", OF_FAIRLEARN)
def test_intervals_are_the_jackknife_of_fairlearn(make_rows: MakeRows, gap: str) -> None:
    """To leave clusters out by counting gives what leaving them out of fairlearn's rows gives."""
    rows = make_rows(4, days=7, a_day=60, worse=1.0)
    difference: Callable[..., Any] = getattr(metrics, gap)

    def statistic(*of: Any) -> float:
        target, *said, place = of
        values = [difference(target, each, sensitive_features=place) for each in said]
        return float(values[-1] - (values[0] if len(values) > 1 else 0.0))

    said = [(rows.scores[name][:, 1] >= 0.5).astype(int) for name in PAIR]
    place = rows.table["origin"].to_numpy(dtype=str)
    one = found(rows, "origin", gap)
    for estimate, models in ((one.reference, said[:1]), (one.challenger, said[1:]), (one.increase, said)):
        expected = jackknife(statistic, (rows.target, *models, place), rows.clusters, alpha=0.05)
        assert estimate is not None
        assert estimate.model_dump() == pytest.approx(expected.model_dump())


def test_the_loss_gap_is_of_mean_losses(make_rows: MakeRows) -> None:
    """The largest minus the smallest mean loss over the groups, with the jackknife of the same."""
    rows = make_rows(6, worse=1.0)
    losses = row_losses("log_loss", rows.target, rows.scores["challenger"])
    place = rows.table["origin"].to_numpy(dtype=str)

    def gap(losses: np.ndarray, place: np.ndarray) -> float:
        means = [losses[place == each].mean() for each in ("EWR", "JFK", "LGA")]
        return float(max(means) - min(means))

    one = found(rows, "origin", "loss_gap")
    assert one.challenger is not None
    expected = jackknife(gap, (losses, place), rows.clusters, alpha=0.05)
    assert one.challenger.model_dump() == pytest.approx(expected.model_dump())


def test_quartiles_of_a_number_are_groups(make_rows: MakeRows) -> None:
    """A number of many values is cut at its quartiles, as everywhere."""
    groups = found(make_rows(1), "distance", "demographic_parity_difference").groups
    assert len(groups) == 4
    assert sum(groups.values()) == 1_200


def test_small_groups_are_named_and_left_out(make_rows: MakeRows) -> None:
    """A group of 29 rows changes nothing but the list of what was left out; without two groups nothing is estimated."""
    rows = make_rows(1)
    place = rows.table["origin"].to_numpy(dtype=object, copy=True)
    place[:29] = "XXX"
    marked = replace(rows, table=pd.DataFrame({"origin": place}))
    without = marked.only(place != "XXX")
    one = found(marked, "origin", "equalized_odds_difference")
    assert one.left_out == {"XXX": 29}
    assert one.model_copy(update={"left_out": {}}) == found(without, "origin", "equalized_odds_difference")
    lonely = found(marked.only((place == "EWR") | (place == "XXX")), "origin", "loss_gap")
    assert (list(lonely.groups), lonely.challenger, lonely.reference, lonely.increase) == (["EWR"], None, None, None)


def test_a_group_without_positives_leaves_the_hit_rate_undefined(make_rows: MakeRows) -> None:
    """Its hit rate is of no rows: there is no gap, not one to a rate of 0; the share of positives has one."""
    rows = make_rows(1)
    target = np.where(rows.table["origin"] == "JFK", 0, rows.target).astype(np.int64)
    none = replace(rows, target=target)
    for gap in ("equal_opportunity_difference", "equalized_odds_difference"):
        undefined = found(none, "origin", gap).challenger
        assert undefined is not None
        assert (undefined.value, undefined.high) == (None, None)
    parity = found(none, "origin", "demographic_parity_difference").challenger
    assert parity is not None
    assert parity.value is not None


def test_a_score_that_is_not_finite_leaves_every_gap_undefined(make_rows: MakeRows) -> None:
    """A row that was not scored said neither yes nor no."""
    rows = make_rows(1)
    values = rows.scores["challenger"].copy()
    values[0] = np.nan
    one = found(replace(rows, scores={**rows.scores, "challenger": values}), "origin", "demographic_parity_difference")
    assert one.challenger is not None
    assert one.increase is not None
    assert one.reference is not None
    assert (one.challenger.value, one.increase.value) == (None, None)
    assert one.reference.value is not None


def test_without_the_reference_there_is_no_increase(make_rows: MakeRows) -> None:
    """The challenger's gap stands alone."""
    rows = make_rows(1)
    one = found(replace(rows, scores={"challenger": rows.scores["challenger"]}), "origin", "loss_gap")
    assert one.challenger is not None
    assert (one.reference, one.increase) == (None, None)


def test_every_gap_that_is_asked_for_is_found_where_the_column_is(make_rows: MakeRows) -> None:
    """One finding per column and gap, in the order of names; a column that is not there has none."""
    gaps = group_gaps(make_rows(1), policy("origin", *reversed(GAPS)), PAIR)
    assert [(each.column, each.gap) for each in gaps] == [("origin", gap) for gap in sorted(GAPS)]
    assert group_gaps(make_rows(1), policy("orgin", *GAPS), PAIR) == ()


@pytest.mark.parametrize("gap", OF_FAIRLEARN)
def test_gaps_of_yes_and_no_are_refused_elsewhere(gap: str) -> None:
    """Regression and many classes have a loss gap alone, and the message says so."""
    for task in ("regression", "multiclass"):
        with pytest.raises(UsageError, match=f"gate.fairness.sex.{gap} is of yes or no") as refused:
            check_gaps(policy("sex", gap), task)
        assert "loss_gap" in refused.value.next_step
        check_gaps(policy("sex", "loss_gap"), task)
