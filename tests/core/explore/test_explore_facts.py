"""What is kept of a batch, and what is seen over batches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ratchet.core.explore.facts import BatchFacts, TableFacts, coverage, table_facts, target_facts
from ratchet.core.explore.outliers import far_out, outside
from ratchet.core.explore.overview import Coming, chance, comings, drift, missing_lines, named_too_often
from ratchet.core.schema import Column, Table

ANY = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


def _batch(
    name: str, lookups: Mapping[str, Mapping[str, Sequence[object]]] | None = None, **columns: Sequence[object]
) -> BatchFacts:
    """The facts of a batch with these columns."""
    tables = {"rows": columns, **(lookups or {})}
    return BatchFacts(batch=name, tables={table: _facts(each) for table, each in tables.items()})


def _facts(columns: Mapping[str, Sequence[object]]) -> TableFacts:
    frame = pl.DataFrame(columns)
    kinds = {name: "string" if kind == pl.String else "number" for name, kind in frame.schema.items()}
    rules = Table.model_validate(
        {"key": [frame.columns[0]], "columns": {name: {"type": kind} for name, kind in kinds.items()}}
    )
    return table_facts(frame, rules)


def test_far_out_values_are_those_beyond_tukeys_outer_fences() -> None:
    """The quartiles are 25.5 and 76.5 here, so that the fences are three times 51 away from them."""
    found = far_out(pl.Series("x", [*range(1, 101), 1000, 1000, -999]))
    assert found is not None
    assert (found.below, found.above, found.examples) == (1, 2, (-999.0, 1000.0))
    assert (found.low, found.high) == (25.5 - 3 * 51, 76.5 + 3 * 51)


@pytest.mark.parametrize("values", [[5.0] * 10 + [6.0], [], [math.inf, math.nan], [1e308, -1e308, 1e308, -1e308]])
def test_far_out_is_unknown_where_there_is_no_range(values: list[float]) -> None:
    """Where half of the values are equal, nothing is there, or the fences are without end, nothing is far out."""
    assert far_out(pl.Series("x", values, dtype=pl.Float64)) is None


def test_outside_counts_what_the_schema_does_not_allow() -> None:
    """Missing values are nobody's fault here; numbers and texts outside of what is declared are counted."""
    number, text = Column(type="number", min=0, max=10), Column(type="string", values=["a"])
    assert outside(pl.Series("x", [-1.0, 0.0, 10.0, 11.0, None, math.nan]), number) == 2
    assert outside(pl.Series("x", ["a", "b", None]), text) == 1


@given(st.lists(ANY, max_size=30))
def test_facts_of_any_numbers_read_back_equal(values: list[float | None]) -> None:
    """Whatever a column holds, its facts are plain JSON."""
    rules = Table(key=["x"], columns={"x": Column(type="number", min=0)})
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})
    found = BatchFacts(batch="a", tables={"rows": table_facts(frame, rules)})
    assert BatchFacts.model_validate_json(found.model_dump_json()) == found


def test_days_are_those_of_the_calendar_that_is_named() -> None:
    """Midnight in London is the evening before in New York; a day between that has no rows is counted as empty."""
    moments = pl.Series("t", [datetime(2020, 1, 2, 0, 0, tzinfo=UTC), datetime(2020, 1, 4, 12, 0, tzinfo=UTC), None])
    found = coverage(moments, "America/New_York")
    assert found is not None
    assert (found.days, found.empty_days) == ({"2020-01-01": 1, "2020-01-04": 1}, 2)
    assert (found.first, found.last) == ("2020-01-01 19:00", "2020-01-04 07:00")


def test_no_moment_no_coverage() -> None:
    """A column of times without any says nothing."""
    assert coverage(pl.Series("t", [None], dtype=pl.Datetime("us", "UTC")), "UTC") is None


def test_interval_of_the_target_counts_clusters_not_rows() -> None:
    """A hundred rows of ten days that are late or not as a whole are ten observations: a wider interval."""
    late = pd.Series(np.repeat([True, False], 50), dtype="boolean")
    days = pd.Series(np.repeat([f"d{each}" for each in range(10)], 10))
    frame = pl.DataFrame({"x": np.arange(100)})
    alone, grouped = (target_facts(frame, late, cluster, "binary") for cluster in (None, days))
    assert alone is not None and grouped is not None  # noqa: PT018  # two of a kind
    (one,), (other,) = alone.rates, grouped.rates
    assert (one.estimate.value, one.estimate.clusters, other.estimate.clusters) == (0.5, 100, 10)
    assert other.estimate.low < one.estimate.low < 0.5  # type: ignore[operator]  # both are known


