"""What the report's pictures are put together from: colours, axes, legends, tips, and marks for noise.

Colours are readable on white and on black, so that one specification serves both. Names of batches, slices and
features stand in the data alone, never in an expression.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ratchet.core.report.text import shortened
from ratchet.io.markdown import visible

Spec = dict[str, Any]
"""A Vega-Lite specification, or a part of one."""
Values = list[dict[str, Any]]
"""Rows of data."""

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""Names the version; nothing is read from there."""
CHANGE = "this change"
LABEL = 40
"""Characters of a name beside an axis."""
GREY, BLUE, GREEN, RED, QUIET, STRONG = "#9b9a97", "#2383e2", "#3f9d6b", "#d1574c", "#a8a7a3", "#787774"
TEXT = "#878682"
COLOURS = {"better": GREEN, "worse": RED, "within noise": QUIET, "unknown": QUIET, "total": STRONG}
_NAME = re.compile(r'(?:(?<=id=")|(?<=url\(#))(?:gradient_|clip)\d+')
CONFIG: Spec = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": TEXT, "titleColor": TEXT, "gridColor": "rgba(135,134,130,.22)", "domain": False, "ticks": False,
        "labelPadding": 6, "titleFontWeight": "normal", "labelFontSize": 12, "titleFontSize": 12, "labelLimit": 150,
    },
    "legend": {
        "labelColor": TEXT, "symbolFillColor": TEXT, "title": None, "orient": "top", "labelFontSize": 12,
        "labelLimit": 150,
    },
    "line": {"strokeWidth": 2},
}  # fmt: skip


def label(text: str) -> str:
    """A name as it stands in the data of a picture."""
    return shortened(visible(text), LABEL)


def picture(values: Values, layers: Sequence[Spec], encoding: Spec, *, height: int) -> Spec:
    """Layers over the same data, as wide as the page lets them be, `height` pixels high."""
    return {
        "$schema": SCHEMA, "config": CONFIG, "data": {"values": values}, "width": "container", "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"}, "encoding": encoding, "layer": list(layers),
    }  # fmt: skip


def still(spec: Spec, width: int) -> str:
    """The picture as SVG, for whoever runs no scripts; its inner names count from 1, for Vega counts on and on."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg({**spec, "width": width, "autosize": "pad"})
    names = {name: f"n{place}" for place, name in enumerate(dict.fromkeys(_NAME.findall(drawn)), start=1)}
    return _NAME.sub(lambda found: names[found.group()], drawn)


def lines(values: Values, layers: Sequence[Spec], *, title: str, real: bool = False) -> Spec:
    """One line of the picture for each `name` of the data, in its order; `real` colours them by what is real."""
    encoding: Spec = {
        "y": {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": {"grid": False}},
        "x": {"field": "value", "type": "quantitative", "title": title, "axis": {"tickCount": 5}},
    }
    if real:
        scale = {"domain": list(COLOURS), "range": list(COLOURS.values())}
        encoding["color"] = {"field": "real", "type": "nominal", "scale": scale, "legend": None}
    return picture(values, layers, encoding, height=28 * len({each["name"] for each in values}) + 10)


def models(base: str) -> Spec:
    """Colour by model."""
    return {"field": "model", "type": "nominal", "scale": {"domain": [base, CHANGE], "range": [GREY, BLUE]}}


def choosable(layer: Spec) -> Spec:
    """A click on the legend leaves one model; one layer of a picture has this."""
    chosen = {"name": "chosen", "select": {"type": "point", "fields": ["model"]}, "bind": "legend"}
    return {**layer, "params": [chosen]}


def faded(**encoding: Any) -> Spec:
    """An encoding in which the model that was not chosen is faint."""
    return {"opacity": {"condition": {"param": "chosen", "value": 1}, "value": 0.12}, **encoding}


def tips(names: dict[str, str], numbers: dict[str, str]) -> list[Spec]:
    """What hovering shows, by field and title: names as they are, numbers with four places."""
    return [
        *({"field": field, "type": "nominal", "title": title} for field, title in names.items()),
        *(
            {"field": field, "type": "quantitative", "title": title, "format": ".4f"}
            for field, title in numbers.items()
        ),
    ]


def noise(colour: str = "") -> Spec:
    """From the low to the high end of each interval."""
    coloured = {"color": {"value": colour}} if colour else {}
    return {
        "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
        "mark": {"type": "rule", "strokeWidth": 2},
        "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}, **coloured},
    }


def zero() -> Spec:
    """A line where nothing is gained."""
    return {
        "data": {"values": [{"zero": 0}]},
        "mark": {"type": "rule", "strokeWidth": 1},
        "encoding": {"x": {"field": "zero", "type": "quantitative"}, "y": None, "color": {"value": TEXT}},
    }


def diagonal() -> Spec:
    """Where both axes are equal."""
    return {
        "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
        "mark": {"type": "line", "color": QUIET, "strokeDash": [4, 4], "strokeWidth": 1},
    }
