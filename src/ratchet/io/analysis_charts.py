"""Pictures of an analysis as Vega-Lite: importance, learning curve, folds, and single predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from ratchet.core.analysis.records import Analysis, Explanation, LearningPoint
from ratchet.core.analysis.tables import said
from ratchet.core.analysis.words import run
from ratchet.core.findings import Estimate
from ratchet.core.report.text import count, number, words
from ratchet.io.chart_parts import (
    BLUE,
    GREY,
    RED,
    STRONG,
    TEXT,
    Spec,
    Values,
    label,
    lines,
    noise,
    picture,
    tips,
    zero,
)

FEATURES = 15
"""Features that are drawn: of importance, and of one prediction."""
ORDERS = {"oldest first": BLUE, "newest first": "#E69F00"}
POINT: Spec = {"type": "point", "filled": True, "size": 80, "opacity": 1}


def importance(found: Analysis) -> Spec:
    """A point with its interval for each feature, the costliest first."""
    values: Values = [
        {"name": label(each.feature), "value": each.cost.value, "low": each.cost.low, "high": each.cost.high}
        for each in found.importance[:FEATURES]
    ]
    title = f"{words(found.metric)} lost when shuffled"
    shown = tips({"name": "feature"}, {"value": title, "low": "from", "high": "to"})
    return lines(
        values, [zero(), noise(BLUE), {"mark": {**POINT, "color": BLUE}, "encoding": {"tooltip": shown}}], title=title
    )


def learning(found: Analysis) -> Spec:
    """The loss on the analysed rows by training rows, with the band of other seeds around the model itself."""
    values = _points(found.learning, lag=False)
    loss, sd = found.loss.value, found.seeds.sd.get(found.metric)
    band: list[Spec] = []
    if loss is not None and sd:
        band.append(
            {
                "data": {"values": [{"low": loss - sd, "high": loss + sd, "note": "±1 sd over seeds"}]},
                "mark": {"type": "rect", "color": GREY, "opacity": 0.25},
                "encoding": {
                    "x": None,
                    "y": {"field": "low", "type": "quantitative"},
                    "y2": {"field": "high"},
                    "color": None,
                    "tooltip": [*tips({"note": "band"}, {"low": "from", "high": "to"})],
                },
            }
        )
    return _curve(values, f"{words(found.metric)} on {found.rows:,} fixed rows", band)


def lag(found: Analysis) -> Spec:
    """How much worse the part is than the whole, compared row by row, with intervals."""
    return _curve(_points(found.learning, lag=True), f"{words(found.metric)} above that of all rows", [_level()])


def folds(found: Analysis) -> Spec:
    """The gate's metric of each fold, and on the analysed rows, with intervals upright."""
    name = words(found.metric)
    values: Values = [
        {"batch": label(fold.batch), "value": fold.values[found.metric], "rows": "fold",
         **_ends(fold.intervals.get(found.metric))}
        for fold in found.folds if fold.values.get(found.metric) is not None
    ]  # fmt: skip
    values.append(
        {"batch": label(run(found.batches)), "value": found.loss.value, "rows": "analysed", **_ends(found.loss)}
    )
    shape = {
        "field": "rows",
        "type": "nominal",
        "scale": {"domain": ["fold", "analysed"], "range": ["circle", "diamond"]},
    }
    shown = tips({"batch": "batch", "rows": "rows"}, {"value": name, "low": "from", "high": "to"})
    points = {"mark": {**POINT, "color": BLUE, "size": 100}, "encoding": {"shape": shape, "tooltip": shown}}
    names = [each["batch"] for each in values]
    encoding: Spec = {
        # Folds without an interval are missing in one layer, which would put its own first.
        "x": {
            "field": "batch",
            "type": "ordinal",
            "sort": names,
            "scale": {"domain": names},
            "title": None,
            "axis": {"labelAngle": 0, "labelOverlap": True, "grid": False},
        },
        "y": {"field": "value", "type": "quantitative", "title": name, "scale": {"zero": False}},
    }
    return picture(values, [_upright(BLUE), points], encoding, height=220)


