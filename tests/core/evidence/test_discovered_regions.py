"""Regions in which a challenger is worse, found without being told where to look."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ratchet.core.evidence.discovered import worst_regions
from ratchet.core.evidence.rows import JudgedRows, Pair
from ratchet.core.findings import SliceGain

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


def regions(rows: JudgedRows, alpha: float = 0.05) -> tuple[SliceGain, ...]:
    """What is found with halves of 60 rows and more."""
    return worst_regions(rows, "squared_error", PAIR, alpha=alpha, min_rows=60)


@pytest.mark.parametrize("clustered", [True, False])
def test_a_bad_corner_of_two_columns_is_found_first(clustered: bool) -> None:
    """In at least 9 of 10 draws the planted corner is the worst region, with its loss estimated."""
    hits = 0
    for seed in range(10):
        rows = drawn(seed, lost=0.5)
        found = regions(rows if clustered else replace(rows, clusters=None))
        if found and {*found[0].column.split(" and ")} == {"x0", "region"} and "r1" in found[0].value:
            hits += 1
            assert found[0].gain.high is not None
            assert found[0].gain.low is not None
            assert found[0].gain.low < -0.45 < found[0].gain.high + 0.1  # a quartile is not the corner's very edge
    assert hits >= 9


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
    assert [(each.column, each.value) for each in found] == [("kind", "a")]
    assert found[0].gain.rows < bad.sum()  # the half that tests


def test_small_regions_single_models_and_undefined_losses_say_nothing(make_rows: MakeRows) -> None:
    """Regions of fewer rows than asked for are not tested, and neither is what has no gain."""
    rows = drawn(1, lost=5.0)
    assert worst_regions(rows, "squared_error", PAIR, alpha=0.05, min_rows=ROWS) == ()
    assert regions(replace(rows, scores={"challenger": rows.scores["challenger"]})) == ()
    broken = rows.scores["challenger"].copy()
    broken[0] = np.nan
    assert regions(replace(rows, scores={**rows.scores, "challenger": broken})) == ()
    assert worst_regions(make_rows(1, days=1), "log_loss", PAIR, alpha=0.05, min_rows=50) == ()


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
    worst_regions(rows, "squared_error", PAIR, alpha=0.05, min_rows=200)
    assert time.process_time() - start < 5
