"""Pictures of a report as Vega-Lite: plain specifications, drawn by the page itself or here as SVG."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from ratchet.core.change.records import Attribution, Change, Comparison, Curve
from ratchet.core.evidence.regions import Regions
from ratchet.core.evidence.weak_spots import WeakSpots
from ratchet.core.report.text import shortened, words
from ratchet.core.report.weak_spots import HARDEST, LOSING
from ratchet.io.chart_parts import (
    CHANGE,
    QUIET,
    STRONG,
    Spec,
    Values,
    choosable,
    diagonal,
    faded,
    label,
    lines,
    models,
    noise,
    picture,
    still,
    tips,
    zero,
)
from ratchet.io.markdown import visible

FEATURES = 12
"""Features drawn: those whose importance changed most."""
TITLES = {
    "roc": ("ROC", "false positive rate", "true positive rate"),
    "precision_recall": ("Precision and recall", "recall", "precision"),
    "calibration": ("Calibration", "predicted probability", "observed share"),
}
REGION, REGION_PIXELS = 64, 380
"""Characters of a region's name, which has two columns, and pixels that it may take."""
WIDE, NARROW = 640, 330
"""Pixels of pictures that no script fits to the page: most of them, and curves, of which three stand side by side."""


def charts(change: Change) -> dict[str, tuple[str, Spec]]:
    """Each picture's name to its title and specification, in the order of the report; only those with data."""
    found: dict[str, tuple[str, Spec]] = {}
    if change.attribution and len(change.attribution.parts) > 1 and change.attribution.total is not None:
        found["attribution"] = "Contribution to the gain", _attribution(change.attribution)
    return found | _compared(change.comparison, _base(change)) if change.comparison else found


def spot_charts(spots: WeakSpots) -> dict[str, tuple[str, Spec]]:
    """The regions that were found, as intervals; only where there are any."""
    named = {
        LOSING: ("Where it is worse than what it is compared with", spots.losing),
        HARDEST: ("Where it is worst of all", spots.hardest),
    }
    return {name: (title, _regions(found)) for name, (title, found) in named.items() if found.found}


def svg(name: str, spec: Spec) -> str:
    """The picture of this name as SVG, for whoever runs no scripts."""
    return still(spec, NARROW if name in TITLES else WIDE)