def contributions(found: Explanation) -> Spec:
    """From the average row's prediction to this one's, a step for each feature, the largest first."""
    shown = list(found.contributions[:FEATURES])
    rest = found.contributions[FEATURES:]
    steps = [(f"{each.feature} = {said(each.value)}", each.amount) for each in shown]
    if rest:
        steps.append((count(len(rest), "other"), sum(each.amount for each in rest)))
    ends = list(accumulate((amount for _, amount in steps), initial=found.base))
    values: Values = [
        {"name": f"{label(name)}{' ' * place}", "start": start, "value": end, "amount": amount,
         "way": "up" if amount >= 0 else "down"}
        for place, ((name, amount), (start, end)) in enumerate(zip(steps, pairwise(ends), strict=True))
    ]  # fmt: skip
    scale = {"domain": ["up", "down"], "range": [RED, BLUE]}
    bars = {
        "mark": {"type": "bar", "height": 16, "cornerRadius": 2, "opacity": 0.85},
        "encoding": {
            "x": {"field": "start", "type": "quantitative", "scale": {"zero": False}},
            "x2": {"field": "value"},
            "color": {"field": "way", "type": "nominal", "scale": scale, "legend": None},
            "tooltip": tips({"name": "feature"}, {"amount": "adds"}),
        },
    }
    ends_of_all = [_rule(found.base, GREY, "the average row"), _rule(found.margin, STRONG, "this row")]
    spec = lines(values, [*ends_of_all, bars], title=_unit(found))
    spec["encoding"]["y"]["axis"] = {"grid": False, "labelLimit": 300}
    return spec


def _points(points: Sequence[LearningPoint], *, lag: bool) -> Values:
    return [
        {"rows": each.rows, "order": each.order, "value": found.value, "from": label(each.first),
         "to": label(each.last), **_ends(found)}
        for each in points
        if (found := each.lag if lag else each.loss) is not None and found.value is not None
    ]  # fmt: skip


def _curve(values: Values, title: str, behind: Sequence[Spec]) -> Spec:
    shown = [
        {"field": "rows", "type": "quantitative", "title": "training rows", "format": ",d"},
        *tips({"order": "grown", "from": "from", "to": "to"}, {"value": title, "low": "from", "high": "to"}),
    ]
    scale = {"domain": list(ORDERS), "range": list(ORDERS.values())}
    encoding: Spec = {
        "x": {
            "field": "rows",
            "type": "quantitative",
            "title": "training rows",
            "axis": {"format": "~s", "tickCount": 5},
        },
        "y": {
            "field": "value",
            "type": "quantitative",
            "title": title,
            "scale": {"zero": False},
            "axis": {"tickCount": 5},
        },
        "color": {"field": "order", "type": "nominal", "scale": scale},
    }
    line = {"mark": {"type": "line"}, "encoding": {}}
    points = {"mark": POINT, "encoding": {"tooltip": shown}}
    return picture(values, [*behind, _upright(), line, points], encoding, height=230)


def _level() -> Spec:
    """A level line where nothing is lost."""
    return {
        "data": {"values": [{"zero": 0}]},
        "mark": {"type": "rule", "strokeWidth": 1},
        "encoding": {"y": {"field": "zero", "type": "quantitative"}, "x": None, "color": {"value": TEXT}},
    }


def _upright(colour: str = "") -> Spec:
    coloured = {"color": {"value": colour}} if colour else {}
    return {
        "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
        "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.5},
        "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}, **coloured},
    }


def _rule(value: float, colour: str, name: str) -> Spec:
    return {
        "data": {"values": [{"at": value, "what": name}]},
        "mark": {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 1.5},
        "encoding": {
            "x": {"field": "at", "type": "quantitative"},
            "y": None,
            "color": {"value": colour},
            "tooltip": tips({"what": "of"}, {"at": "value"}),
        },
    }


def _ends(found: Estimate | None) -> Mapping[str, float | None]:
    return {"low": found.low, "high": found.high} if found else {"low": None, "high": None}


def _unit(found: Explanation) -> str:
    named = f" of {label(found.label)}" if found.label else ""
    return f"{found.unit}{named}: {number(found.base)} for the average row, {number(found.margin)} here"
