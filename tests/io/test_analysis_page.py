"""The pages of an analysis and of explanations: every picture can be drawn, and nothing in them runs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ratchet.core.analysis import words
from ratchet.core.analysis.records import (
    Analysis,
    Contribution,
    Dependence,
    Explanation,
    Explanations,
    FeatureCost,
    FoldEstimates,
    LearningPoint,
    PairDependence,
    SeedBand,
)
from ratchet.core.findings import Estimate
from ratchet.io.analysis_page import render_analysis, render_explanations

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def estimate(value: float | None, spread: float | None = 0.1) -> Estimate:
    """An estimate of three clusters; None: undefined."""
    bounds = (None, None) if value is None or spread is None else (value - spread, value + spread)
    return Estimate(
        value=value,
        low=bounds[0],
        high=bounds[1],
        standard_error=None if value is None else spread,
        rows=30,
        clusters=3,
        assumed_independent=False,
    )


def dependence(label: str, **changed: Any) -> Dependence:
    """Of a number with three values."""
    found = Dependence(
        feature=EVIL,
        kind="number",
        label=label,
        grid=(1.0, 2.0, 3.0),
        average=(0.1, 0.2, 0.4),
        single=((0.1, 0.1, 0.2), (0.2, 0.3, 0.6)),
        shares=(0.5, 0.5, 0.0),
        missing=0.3,
    )
    return found.model_copy(update=changed)


def analysis(**changed: Any) -> Analysis:
    """A whole one, with hostile names wherever data can bring them."""
    parts = (
        LearningPoint(order="oldest first", rows=10, first=EVIL, last=EVIL, loss=estimate(0.6), lag=estimate(0.2)),
        LearningPoint(order="oldest first", rows=20, first="b1", last="b2", loss=estimate(0.4), lag=estimate(0.0)),
        LearningPoint(order="newest first", rows=15, first="b2", last="b2", loss=None, lag=None, note=EVIL),
    )
    found = Analysis(
        project="p",
        task="binary",
        target="late",
        metric="log_loss",
        coverage=0.8,
        model="0" * 64,
        estimator="ridge",
        trained_rows=20,
        trained_batches=("b1", "b2"),
        batches=(EVIL,),
        rows=30,
        clusters=3,
        loss=estimate(0.4),
        folds=(
            FoldEstimates(batch="b1", rows=0, values={"log_loss": 0.5}, intervals={}, note=EVIL),
            FoldEstimates(batch="b2", rows=5, values={"log_loss": 0.6}, intervals={"log_loss": estimate(0.6)}),
            FoldEstimates(batch="b3", rows=0, values={}, intervals={}, note="not scored"),
        ),
        spread={"log_loss": {"mean": 0.55, "sd": None}},
        learning=parts,
        importance=(
            FeatureCost(feature=EVIL, cost=estimate(0.3)),
            FeatureCost(feature="noise", cost=estimate(0.01)),
            FeatureCost(feature="unused", cost=estimate(0.0, 0.0)),
            FeatureCost(feature="odd", cost=estimate(None)),
        ),
        importance_rows=30,
        repeats=5,
        dependence=(
            dependence("true"),
            dependence("true", feature="kind", kind="category", grid=(EVIL, "b", "c"), single=(), left_out=2),
        ),
        dependence_rows=30,
        pairs=(
            PairDependence(
                features=(EVIL, "kind"), label="true", grids=((1.0, 2.0), (EVIL, "b")), average=((0.1, 0.2), (0.3, 0.4))
            ),
        ),
        seeds=SeedBand(sd={"log_loss": 0.01}, seeds=2),
    )
    return found.model_copy(update=changed)


def require_harmless(page: str, pictures: int) -> None:
    """Scripts are the charts' data, the library and what starts it; the hostile text stands nowhere as it is."""
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert page.count('<script type="application/json"') == pictures
    assert page.count("data:image/svg+xml") == pictures
    main = page.partition("<main>")[2].partition("</main>")[0]
    assert re.findall(r"<script(?! type=\"application/json\")", main) == []
    assert "script-src &#39;sha256-" in page


