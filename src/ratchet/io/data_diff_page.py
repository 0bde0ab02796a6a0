"""A data diff as one HTML page with pictures; the page needs nothing beside it."""

from __future__ import annotations

from itertools import islice
from typing import Any

from ratchet.core.change.data_diff import Bars, DataDiff
from ratchet.core.report.data_diff import diff_page, picture_name
from ratchet.core.report.text import count
from ratchet.io import charts, html_page
from ratchet.io.chart_parts import BLUE, GREY, Spec, Values, label, picture, still, tips

BEFORE, AFTER = "before", "now"
MOST = 24
"""Pictures of a page at most: each takes a tenth of a second to draw."""


def render_data_diff(diff: DataDiff) -> str:
    """The page: what the terminal shows, and a picture of each column that moved."""
    found = {
        picture_name(place, column): bars
        for place, table in enumerate(diff.tables)
        for column, bars in enumerate(table.pictures)
    }
    drawn = {name: _drawn(bars) for name, bars in islice(found.items(), MOST)}
    scripts = [charts.bundle(), html_page.START] if drawn else []
    return html_page.environment().get_template("data_diff.html.j2").render(
        page=diff_page(diff),
        charts=drawn,
        left_out=count(left, "more column") if (left := len(found) - len(drawn)) else "",
        scripts=html_page.trusted(scripts),
        policy=html_page.policy(scripts),
    )  # fmt: skip


def distribution(bars: Bars) -> Spec:
    """Two bars beside each other for each range or value: the share of rows before and now."""
    values: Values = [
        {"name": label(name), "model": side, "value": share, "place": place}
        for side, shares in ((BEFORE, bars.before), (AFTER, bars.after))
        for place, (name, share) in enumerate(zip(bars.names, shares, strict=True))
    ]
    shown = tips({"name": "value", "model": "version"}, {"value": "share of rows"})
    scale = {"domain": [BEFORE, AFTER], "range": [GREY, BLUE]}
    encoding: Spec = {
        "x": {"field": "name", "type": "ordinal", "sort": {"field": "place"}, "title": None,
              "axis": {"labelAngle": -40, "labelOverlap": True, "labelLimit": 150}},
        "xOffset": {"field": "model", "sort": [BEFORE, AFTER]},
        "y": {"field": "value", "type": "quantitative", "title": "share of rows",
              "axis": {"format": "%", "tickCount": 4}},
        "color": {"field": "model", "type": "nominal", "scale": scale},
    }  # fmt: skip
    return picture(values, [{"mark": {"type": "bar"}, "encoding": {"tooltip": shown}}], encoding, height=150)


def _drawn(bars: Bars) -> dict[str, Any]:
    spec = distribution(bars)
    return html_page.figure(bars.column, spec, still(spec, charts.WIDE))
