"""What measurements show of a condition: known answers, three-valued logic, and how often it is wrong."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ratchet.core.clusters import interval, jackknife
from ratchet.core.conditions.judge import Judged, judge, risk
from ratchet.core.conditions.parse import parse
from ratchet.core.conditions.shown import ORDER, Enough, State, all_of, any_of, opposite
from ratchet.core.conditions.tree import Subject, Where, Whose
from ratchet.core.conditions.words import canonical
from ratchet.core.findings import Estimate
from ratchet.errors import UsageError

TRUE, OPEN, FALSE = "shown true", "not shown", "shown false"


@dataclass(frozen=True)
class Recorded:
    """Measurements by what was asked, as the evidence keeps them."""

    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    costs: Mapping[str, float | None] = field(default_factory=dict)

    def estimate(self, whose: Whose, metric: str, where: Where) -> Estimate | None:
        """The estimate under its canonical text."""
        return self.estimates.get(canonical(Subject(whose, metric, where)))

    def cost(self, whose: Whose, name: str) -> float | None:
        """The cost under its canonical text."""
        return self.costs.get(canonical(Subject(whose, name)))


def estimate(value: float | None, error: float | None = 1.0, **changes: Any) -> Estimate:
    """An estimate of nine clusters: at level 0.05 a bound is 1.8595 standard errors away."""
    known = {"rows": 900, "clusters": 9, "assumed_independent": False, "low": None, "high": None}
    return Estimate(**{"value": value, "standard_error": error, **known, **changes})


def judged(text: str, of: Estimate | None, *, alpha: float = 0.05, enough: Enough | None = None) -> Judged:
    """What `of`, as the gain in the Brier score, shows of a condition about it."""
    found = {} if of is None else {"gain.brier": of}
    return judge(parse(text), Recorded(found), alpha, enough=enough)


@pytest.mark.parametrize(
    ("text", "value", "state"),
    [
        ("gain.brier > 0", 1.87, TRUE),
        ("gain.brier > 0", 1.85, OPEN),
        ("gain.brier > 0", -1.85, OPEN),
        ("gain.brier > 0", -1.87, FALSE),
        ("gain.brier < 0", -1.87, TRUE),
        ("gain.brier < 0", 1.85, OPEN),
        ("gain.brier < 0", 1.87, FALSE),
        ("not gain.brier < 0", 1.87, TRUE),
        ("not gain.brier < 0", 1.85, OPEN),
        ("not gain.brier < 0", -1.87, FALSE),
        ("0 < gain.brier", 1.87, TRUE),
        ("1 - 2 * gain.brier < 1", 1.87, TRUE),
        ("1 - 2 * gain.brier < 1", 1.85, OPEN),
        ("1 - 2 * gain.brier < 1", -1.87, FALSE),
        ("-gain.brier / 4 >= 0.25", -2.87, TRUE),
        ("-gain.brier / 4 >= 0.25", -2.85, OPEN),
        ("gain.brier > 0 at 0.01", 2.89, OPEN),
        ("gain.brier > 0 at 0.01", 2.90, TRUE),
        ("gain.brier between -2 and 2", 0.0, TRUE),
        ("gain.brier between -2 and 2", 0.2, OPEN),
        ("gain.brier between -2 and 2", 3.85, OPEN),
        ("gain.brier between -2 and 2", 3.87, FALSE),
        ("gain.brier between -2 and 2", -3.87, FALSE),
        ("2 * gain.brier between -4 and 4", 0.0, TRUE),
        ("-gain.brier between -9 and 2", -3.87, FALSE),
    ],
)
def test_known_answers(text: str, value: float, state: State) -> None:
    """With nine clusters t is 1.8595 at 0.05 and 2.8965 at 0.01: bounds on either side of a limit decide."""
    assert (1.8595, 2.8965) == pytest.approx(stats.t.ppf([0.95, 0.99], 8), abs=1e-4)
    assert state == judged(text, estimate(value)).state


@pytest.mark.parametrize(
    ("relation", "states"),
    [
        (">", (FALSE, FALSE, TRUE)),
        (">=", (FALSE, TRUE, TRUE)),
        ("<", (TRUE, FALSE, FALSE)),
        ("<=", (TRUE, TRUE, FALSE)),
    ],
)
def test_limits_themselves(relation: str, states: tuple[State, ...]) -> None:
    """A number known exactly is compared as numbers are: 1 is >= 1 and not > 1."""
    found = tuple(judged(f"gain.brier {relation} 1", estimate(value, 0.0)).state for value in (0.9, 1.0, 1.1))
    assert states == found


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (None, "gain.brier was not measured"),
        (estimate(None, None), "gain.brier is undefined on these 900 rows"),
        (estimate(None, None, rows=0, clusters=0), "gain.brier has no rows"),
        (estimate(9.0, None), "gain.brier has no interval that is finite"),
        (estimate(9.0, 0.0, clusters=1), "gain.brier comes from 1 cluster, and 2 are needed"),
        (estimate(9.0, 0.0, rows=29, clusters=29, assumed_independent=True), "comes from 29 rows, and 30 are needed"),
        (estimate(1e308, 1e308), "gain.brier has no interval that is finite"),
        (Estimate.model_construct(**{**estimate(9.0).model_dump(), "value": math.nan}), "no interval that is finite"),
        (Estimate.model_construct(**{**estimate(9.0).model_dump(), "standard_error": math.nan}), "no interval"),
    ],
)
@pytest.mark.parametrize(
    "text", ["gain.brier > 0", "gain.brier < 0", "not gain.brier < 0", "gain.brier between 0 and 99"]
)
def test_what_is_not_known_shows_nothing(text: str, of: Estimate | None, why: str) -> None:
    """Missing, undefined, empty, without an interval, or from too little: not shown, in either direction."""
    found = judged(text, of)
    assert OPEN == found.state
    assert why in found.sentence


def test_more_clusters_can_be_asked_for() -> None:
    """`enough` is the gate's own rule: below it nothing is shown, from it on the same estimate is."""
    of = estimate(9.0)
    assert TRUE == judged("gain.brier > 0", of, enough=Enough(clusters=9)).state
    found = judged("gain.brier > 0", of, enough=Enough(clusters=10))
    assert OPEN == found.state
    assert "comes from 9 clusters, and 10 are needed" in found.sentence


