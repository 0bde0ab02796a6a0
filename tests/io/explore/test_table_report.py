"""skrub's report in a page of ours: bounded, the same every time, with no script but its own."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import polars as pl
import pytest

from ratchet.core.schema import Column, ColumnType
from ratchet.io.explore.table_report import SAMPLE, TEXT, sample, table_report

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def _columns(frame: pl.DataFrame, kind: ColumnType = "string") -> dict[str, Column]:
    return {
        name: Column(type=kind, known="after" if place % 2 else "before") for place, name in enumerate(frame.columns)
    }


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame(schema={"a": pl.Float64}),
        pl.DataFrame({"a": [None, None]}, schema={"a": pl.Float64}),
        pl.DataFrame({"a": [1.0], "b": ["x"]}),
        pl.DataFrame({"a": [1.0, math.inf, -math.inf, math.nan]}),
        pl.DataFrame({"a": [1e308, -1e308, 0.0], "i": [2**62, -(2**62), 0]}),
        pl.DataFrame(
            {"t": [datetime(2020, 1, 1, tzinfo=UTC), None], "b": [True, None], "s": ["$\\frac$", "\u0645\x07"]}
        ),
    ],
    ids=["empty", "missing", "one row", "infinite", "large", "mixed"],
)
def test_odd_tables_have_a_report(frame: pl.DataFrame) -> None:
    """No table that has the schema's types breaks the page, and skrub's two scripts may run."""
    report = table_report(frame, _columns(frame))
    assert (report.rows, report.whole, len(report.scripts)) == (frame.height, frame.height, 2)


def test_what_data_hold_does_not_become_a_script() -> None:
    """Tags in names and values come out as text, and no script beyond skrub's own is let run."""
    frame = pl.DataFrame({HOSTILE: ["a", HOSTILE], f"{HOSTILE}2": [1.0, 2.0]})
    report = table_report(frame, _columns(frame))
    assert ("<script>alert" in report.html, "<img src=x" in report.html, len(report.scripts)) == (False, False, 2)
    assert not any("alert(1)" in script for script in report.scripts)


def test_sample_is_bounded_in_order_and_the_same_every_time() -> None:
    """A large table is cut to so many rows, spread over all of it; a small one stays whole."""
    large = pl.DataFrame({"x": range(10_000)})
    first, again = sample(large, 100), sample(large, 100)
    assert (first.height, first.equals(again), first["x"].is_sorted()) == (100, True, True)
    assert first["x"].n_unique() == 100
    assert 4_000 < float(first["x"].to_numpy().mean()) < 6_000
    assert sample(large, 10_000) is large


def test_report_says_of_how_many_rows_it_is() -> None:
    """Of more rows than the sample the report knows both numbers."""
    report = table_report(pl.DataFrame({"x": [1.0, 2.0] * (SAMPLE // 2 + 1)}), {"x": Column(type="number")})
    assert (report.rows, report.whole) == (SAMPLE, SAMPLE + 2)


def test_long_texts_do_not_make_a_long_page() -> None:
    """A text of a million characters is cut."""
    frame = pl.DataFrame({"x": ["y" * 1_000_000, "z"]})
    html = table_report(frame, _columns(frame)).html
    assert ("y" * TEXT in html, "y" * (TEXT + 1) in html, len(html) < 500_000) == (True, False, True)