@functools.cache
def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that asks nobody for anything (0.9 MB)."""
    import vl_convert

    text: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub asks for an optional snippet
    return text


def _base(change: Change) -> str:
    """The base's name, which is never that of the change's own line."""
    name = label(change.base_name)
    return f"{name} (base)" if name in ("", CHANGE) else name


def _compared(comparison: Comparison, base: str) -> dict[str, tuple[str, Spec]]:
    found: dict[str, tuple[str, Spec]] = {}
    if any(each.low is not None for each in comparison.slices):
        found["slices"] = "Gain by slice", _slices(comparison)
    if comparison.history:
        found["history"] = f"{words(comparison.loss)} on each batch", _history(comparison, base)
    for name, (title, x, y) in TITLES.items():
        if curves := [curve for curve in comparison.curves if curve.name == name]:
            found[name] = title, _curves(curves, (x, y), base)
    if comparison.importance:
        found["importance"] = "Importance of the features", _importance(comparison, base)
    return found


def _attribution(attribution: Attribution) -> Spec:
    names = {"params": "parameters"}
    values: Values = [
        {"name": names.get(part.factor, part.factor), "value": part.gain, "low": part.low, "high": part.high,
         "real": part.real}
        for part in attribution.parts
    ]  # fmt: skip
    values.append({"name": "total", "value": attribution.total, "low": None, "high": None, "real": "total"})
    shown = tips({"name": "cause", "real": "is it real?"}, {"value": "Δ", "low": "from", "high": "to"})
    bars = {"mark": {"type": "bar", "height": 16, "cornerRadius": 2, "opacity": 0.75}, "encoding": {"tooltip": shown}}
    title = f"gain in {words(attribution.metric)} (right: better)"
    return lines(values, [bars, noise(STRONG), zero()], title=title, real=True)


def _slices(comparison: Comparison) -> Spec:
    values = [
        {"name": label(each.name), "value": each.gain, "low": each.low, "high": each.high, "real": each.real,
         "rows": f"{each.rows:,}"}
        for each in comparison.slices
    ]  # fmt: skip
    shown = tips({"name": "slice", "rows": "rows", "real": "is it real?"}, {"value": "Δ", "low": "from", "high": "to"})
    points = {"mark": {"type": "point", "filled": True, "size": 110, "opacity": 1}, "encoding": {"tooltip": shown}}
    title = f"gain in {words(comparison.loss)} (right: better)"
    return lines(values, [zero(), noise(), points], title=title, real=True)


def _regions(regions: Regions) -> Spec:
    values = [
        {"name": shortened(visible(each.name), REGION), "value": each.gain.value, "low": each.gain.low,
         "high": each.gain.high, "real": "worse", "rows": f"{each.rows:,}", "p": each.p}
        for each in regions.found
    ]  # fmt: skip
    shown = tips({"name": "region", "rows": "rows"}, {"value": "Δ", "low": "from", "high": "to", "p": "adjusted p"})
    points = {"mark": {"type": "point", "filled": True, "size": 110, "opacity": 1}, "encoding": {"tooltip": shown}}
    spec = lines(values, [zero(), noise(), points], title=f"gain in {words(regions.metric)} (left: worse)", real=True)
    spec["encoding"]["y"]["axis"]["labelLimit"] = REGION_PIXELS
    return spec


def _history(comparison: Comparison, base: str) -> Spec:
    """A model's line breaks where it has no value: the batch is in the data, so that nothing is drawn across it."""
    values = [
        {"batch": label(each.batch), "model": model, "value": value, "rows": "held out" if each.held_out else "fold"}
        for each in comparison.history
        for model, value in ((base, each.base), (CHANGE, each.change))
    ]
    name = words(comparison.loss)
    shape = {
        "field": "rows",
        "type": "nominal",
        "scale": {"domain": ["fold", "held out"], "range": ["circle", "diamond"]},
    }
    shown = tips({"batch": "batch", "model": "model", "rows": "rows"}, {"value": name})
    points = {"mark": {"type": "point", "filled": True, "size": 90}, "encoding": faded(shape=shape, tooltip=shown)}
    axis = {"labelAngle": 0, "labelOverlap": True}
    encoding = {
        "x": {"field": "batch", "type": "ordinal", "sort": None, "title": None, "axis": axis},
        "y": {"field": "value", "type": "quantitative", "title": name, "scale": {"zero": False}},
        "color": models(base),
    }
    return picture(values, [choosable({"mark": "line", "encoding": faded()}), points], encoding, height=230)


def _curves(curves: Sequence[Curve], titles: tuple[str, str], base: str) -> Spec:
    values = [
        {"x": x, "y": y, "model": base if curve.model == "base" else CHANGE}
        for curve in curves
        for x, y in zip(curve.x, curve.y, strict=True)
    ]
    # Points that are not seen carry the tips of a curve; a calibration has few, which are seen.
    unseen = {"size": 60, "fillOpacity": 0, "strokeOpacity": 0}
    point = {"size": 36} if curves[0].name == "calibration" else unseen
    order, shown = (
        {"field": "x", "type": "quantitative"},
        tips({"model": "model"}, dict(zip("xy", titles, strict=True))),
    )
    line = {"mark": {"type": "line", "point": point}, "encoding": faded(color=models(base), order=order, tooltip=shown)}
    scale: Spec = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"tickCount": 5}}
    axes = {axis: {"field": axis, "title": title, **scale} for axis, title in zip("xy", titles, strict=True)}
    behind = [] if curves[0].name == "precision_recall" else [diagonal()]
    return picture(values, [*behind, choosable(line)], axes, height=250)


def _importance(comparison: Comparison, base: str) -> Spec:
    values = [
        {"name": label(each.feature), "model": model, "value": value}
        for each in comparison.importance[:FEATURES]
        for model, value in ((base, each.base), (CHANGE, each.change))
        if value is not None
    ]
    title = f"{words(comparison.loss)} lost when shuffled"
    shown = tips({"name": "feature", "model": "model"}, {"value": title})
    between = {"mark": {"type": "line", "color": QUIET}, "encoding": {"detail": {"field": "name"}}}
    mark = {"type": "point", "filled": True, "size": 90, "opacity": 1}
    points = {"mark": mark, "encoding": faded(color=models(base), tooltip=shown)}
    return lines(values, [between, choosable(points)], title=title)
