"""Regions in which a challenger is worse, found without being told where to look."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ratchet.core.clusters import Groups
from ratchet.core.evidence.discovered import Limits, discover
from ratchet.core.evidence.regions import Region
from ratchet.core.evidence.rows import JudgedRows, Pair
from ratchet.core.evidence.sliced import Sliced
from ratchet.core.slicing import gains_by

MakeRows = Callable[..., JudgedRows]
PAIR = Pair("champion", "challenger")
ROWS, DAYS = 4_000, 40


def drawn(seed: int, *, lost: float) -> JudgedRows:
    """Eight columns; where region is r1 and x0 above its upper quartile, 8 % of the rows, losses rise by `lost`."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame({f"x{each}": random.normal(size=ROWS) for each in range(5)}).assign(
        region=random.choice(["r0", "r1", "r2"], ROWS),
        kind=random.choice(["a", "b"], ROWS),
        size=random.choice([1, 2], ROWS),
    )
    day = random.integers(0, DAYS, ROWS)
    corner = ((table["region"] == "r1") & (table["x0"] > 0.674)).to_numpy()
    base = 2 + random.exponential(1, ROWS)
    change = base + lost * corner + random.normal(0, 0.2, ROWS) + random.normal(0, 0.05, DAYS)[day]
    champion, challenger = np.sqrt(base), np.sqrt(change)
    return JudgedRows(
        task="regression",
        target=np.zeros(ROWS),
        scores={"champion": champion[:, None], "challenger": challenger[:, None]},
        clusters=day,
        table=table,
    )


def limits(alpha: float = 0.05, *, min_rows: int = 120) -> Limits:
    return Limits(alpha=alpha, min_rows=min_rows, min_clusters=7)


def regions(rows: JudgedRows, alpha: float = 0.05) -> tuple[Region, ...]:
    """Where the challenger loses, in regions of 120 rows and more."""
    return discover(rows, "squared_error", PAIR, limits(alpha)).losing.found


def columns(region: Region) -> set[str]:
    return {column for column, _ in region.where}


@pytest.mark.parametrize("clustered", [True, False])
def test_a_bad_corner_of_two_columns_is_found_first(clustered: bool) -> None:
    """In at least 9 of 10 draws the planted corner is the worst region, with its loss estimated."""
    hits = 0
    for seed in range(10):
        rows = drawn(seed, lost=0.5)
        found = regions(rows if clustered else replace(rows, clusters=None))
        if found and columns(found[0]) == {"x0", "region"} and "region = r1" in found[0].name:
            hits += 1
            low, high = found[0].gain.low, found[0].gain.high
            assert low is not None
            assert high is not None
            assert low < -0.45 < high + 0.1  # a quartile is not the corner's very edge
            assert found[0].reference - found[0].challenger == pytest.approx(found[0].gain.value)
    assert hits >= 9


@pytest.mark.parametrize("clustered", [True, False])
def test_where_a_model_is_worst_at_all_is_found(clustered: bool) -> None:
    """A corner in which both models lose more than elsewhere is no loss against the other, and is the hardest."""
    hits = 0
    for seed in range(10):
        rows = drawn(seed, lost=0.5)
        same = dict.fromkeys(PAIR, rows.scores["challenger"])
        rows = replace(rows, scores=same, clusters=rows.clusters if clustered else None)
        losing, hardest = discover(rows, "squared_error", PAIR, limits())
        assert losing.found == ()
        assert (losing.looked_at, losing.reason) == (hardest.looked_at, "")
        hits += any(columns(each) <= {"x0", "region"} for each in hardest.found)
        for each in hardest.found:
            assert each.gain.value == pytest.approx(each.reference - each.challenger)
    assert hits >= 7  # the noise of a loss is several times that of a difference of two


def test_a_model_that_is_as_good_everywhere_has_no_hardest_region_but_by_agreed_luck() -> None:
    """Of 60 draws at level 0.1, with days that are bad for all rows, regions are named no more than luck allows."""
    named = 0
    for seed in range(60):
        rows = drawn(seed, lost=0.0)
        day = np.asarray(rows.clusters)
        bad = np.random.default_rng(seed).normal(0, 1, DAYS)[day][:, None]
        rows = replace(rows, scores={name: np.sqrt(scores**2 + bad**2) for name, scores in rows.scores.items()})
        named += bool(discover(rows, "squared_error", PAIR, limits(0.1)).hardest.found)
    assert named <= 12  # at 6 expected, more are seen once in 100 times


