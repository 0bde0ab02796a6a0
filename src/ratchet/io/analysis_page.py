"""An analysis, and explanations of single predictions, each as one HTML page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from ratchet.core.analysis import tables, words
from ratchet.core.analysis.records import Analysis, Dependence, Explanations
from ratchet.core.report import text
from ratchet.io import analysis_charts, charts, dependence_charts, html_page
from ratchet.io.chart_parts import Spec, still

WIDE, HALF, NARROW = 640, 420, 300
"""Pixels of pictures that no script fits to the page: alone, and where two or three stand side by side."""


def render_analysis(found: Analysis) -> str:
    """The page of one model."""
    named = text.words(found.metric)
    drawn = {
        "importance": _figure(f"{named} lost when a feature is shuffled", analysis_charts.importance(found), WIDE),
        "learning": _figure("Learning curve", analysis_charts.learning(found), HALF),
        "lag": _figure("Against the model of all rows", analysis_charts.lag(found), HALF),
        "folds": _figure(f"{named}, fold by fold", analysis_charts.folds(found), HALF),
    }
    dependence, pairs = _dependence(found), _pairs(found)
    return _page(
        "analysis.html.j2",
        drawn | {name: figure for name, figure, _ in dependence} | dict(pairs),
        found=found,
        words=words,
        text=text,
        predicted=_predicted(found),
        dependence=[(name, line) for name, _, line in dependence],
        pairs=[name for name, _ in pairs],
        singles=any(each.single for each in found.dependence),
        importance_table=tables.importance_table(found),
        learning_table=tables.learning_table(found),
        fold_table=tables.fold_table(found),
        fold_intervals=tables.fold_intervals(found),
    )


def render_explanations(found: Explanations) -> str:
    """The page of single predictions."""
    names = [f"row-{place}" for place in range(len(found.explained))]
    drawn = {
        name: _figure(f"From the average row to {each.row}", analysis_charts.contributions(each), WIDE)
        for name, each in zip(names, found.explained, strict=True)
    }
    return _page(
        "explanation.html.j2",
        drawn,
        found=found,
        words=words,
        rows=[
            (name, each, tables.contribution_rows(each, most=len(each.contributions)))
            for name, each in zip(names, found.explained, strict=True)
        ],
    )


def _page(template: str, drawn: Mapping[str, Any], **values: Any) -> str:
    scripts = [charts.bundle(), html_page.START] if drawn else []
    return html_page.environment().get_template(template).render(
        **values, charts=drawn, scripts=html_page.trusted(scripts), policy=html_page.policy(scripts)
    )  # fmt: skip


def _dependence(found: Analysis) -> list[tuple[str, Any, str]]:
    """Each feature's name in the page, its figure, and the sentence below it."""
    grouped: list[Sequence[Dependence]] = [
        list(each) for _, each in groupby(found.dependence, key=lambda each: each.feature)
    ]
    return [
        (
            f"dependence-{place}",
            _figure(classes[0].feature, dependence_charts.dependence(classes, _predicted(found)), NARROW),
            words.dependence(classes[0]) if len(classes) == 1 else "",
        )
        for place, classes in enumerate(grouped)
    ]


def _pairs(found: Analysis) -> list[tuple[str, Any]]:
    return [
        (
            f"pair-{place}",
            _figure(
                f"{' and '.join(each.features)}{f': {each.label}' if found.task == 'multiclass' else ''}",
                dependence_charts.pair(each, _predicted(found)),
                HALF,
            ),
        )
        for place, each in enumerate(found.pairs)
    ]


def _predicted(found: Analysis) -> str:
    """What the axis of a prediction says."""
    if found.task == "regression":
        return found.target
    return f"probability of {found.target}" if found.task == "binary" else "probability"


def _figure(title: str, spec: Spec, width: int) -> dict[str, Any]:
    return html_page.figure(title, spec, still(spec, width))
