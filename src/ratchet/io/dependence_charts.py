"""Pictures of dependence as Vega-Lite: a line or points for one feature, a heat map for two."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.core.analysis.records import Dependence, PairDependence
from ratchet.io.chart_parts import BLUE, QUIET, TEXT, Spec, Values, label, lines, picture, tips

CATEGORIES = 12
"""Categories that are drawn, the commonest."""
HUE = {"range": ["#f0f5fa", "#9ecae1", "#2171b5", "#08306b"]}
CLASSES = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"]
"""The colours of Okabe and Ito, which people who confuse red and green tell apart."""
HEIGHT = 180
"""Pixels of a picture, three of which stand side by side."""


def dependence(found: Sequence[Dependence], title: str) -> Spec:
    """One feature: a line, or points for categories; a colour for each class where there are several."""
    return _categories(found, title) if found[0].kind == "category" else _numbers(found, title)


def pair(found: PairDependence, title: str) -> Spec:
    """Two features: the darker, the higher the average prediction."""
    one, other = found.features
    values: Values = [
        {"x": _place(x), "y": _place(y), "value": value}
        for x, row in zip(found.grids[0], found.average, strict=True)
        for y, value in zip(found.grids[1], row, strict=True)
    ]
    axes: Spec = {
        "x": {"field": "x", "type": "ordinal", "title": label(one), "sort": [_place(each) for each in found.grids[0]],
              "axis": {"labelAngle": -40, "labelOverlap": True}},
        "y": {"field": "y", "type": "ordinal", "title": label(other),
              "sort": [_place(each) for each in reversed(found.grids[1])], "axis": {"labelOverlap": True}},
    }  # fmt: skip
    shown = tips({"x": label(one), "y": label(other)}, {"value": title})
    colour = {
        "field": "value",
        "type": "quantitative",
        "scale": HUE,
        "legend": {"title": title, "gradientLength": 180, "tickCount": 3},
    }
    cells = {"mark": "rect", "encoding": {"color": colour, "tooltip": shown}}
    return picture(values, [cells], axes, height=260)


def _numbers(found: Sequence[Dependence], title: str) -> Spec:
    axis = label(found[0].feature)
    values: Values = [
        {"x": x, "y": y, "class": label(each.label), "share": share}
        for each in found
        for x, y, share in zip(each.grid, each.average, each.shares, strict=True)
    ]
    single: Values = [
        {"x": x, "y": y, "row": row}
        for row, line in enumerate(found[0].single)
        for x, y in zip(found[0].grid, line, strict=True)
    ]
    behind: list[Spec] = []
    if single and len(found) == 1:
        behind.append(
            {
                "data": {"values": single},
                "mark": {"type": "line", "color": QUIET, "strokeWidth": 1, "opacity": 0.4},
                "encoding": {"detail": {"field": "row"}, "color": None},
            }
        )
    shown = tips({"class": "class"} if len(found) > 1 else {}, {"x": axis, "y": title})
    line = {"mark": {"type": "line", "strokeWidth": 2.5, "point": {"size": 30}}, "encoding": {"tooltip": shown}}
    encoding: Spec = {
        "x": {"field": "x", "type": "quantitative", "title": None, "scale": {"zero": False, "nice": False}},
        "y": {"field": "y", "type": "quantitative", "title": title, "scale": {"zero": False}, "axis": {"tickCount": 5}},
        "color": _colours(found),
    }
    return picture(values, [*behind, line, _where_rows_are()], encoding, height=HEIGHT)


def _where_rows_are() -> Spec:
    """Marks at the bottom, the darker the more rows lie nearest."""
    return {
        "transform": [{"filter": "datum.share > 0"}],
        "mark": {"type": "tick", "orient": "vertical", "thickness": 3, "size": 9, "color": TEXT},
        "encoding": {
            "y": {"value": HEIGHT - 4},
            "color": {"value": TEXT},
            "opacity": {"field": "share", "type": "quantitative", "legend": None, "scale": {"range": [0.15, 1]}},
            "tooltip": [{"field": "share", "type": "quantitative", "title": "share of rows", "format": ".1%"}],
        },
    }


def _categories(found: Sequence[Dependence], title: str) -> Spec:
    values: Values = [
        {"name": label(str(name)), "value": value, "class": label(each.label), "share": share}
        for each in found
        for name, value, share in list(zip(each.grid, each.average, each.shares, strict=True))[:CATEGORIES]
    ]
    shown = [
        *tips({"name": label(found[0].feature), **({"class": "class"} if len(found) > 1 else {})}, {"value": title}),
        {"field": "share", "type": "quantitative", "title": "share of rows", "format": ".1%"},
    ]
    size = {"field": "share", "type": "quantitative", "legend": None, "scale": {"range": [25, 260]}}
    points = {
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "encoding": {"color": _colours(found), "size": size, "tooltip": shown},
    }
    spec = lines(values, [points], title=title)
    spec["encoding"]["x"]["scale"] = {"zero": False}
    return {**spec, "height": max(14 * len({each["name"] for each in values}) + 20, HEIGHT)}


def _colours(found: Sequence[Dependence]) -> Spec:
    if len(found) == 1:
        return {"value": BLUE}
    names = [label(each.label) for each in found]
    return {"field": "class", "type": "nominal", "scale": {"domain": names, "range": CLASSES}}


def _place(value: float | str) -> str:
    return label(value) if isinstance(value, str) else f"{value:.4g}"
