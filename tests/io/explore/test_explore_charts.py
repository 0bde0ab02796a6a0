"""The pictures over batches: what they are drawn from, and that Vega-Lite takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.explore.facts import BatchFacts, Coverage, TableFacts, Target
from ratchet.core.explore.overview import Line
from ratchet.core.explore.target import Rate
from ratchet.core.findings import Estimate
from ratchet.io.chart_parts import Spec, still
from ratchet.io.explore import charts


def _estimate(value: float) -> Estimate:
    return Estimate(
        value=value, low=value - 0.1, high=value + 0.1, standard_error=0.05, rows=10, clusters=2,
        assumed_independent=False,
    )  # fmt: skip


def _batch(name: str, days: dict[str, int], *classes: str) -> BatchFacts:
    rates = tuple(Rate(name=each, estimate=_estimate(0.5)) for each in classes)
    return BatchFacts(
        batch=name,
        tables={"rows": TableFacts(rows=sum(days.values()), columns={})},
        target=Target(labelled=10, rates=rates, measure="", associations=()) if rates else None,
        coverage=Coverage(first="", last="", zone="", days=days) if days else None,
    )


BATCHES = [_batch("a", {"2020-01-01": 2, "2020-01-03": 1}, ""), _batch("b", {"2020-01-04": 5}, "")]
SPECS = {
    "rows": charts.rows_by_batch(BATCHES),
    "days": charts.rows_by_day(BATCHES),
    "target": charts.target_by_batch(BATCHES, "share of late", share=True),
    "classes": charts.target_by_batch([_batch("a", {"2020-01-01": 2}, "x", "y")], "share of each", share=True),
    "heat": charts.heat_map(BATCHES, [Line("one", (None, 0.2)), Line("two", (0.001, 0.0))], "distance"),
}


@pytest.mark.parametrize("name", SPECS)
def test_every_picture_is_drawn(name: str) -> None:
    """Vega-Lite makes an SVG of each, in which there is something."""
    spec = SPECS[name]
    assert spec is not None
    drawn = still(spec, charts.WIDE)
    assert (drawn.startswith("<svg"), "role-mark" in drawn) == (True, True)


def _values(spec: Spec | None) -> list[dict[str, object]]:
    assert spec is not None
    values: list[dict[str, object]] = spec["data"]["values"]
    return values


def test_batches_are_in_order_where_one_has_no_interval() -> None:
    """A batch of one row has a mean and no interval: its point stands in its place, and not after the newest."""
    bare = _estimate(0.5).model_copy(update={"low": None, "high": None})
    one = _batch("b", {})
    one = one.model_copy(update={"target": Target(labelled=1, rates=(Rate(name="", estimate=bare),), measure="",
                                                  associations=())})  # fmt: skip
    spec = charts.target_by_batch([_batch("a", {}, ""), one, _batch("c", {}, "")], "mean", share=False)
    assert spec is not None
    drawn = still(spec, charts.WIDE)
    places = [drawn.index(f">{name}</text>") for name in "abc"]
    assert places == sorted(places)
    assert spec["encoding"]["x"]["scale"] == {"domain": ["a", "b", "c"]}


def test_days_without_rows_are_drawn_as_none() -> None:
    """A gap is seen: the day between two days with rows has zero."""
    assert [(each["day"], each["rows"]) for each in _values(SPECS["days"])] == [
        ("2020-01-01", 2), ("2020-01-02", 0), ("2020-01-03", 1), ("2020-01-04", 5)
    ]  # fmt: skip


def test_little_is_never_written_as_nothing() -> None:
    """A share above 0 that rounds to 0% says so; no number stands where there is none."""
    assert [each["text"] for each in _values(SPECS["heat"])] == ["", "20%", "<1%", "0%"]


@pytest.mark.parametrize(("rows", "top"), [(charts.ENOUGH - 1, 0.4), (charts.ENOUGH, 1.0)])
def test_a_batch_of_few_rows_does_not_set_the_hue(rows: int, top: float) -> None:
    """Chance moves it far: what other batches have would all look pale beside it."""
    batches = [_batch("a", {"2020-01-01": 1000}), _batch("b", {"2020-02-01": 1000}), _batch("c", {"2020-03-01": rows})]
    spec = charts.heat_map(batches, [Line("one", (None, 0.4, 1.0))], "distance")
    assert spec is not None
    assert spec["layer"][0]["encoding"]["color"]["scale"] == {**charts.HUE, "domain": [0, top], "clamp": True}


def test_what_is_not_there_has_no_picture() -> None:
    """Without time, labels or lines there is no empty frame."""
    bare = [_batch("a", {})]
    found = charts.rows_by_day(bare), charts.target_by_batch(bare, "", share=True), charts.heat_map(bare, [], "")
    assert found == (None, None, None)


def test_large_heat_maps_are_bounded() -> None:
    """Of a thousand columns the worst are drawn, and numbers are left out where fields are narrow."""
    batches = [_batch(f"b{place:03d}", {}) for place in range(240)]
    spec = charts.heat_map(batches, [Line(str(place), (0.5,) * 240) for place in range(1000)], "distance")
    assert len(_values(spec)) == charts.LINES * 240
    assert spec is not None
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["rect"]


@given(st.lists(st.text(alphabet="ab ·23", max_size=50), max_size=8))
def test_columns_with_the_same_beginning_stay_apart(names: list[str]) -> None:
    """However names are cut, no two lines of a picture become one."""
    found = charts.labels(names)
    assert (len(set(found)), len(found)) == (len(names), len(names))