@pytest.mark.parametrize("clusters", [7, 200])
def test_bounds_are_those_of_the_evaluation(clusters: int) -> None:
    """At the level of the evaluation the bounds are its own, for a mean of losses and for a jackknife alike."""
    rng = np.random.default_rng(3)
    values, groups = rng.normal(size=1000), np.arange(1000) % clusters
    mean = interval(values, groups, alpha=0.05)
    area = jackknife(lambda rows: float(np.median(rows)), (values,), groups, alpha=0.05)
    measures = Recorded({"gain.brier": mean, "gain.roc_auc": area})
    found = judge(parse("gain.brier > 0 and gain.roc_auc > 0"), measures, 0.05).parts
    assert [(mean.low, mean.high), (area.low, area.high)] == [(each.low, each.high) for each in found]


COSTS = {"challenger.latency_p95_ms": 12.0, "champion.latency_p95_ms": 10.0, "challenger.model_mb": 3.0}


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("challenger.latency_p95_ms <= 1.25 * champion.latency_p95_ms", TRUE),
        ("challenger.latency_p95_ms <= 1.2 * champion.latency_p95_ms", TRUE),
        ("challenger.latency_p95_ms < 1.2 * champion.latency_p95_ms", FALSE),
        ("challenger.latency_p95_ms / champion.latency_p95_ms > 1.1", TRUE),
        ("-challenger.latency_p95_ms + 15 >= 3", TRUE),
        ("challenger.latency_p95_ms between 12 and 13", TRUE),
        ("challenger.latency_p95_ms between champion.latency_p95_ms and 11", FALSE),
        ("challenger.model_mb <= champion.model_mb", OPEN),
        ("not challenger.model_mb <= champion.model_mb", OPEN),
        ("challenger.latency_p95_ms / (champion.latency_p95_ms - 10) > 1", OPEN),
        ("challenger.model_mb * 1e308 * 10 > 1", OPEN),
    ],
)
def test_costs_are_compared_as_they_are(text: str, state: State) -> None:
    """Costs have no interval: they are compared point by point, and what was not measured shows nothing."""
    assert state == judge(parse(text), Recorded(costs=COSTS), 0.05).state


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_costs_that_are_no_numbers_show_nothing(value: float | None) -> None:
    """A cost that is NaN, infinite or missing is not shown to be anything."""
    for text in ("challenger.model_mb < 3", "challenger.model_mb >= 3", "challenger.model_mb between 0 and 9"):
        found = judge(parse(text), Recorded(costs={"challenger.model_mb": value}), 0.05)
        assert OPEN == found.state
        assert "challenger.model_mb was not measured" in found.sentence


