"""Pictures over batches, as Vega-Lite: bars, intervals and heat maps.

The heat maps go from pale to dark in one hue, so that they read without colours too; classes have the colours of Okabe
and Ito, which people who confuse red and green tell apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from ratchet.core.explore.facts import BatchFacts
from ratchet.core.explore.overview import Line
from ratchet.core.schema import ROWS
from ratchet.io.chart_parts import BLUE, Spec, Values, label, picture, tips

CLASSES = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000"]
HUE = {"range": ["#f0f5fa", "#9ecae1", "#2171b5", "#08306b"]}
"""From nothing to the largest number."""
DARK, PALE = "#37352f", "#ffffff"
LINES = 40
"""Lines of a heat map at most, the worst ones."""
DAYS = 3_000
"""Days drawn at most, the newest ones."""
LIGHT = 0.2
"""The darkest hue stands for at least so much, so that little looks like little."""
ENOUGH = 50
"""Rows that a batch must have to count for the darkest hue: of fewer, chance alone makes a distance of LIGHT."""
LINE_HEIGHT = 22
WRITTEN = 14
"""With more batches than these, fields are too narrow for their number."""
WIDE = 860
"""Pixels of a picture that no script fits to the page."""


def rows_by_batch(batches: Sequence[BatchFacts]) -> Spec:
    """A bar for each batch."""
    values: Values = [{"batch": name, "rows": each.tables[ROWS].rows} for name, each in _named(batches)]
    bars = {"mark": {"type": "bar", "color": BLUE, "cornerRadiusEnd": 2},
            "encoding": {"tooltip": [*tips({"batch": "batch"}, {}), _whole("rows", "rows")]}}  # fmt: skip
    encoding = {"x": _batches(), "y": _amount("rows", "rows")}
    return picture(values, [bars], encoding, height=170)


def rows_by_day(batches: Sequence[BatchFacts]) -> Spec | None:
    """The rows of each day, none on days between that have none; None where rows have no time."""
    counts: dict[str, int] = {}
    for each in batches:
        for day, rows in (each.coverage.days if each.coverage else {}).items():
            counts[day] = counts.get(day, 0) + rows
    if not counts:
        return None
    values: Values = [{"day": day, "rows": counts.get(day, 0)} for day in _days(min(counts), max(counts))]
    when = {"field": "day", "type": "temporal", "timeUnit": "yearmonthdate"}
    shown = [{**when, "title": "day", "format": "%Y-%m-%d"}, _whole("rows", "rows")]
    area = {"mark": {"type": "area", "color": BLUE, "interpolate": "step-after"}, "encoding": {"tooltip": shown}}
    return picture(
        values,
        [area],
        {"x": {**when, "title": None, "axis": {"format": "%Y-%m-%d", "grid": False}}, "y": _amount("rows", "rows")},
        height=130,
    )


def target_by_batch(batches: Sequence[BatchFacts], title: str, *, share: bool) -> Spec | None:
    """A point with its interval for each batch, for each class where there are several; None without labels."""
    values: Values = [
        {"batch": name, "class": label(rate.name), "value": rate.estimate.value, "low": rate.estimate.low,
         "high": rate.estimate.high, "clusters": f"{rate.estimate.clusters:,}", "rows": f"{rate.estimate.rows:,}"}
        for name, each in _named(batches) if each.target is not None
        for rate in each.target.rates
    ]  # fmt: skip
    if not values:
        return None
    shown = tips(
        {"batch": "batch", "class": "class", "rows": "rows", "clusters": "clusters"},
        {"value": title, "low": "from", "high": "to"},
    )
    names = sorted({str(each["class"]) for each in values})
    if names == [""]:
        colour: Spec = {"value": BLUE}
        shown = [each for each in shown if each["field"] != "class"]
    else:
        colour = {"field": "class", "type": "nominal", "scale": {"domain": names, "range": CLASSES}}
    encoding = {
        "x": _in_order([name for name, _ in _named(batches)]),
        "y": {"field": "value", "type": "quantitative", "title": title, "scale": {"zero": False},
              "axis": {"format": "%"} if share else {}},
        "color": colour,
    }  # fmt: skip
    points = {"mark": {"type": "point", "filled": True, "size": 70, "opacity": 1}, "encoding": {"tooltip": shown}}
    return picture(values, [_reach(), points], encoding, height=200)


def heat_map(batches: Sequence[BatchFacts], lines: Sequence[Line], title: str) -> Spec | None:
    """A line for each column, the first LINES of them, and a field for each batch; None without lines."""
    if not lines:
        return None
    names, places = labels([line.column for line in lines[:LINES]]), labels([each.batch for each in batches])
    values: Values = [
        {"batch": batch, "column": name, "value": cell, "text": _percent(cell)}
        for line, name in zip(lines[:LINES], names, strict=True)
        for batch, cell in zip(places, line.cells, strict=True)
    ]
    shown = [
        *tips({"column": "column", "batch": "batch"}, {}),
        {"field": "value", "type": "quantitative", "title": title, "format": ".1%"},
    ]
    top = _top(batches, lines)
    cells = {
        "transform": [{"filter": "isValid(datum.value)"}],
        "mark": {"type": "rect", "stroke": "white", "strokeWidth": 1 if len(batches) <= 60 else 0},
        "encoding": {
            "color": {"field": "value", "type": "quantitative", "scale": {**HUE, "domain": [0, top], "clamp": True},
                      "legend": {"format": "%", "title": title, "gradientLength": 180, "tickCount": 3}},
            "tooltip": shown,
        },
    }  # fmt: skip
    encoding = {
        "x": _in_order(places),
        "y": {"field": "column", "type": "nominal", "sort": names, "title": None, "scale": {"domain": names}},
    }
    layers = [cells, _numbers(top, shown)] if len(batches) <= WRITTEN else [cells]
    return picture(values, layers, encoding, height=LINE_HEIGHT * len(names) + 10)


def labels(names: Sequence[str]) -> list[str]:
    """Names as they stand in a picture, no two the same.

    >>> labels(["a" * 50 + "b", "a" * 50 + "c"])[1][-5:]
    'a… ·2'
    """
    found: dict[str, None] = {}
    for name in map(label, names):
        free = (f"{name} ·{again}" if again > 1 else name for again in itertools.count(1))
        found[next(each for each in free if each not in found)] = None
    return list(found)


def _named(batches: Sequence[BatchFacts]) -> Iterator[tuple[str, BatchFacts]]:
    """Batches with their names as they stand in a picture."""
    return zip(labels([each.batch for each in batches]), batches, strict=True)


def _reach() -> Spec:
    """From the low to the high end of each interval, upright."""
    return {
        "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
        "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.55},
        "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
    }


def _batches() -> Spec:
    axis = {"labelAngle": 0, "labelOverlap": True, "grid": False}
    return {"field": "batch", "type": "ordinal", "sort": None, "title": None, "axis": axis}


def _in_order(names: Sequence[str]) -> Spec:
    """The same for layers that lack some of the batches: each would put its own first."""
    return {**_batches(), "sort": list(names), "scale": {"domain": list(names)}}


def _amount(field: str, title: str) -> Spec:
    return {"field": field, "type": "quantitative", "title": title, "axis": {"tickCount": 4}}


def _days(first: str, last: str) -> list[str]:
    """The days from the first to the last one, the newest DAYS of them."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    start = max(start, end - timedelta(days=DAYS - 1))
    return [(start + timedelta(days=each)).isoformat() for each in range((end - start).days + 1)]


def _whole(field: str, title: str) -> Spec:
    return {"field": field, "type": "quantitative", "title": title, "format": ",d"}


def _percent(cell: float | None) -> str:
    """A whole percentage, but never 0% of something."""
    return "" if cell is None else "<1%" if 0 < cell < 0.005 else f"{cell:.0%}"


def _numbers(top: float, shown: Values) -> Spec:
    """The number of each field, pale on dark ones."""
    colour = {"condition": {"test": f"datum.value > {top / 2}", "value": PALE}, "value": DARK}
    return {
        "transform": [{"filter": "isValid(datum.value)"}],
        "mark": {"type": "text", "fontSize": 11},
        "encoding": {
            "text": {"field": "text"}, "color": colour, "tooltip": shown,
        },
    }  # fmt: skip


def _top(batches: Sequence[BatchFacts], lines: Sequence[Line]) -> float:
    """Where the hue ends: at the largest number of a batch with enough rows, or above it where all are small."""
    telling = [each.tables[ROWS].rows >= ENOUGH for each in batches]
    cells = (cell for line in lines for cell in itertools.compress(line.cells, telling))
    return max((LIGHT, *(cell for cell in cells if cell is not None)))