def test_an_analysis_reads_back_equal() -> None:
    """What stands beside the page is the whole record."""
    assert Analysis.model_validate_json(analysis().model_dump_json()) == analysis()


def test_every_picture_is_drawn_and_nothing_of_the_data_runs() -> None:
    """Four pictures of the model, one for each feature and pair, whatever names are."""
    require_harmless(render_analysis(analysis()), pictures=7)


def test_several_classes_share_a_picture() -> None:
    """A feature has one picture with a line for each class; a pair has one for each."""
    several = analysis(
        task="multiclass", dependence=(dependence("a", single=()), dependence("b", single=())), pairs=(), clusters=None
    )
    page = render_analysis(several)
    require_harmless(page, pictures=5)
    assert "taken as independent" in page


def test_what_was_not_measured_is_said() -> None:
    """The page names where the time was up, and that the seed's luck is not known."""
    page = render_analysis(
        analysis(
            learning_note="stopped after 1 of 3 fits", seeds=SeedBand(sd={}, seeds=0, note="not measured: too long")
        )
    )
    assert "The curve stopped after 1 of 3 fits." in page
    assert "The luck of the seed was not measured: too long." in page


@pytest.mark.parametrize(
    ("value", "spread", "expected"), [(0.5, 0.1, "they help"), (-0.5, 0.1, "they hurt"), (0.05, 0.1, "within noise")]
)
def test_more_rows_helped_only_if_that_is_shown(value: float, spread: float, expected: str) -> None:
    """The sentence follows the interval of the difference, not its middle."""
    point = LearningPoint(
        order="oldest first", rows=10, first="b1", last="b1", loss=estimate(1.0), lag=estimate(value, spread)
    )
    whole = point.model_copy(update={"rows": 20, "lag": estimate(0.0, 0.0)})
    assert expected in words.learning(analysis(learning=(point, whole)))


def test_the_luck_of_the_seed_is_noise_too() -> None:
    """What would be shown by the rows alone is within noise where other seeds scatter as far."""
    point = LearningPoint(
        order="oldest first", rows=10, first="b1", last="b1", loss=estimate(1.0), lag=estimate(0.5, 0.05)
    )
    parts = (point, point.model_copy(update={"rows": 20, "lag": estimate(0.0, 0.0)}))
    for sd, expected in ((0.0, "they help"), (0.4, "within noise")):
        seeds = SeedBand(sd={"log_loss": sd}, seeds=3)
        assert expected in words.learning(analysis(learning=parts, seeds=seeds))


def test_only_costs_that_are_shown_are_counted() -> None:
    """An interval that holds 0 shows nothing; a cost of exactly 0 is a feature that is not used."""
    said = words.importance(analysis())
    assert "Of 1 of 4 features the cost is shown to be above 0; of 2 it is not." in said
    assert "Not used at all: unused." in said


def test_explanations_are_drawn_step_by_step() -> None:
    """A picture for each row; steps lead from the average row to this one; hostile values do no harm."""
    amounts = [0.5 / (place + 1) for place in range(20)]
    one = Explanation(
        row=EVIL,
        batch="b",
        trained_on=True,
        label="true",
        unit="log-odds",
        base=-1.0,
        margin=-1.0 + sum(amounts),
        prediction=0.6,
        base_prediction=0.27,
        contributions=tuple(
            Contribution(feature=f"{EVIL}{place}", value=EVIL if place else None, amount=amount)
            for place, amount in enumerate(amounts)
        ),
    )
    found = Explanations(
        project="p", target="late", model="0" * 64, estimator="ridge", method="m", explained=(one, one), left_out=3
    )
    page = render_explanations(found)
    require_harmless(page, pictures=2)
    assert "60.0%" in page
    assert "learned from this very row" in page
    assert "3 more rows were asked for" in page