def test_kleene_truth_tables() -> None:
    """Kleene's strong tables: `and` is the least, `or` the greatest, `not` turns the ends around."""
    tables = {(TRUE, TRUE): (TRUE, TRUE), (TRUE, OPEN): (OPEN, TRUE), (TRUE, FALSE): (FALSE, TRUE)}
    tables |= {(OPEN, OPEN): (OPEN, OPEN), (OPEN, FALSE): (FALSE, OPEN), (FALSE, FALSE): (FALSE, FALSE)}
    for a, b in itertools.product(ORDER, repeat=2):
        expected = tables.get((a, b)) or tables[b, a]
        assert expected == (all_of((a, b)), any_of((a, b)))
        assert opposite(all_of((a, b))) == any_of((opposite(a), opposite(b)))
    assert tuple(reversed(ORDER)) == tuple(map(opposite, ORDER))


VALUES: dict[State, float] = {"shown true": 9.0, "not shown": 0.1, "shown false": -9.0}
MADE = st.recursive(
    st.sampled_from(ORDER),
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=6,
)


def written(made: Any, measures: dict[str, Estimate]) -> tuple[str, State]:
    """A condition whose comparisons have the given states, and its state by Kleene's tables."""
    if isinstance(made, str):
        name = f"gain.m{len(measures)}"
        state = next(each for each in ORDER if each == made)
        measures[name] = estimate(VALUES[state])
        return f"{name} > 0", state
    word, *inner = made
    parts = [written(each, measures) for each in inner]
    if word == "not":
        return f"not ({parts[0][0]})", opposite(parts[0][1])
    joined = f" {word} ".join(f"({text})" for text, _ in parts)
    return joined, (all_of if word == "and" else any_of)(state for _, state in parts)


@given(MADE)
def test_logic_is_kleenes(made: Any) -> None:
    """Whatever the tree, the state follows from those of its comparisons; its sentence has one of theirs."""
    measures: dict[str, Estimate] = {}
    text, state = written(made, measures)
    found = judge(parse(text), Recorded(measures), 0.05)
    assert state == found.state
    assert [f"{name} > 0" for name in measures] == [each.text for each in found.parts]
    assert any(each.sentence in found.sentence for each in found.parts)


def test_the_sentence_says_what_decides() -> None:
    """The sentence has the state, the decisive comparisons alone, and their numbers at their own levels."""
    measures = Recorded({"gain.brier": estimate(3.0), "gain.ece": estimate(0.5, clusters=12, rows=1200)})
    found = judge(parse("gain.brier > 0 and 2 * gain.ece > 0.2 at 0.01"), measures, 0.05)
    assert found.sentence == (
        "not shown, as 2 * gain.ece > 0.2 at 0.01 is not shown: gain.ece is 0.5, between -2.218 and 3.218 "
        "at level 0.01, against 0.1 (1,200 rows in 12 clusters)"
    )
    assert found.parts[0].sentence == (
        "gain.brier > 0 is shown true: gain.brier is 3, at least 1.14 at level 0.05 (900 rows in 9 clusters)"
    )
    cost = judge(parse("challenger.model_mb < 2"), Recorded(costs=COSTS), 0.05)
    assert cost.sentence == "challenger.model_mb < 2 is shown false: challenger.model_mb is 3"