def test_rows_without_a_label_take_no_part() -> None:
    """Neither missing nor infinite labels count, nor rows without a cluster; without any label nothing is said."""
    frame = pl.DataFrame({"x": [1, 2, 3, 4]})
    minutes = pd.Series([1.0, math.nan, math.inf, 3.0])
    found = target_facts(frame, minutes, pd.Series(["a", "a", "a", None]), "regression")
    assert found is not None
    assert (found.labelled, found.rates[0].estimate.value) == (1, 1.0)
    assert target_facts(frame, pd.Series([math.nan] * 4), None, "regression") is None


def test_each_class_has_its_share() -> None:
    """The shares of all classes are one together."""
    found = target_facts(pl.DataFrame({"x": range(6)}), pd.Series(["b", "a", "c", "a", "b", "a"]), None, "multiclass")
    assert found is not None
    assert [rate.name for rate in found.rates] == ["a", "b", "c"]
    assert [rate.estimate.value for rate in found.rates] == pytest.approx([1 / 2, 1 / 3, 1 / 6])


def test_drift_shows_the_column_that_moved_first() -> None:
    """Of two columns the one that moved comes first, and what never moves or always does is named beside them."""
    numbers = [float(each) for each in range(20)]
    batches = [
        _batch(
            str(month),
            moved=[each + shift for each in numbers],
            near=[each + shift // 10 for each in numbers],
            still=[1.0] * 20,
            month=[float(month)] * 20,
            tag=[f"{month}-{each}" for each in range(20)],
        )
        for month, shift in enumerate([0, 0, 10, 0])
    ]
    found = drift(batches)
    assert [line.column for line in found.lines] == ["moved", "near"]
    assert list(found.lines[0].cells)[1:] == pytest.approx([0.0, 0.5, 1 / 6])
    assert (found.still, found.calendar, found.incomparable) == (("still",), ("month",), ("tag",))


def test_chance_is_what_samples_of_one_distribution_do() -> None:
    """Of pairs of samples that differ by nothing, about 95 in 100 are nearer than what is said."""
    batches = [_batch(name, x=[0.0] * rows) for name, rows in (("a", 200), ("b", 100), ("c", 60))]
    limit = chance(batches)
    assert limit is not None
    random = np.random.default_rng(0)
    near = [stats.ks_2samp(random.normal(size=60), random.normal(size=300)).statistic < limit for _ in range(400)]
    assert 0.92 < np.mean(near) < 0.99
    assert (chance(batches[:1]), chance([])) == (None, None)


def test_columns_of_lookups_stand_with_their_table() -> None:
    """The temperature of the weather is weather.temp, and is measured like a column of the rows."""
    batches = [_batch(name, {"weather": {"temp": [low] * 3}}, x=[1.0] * 3) for name, low in (("a", 1.0), ("b", 9.0))]
    assert [(line.column, line.cells) for line in drift(batches).lines] == [("weather.temp", (None, 1.0))]


def test_missing_values_are_shown_worst_first() -> None:
    """The line of a column has its share in each batch, and nothing for a batch without the column."""
    batches = [_batch("a", x=[None, 1.0], y=[None, None, 1.0][:2], z=[1.0, 1.0]), _batch("b", x=[1.0, 1.0])]
    found = missing_lines(batches)
    assert [(line.column, line.cells) for line in found] == [("y", (1.0, None)), ("x", (0.5, 0.0))]


def test_categories_appear_once_and_vanish_once() -> None:
    """A value that is missing in between neither vanishes nor appears again; the newest batch stands first."""
    values = [["a", "b", "a"], ["a", "a", "a"], ["b", "b", "c"], ["b", "b", "b"]]
    batches = [_batch(str(place), k=list(each)) for place, each in enumerate(values)]
    assert comings(batches) == (
        Coming("3", "k", False, ("c",)),
        Coming("2", "k", True, ("c",)),
        Coming("2", "k", False, ("a",)),
    )


def test_columns_with_many_values_are_left_out_and_named() -> None:
    """Names of planes come and go all the time: they are no categories."""
    batches = [_batch(name, plane=[f"N{each % 300}" for each in range(600)]) for name in "ab"]
    assert (comings(batches), named_too_often(batches)) == ((), ("plane",))