def test_where_nothing_is_worse_nothing_is_found_but_by_agreed_luck() -> None:
    """Of 60 draws with equal models at level 0.1, regions are named in no more than luck allows."""
    named = sum(bool(regions(drawn(seed, lost=0.0), alpha=0.1)) for seed in range(60))
    assert named <= 12  # at 6 expected, more are seen once in 100 times


def test_the_same_region_is_not_named_twice() -> None:
    """A whole bad category is one finding, without the parts of it that are bad as well."""
    rows = drawn(3, lost=0.0)
    bad = (rows.table["kind"] == "a").to_numpy()
    worse = np.where(bad, rows.scores["champion"][:, 0] * 2, rows.scores["champion"][:, 0])
    found = regions(replace(rows, scores={**rows.scores, "challenger": worse[:, None]}))
    assert [each.where for each in found] == [(("kind", "= a"),)]
    assert found[0].gain.rows < found[0].rows == bad.sum()  # the half that tests, and both


def test_bounds_hold_for_all_that_were_tested_and_agree_with_the_test() -> None:
    """What is named has a bound at or below 0, and the wider one is further away than that of a single region."""
    answer = discover(drawn(2, lost=0.5), "squared_error", PAIR, limits()).losing
    assert answer.tested >= len(answer.found) >= 1
    for each in answer.found:
        assert each.p <= answer.alpha
        assert each.gain.low is not None
        assert each.gain.high is not None
        assert each.gain.high <= 0
        assert each.gain.value is not None
        assert each.gain.standard_error is not None
        assert each.gain.value - each.gain.low > 1.7 * each.gain.standard_error  # Student's t at 0.05 is at least 1.64


def test_small_regions_single_models_and_undefined_losses_say_why(make_rows: MakeRows) -> None:
    """Regions of fewer rows than asked for are not looked at; what has no gain, or too few clusters, has a reason."""
    rows = drawn(1, lost=5.0)
    assert discover(rows, "squared_error", PAIR, limits(min_rows=ROWS)).losing.looked_at == 0
    alone = discover(replace(rows, scores={"challenger": rows.scores["challenger"]}), "squared_error", PAIR, limits())
    assert alone.losing.reason == "the champion has no scores on these rows"
    assert alone.hardest.looked_at > 0
    unscored = discover(replace(rows, scores={"champion": rows.scores["champion"]}), "squared_error", PAIR, limits())
    assert [each.reason for each in unscored] == ["the challenger has no scores on these rows"] * 2
    broken = rows.scores["challenger"].copy()
    broken[0] = np.nan
    undefined = discover(replace(rows, scores={**rows.scores, "challenger": broken}), "squared_error", PAIR, limits())
    assert [each.reason for each in undefined] == ["squared_error is not finite in some row"] * 2
    few = discover(make_rows(1, days=12), "log_loss", PAIR, limits()).losing
    assert (few.reason, few.clusters) == ("a half has 6 clusters, and 7 are needed", 12)


def test_a_table_of_cells_counts_as_the_general_way_does() -> None:
    """All three ways to measure slices give the same rows, means, errors and clusters."""
    random = np.random.default_rng(5)
    codes, gains, clusters = random.integers(0, 6, 500), random.normal(size=500), random.integers(0, 9, 500)
    for groups, few_rows in ((Groups(clusters, 9), gains), (Groups(np.arange(500), 500, independent=True), gains)):
        sliced = Sliced(gains=few_rows, groups=groups, slices=[codes], widths=[6], least=1, few=2)
        one = sliced.gain(codes == 3)
        expected = gains_by(np.where(codes == 3, 0, -1), 1, few_rows, groups)
        assert (one.rows[0], one.clusters[0]) == (expected.rows[0], expected.clusters[0])
        assert (one.mean[0], one.error[0]) == pytest.approx((expected.mean[0], expected.error[0]))
    wide = Sliced(gains=gains, groups=Groups(np.arange(500) // 2, 250), slices=[codes, codes], widths=[6, 6],
                  least=1, few=2)  # fmt: skip
    assert wide.scan().looked_at == 5 + 5 + 5  # slice 0 is none; two columns that are the same meet in five places


def test_many_rows_and_columns_take_seconds() -> None:
    """50,000 rows and 16 columns, with 120 pairs of them, in well under 10 seconds of work."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({f"x{each}": random.normal(size=50_000) for each in range(16)})
    rows = JudgedRows(
        task="regression",
        target=np.zeros(50_000),
        scores={name: random.normal(size=(50_000, 1)) for name in PAIR},
        clusters=random.integers(0, 30, 50_000),
        table=table,
    )
    start = time.process_time()
    discover(rows, "squared_error", PAIR, limits(min_rows=400))
    assert time.process_time() - start < 5