def test_numbers_that_differ_look_different() -> None:
    """A bound that misses its limit by little is not written as if it were the limit."""
    found = judged("gain.brier - 0 > 0.5", estimate(0.500001, 0.000001))
    assert OPEN == found.state
    assert "between 0.499999 and 0.500003" in found.sentence


def test_numbers_of_the_parts_are_plain() -> None:
    """A part has its limits, bounds, level and data for a record; what is not known is None."""
    (part,) = judged("2 * gain.brier between -8 and 4", estimate(0.0)).parts
    assert (0.0, -4.0, 2.0, 0.05) == (part.value, part.least, part.most, part.level)
    assert (-1.8595, 1.8595) == pytest.approx((part.low, part.high), abs=1e-4)
    assert (900, 9) == (part.rows, part.clusters)
    (part,) = judged("gain.brier > 0", None).parts
    assert (None, None, None, None) == (part.value, part.low, part.high, part.rows)


@pytest.mark.parametrize("alpha", [0.0, 0.6, math.nan])
def test_a_bad_level_is_refused(alpha: float) -> None:
    """A level that is no one-sided risk is an error, not an answer."""
    with pytest.raises(UsageError, match="alpha is a one-sided risk"):
        judged("gain.brier > 0", estimate(9.0), alpha=alpha)


def test_unchecked_nonsense_is_refused() -> None:
    """A condition that `check` would refuse is not judged either."""
    for text in ("gain.brier > gain.ece", "gain.model_mb > 0", "challenger.model_mb < gain.brier", "1 < 2"):
        with pytest.raises(UsageError, match=r"\^"):
            judge(parse(text), Recorded(), 0.05)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gain.brier > 0", 0.1),
        ("gain.brier > 0 at 0.05", 0.05),
        ("gain.brier > 0 and gain.ece > 0 at 0.05", 0.1),
        ("gain.brier > 0 or gain.ece > 0 at 0.05", 0.15),
        ("not (gain.brier < 0 or gain.ece < 0)", 0.1),
        ("not (gain.brier < 0 and gain.ece < 0)", 0.2),
        ("gain.brier between -1 and 1", 0.1),
        ("not gain.brier between -1 and 1", 0.2),
        ("challenger.model_mb < 3 or gain.brier > 0", 0.1),
        (" or ".join(["gain.brier > 0"] * 12), 1.0),
    ],
)
def test_risks_add_up_as_logic_wants(text: str, expected: float) -> None:
    """All parts needed: the largest level; any part enough: their sum; costs carry none."""
    assert expected == pytest.approx(risk(parse(text), 0.1))
    assert expected == pytest.approx(judge(parse(text), Recorded(), 0.1).risk)


@pytest.mark.parametrize(
    "text",
    [
        "gain.brier > 0",
        "gain.brier > 0 and gain.ece > 0",
        "gain.brier > 0 or gain.ece > 0",
        "not (gain.brier <= 0 and gain.ece <= 0)",
        "not gain.brier between 0 and 0.001",
    ],
)
def test_conditions_that_do_not_hold_are_rarely_shown(text: str) -> None:
    """Where nothing is gained, a condition that asks for a gain is shown true no more often than its risk says."""
    rng, trials, days = np.random.default_rng(7), 600, 10
    requirement, shown = parse(text), 0
    for _ in range(trials):
        fates = rng.normal(size=(2, days))
        error = fates.std(axis=1, ddof=1) / math.sqrt(days)
        estimates = {
            name: estimate(float(mean), float(each), rows=days, clusters=days)
            for name, mean, each in zip(("gain.brier", "gain.ece"), fates.mean(axis=1), error, strict=True)
        }
        shown += judge(requirement, Recorded(estimates), 0.05).state == TRUE
    allowed = risk(requirement, 0.05)
    assert shown / trials < allowed + 3 * math.sqrt(allowed * (1 - allowed) / trials)
    if allowed > 0.05:
        assert shown / trials > 0.06, "the levels of an or do add up"
