"""What the report says about regions that nobody named, and about rows against the champion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.core.change.records import Change, Rows
from ratchet.core.evidence.regions import Regions
from ratchet.core.evidence.weak_spots import WeakSpots
from ratchet.core.judged import Evaluation
from ratchet.core.report.build import Report, with_weak_spots
from ratchet.core.report.table import Section
from ratchet.core.report.weak_spots import weak_spots
from ratchet.io.charts import spot_charts, svg
from ratchet.io.render import render_html, render_markdown

NOTHING = Regions(metric="log_loss", alpha=0.1, min_rows=200, rows=4_000, clusters=None, looked_at=1_431)
EVALUATION = Evaluation(
    task="binary", labels=["no", "yes"], reference="champion", champion=3, champion_entry="e",
    challenger_is_champion=False, refit=False, no_comparison="", holdout={"2013-07": "a"}, contaminated=[], rows=4_000,
    clusters=None, metrics=[],
)  # fmt: skip


def section(found: Report) -> Section:
    """The section on weak spots."""
    (only,) = (each for each in found.sections if each.title.startswith("Weak spots"))
    return only


def said(losing: Regions, hardest: Regions, *, switched: Rows | None = None, **evaluation: object) -> dict[str, str]:
    """The sentences of a section, by what they are about."""
    spots = WeakSpots(losing=losing, hardest=hardest, switched=switched)
    return dict(weak_spots(spots, EVALUATION.model_copy(update=evaluation), None).lines)


def test_it_stands_behind_where_it_hurts(reports: dict[str, Report]) -> None:
    """A reader who has seen the slices that were named finds there what nobody named."""
    titles = [each.title for each in reports["promote-no-weak-spots"].sections]
    place = titles.index("Weak spots: against the champion (version 1)")
    assert (titles[place - 1], titles[place + 1]) == ("Where it hurts", "Pictures")
    alone = [each.title for each in reports["promote-weak-spots"].sections]
    assert alone[alone.index("Weak spots: against the champion (version 1)") + 1] == "Conditions of the gate"


def test_each_region_has_its_columns_rows_clusters_interval_and_p(reports: dict[str, Report]) -> None:
    """In words and numbers, the worst first, with an interval to be drawn."""
    losing, hardest, rows = section(reports["promote-weak-spots"]).tables
    assert [each.title for each in losing.columns] == [
        "region", "rows", "tested", "clusters", "champion", "challenger", "Δ", "80% interval", "adjusted p",
    ]  # fmt: skip
    assert losing.rows[0].cells == (
        "origin = LGA, plane_seats up to 55", "583", "291", "15", "0.3731", "0.4366", "-0.0635", "-0.1085 to -0.0185",
        "0.0136",
    )  # fmt: skip
    assert losing.rows[0].span is not None
    assert hardest.rows[0].cells[4:6] == ("0.5147", "0.7221")
    assert rows.title == "Right in the champion (version 1), wrong now: the worst"
    assert (losing.folded, hardest.folded, rows.folded) == (False, True, True)


def test_where_nothing_is_found_one_sentence_says_so() -> None:
    """It says how large regions are, and for how many looks was corrected."""
    lines = said(NOTHING, NOTHING)
    assert lines == {
        "worse than the champion": "no region of 200 rows or more is shown to be worse than the champion, after "
        "correction for the 1,431 that were looked at",
        "worst of all": "no region of 200 rows or more is shown to have a worse log loss than all rows together, after "
        "correction for the 1,431 that were looked at",
    }


def test_what_was_not_looked_for_says_why(reports: dict[str, Report]) -> None:
    """A reason is no finding of nothing, and regions that are all too small are not either."""
    unseen = NOTHING.model_copy(update={"reason": "a half has 3 clusters, and 7 are needed", "looked_at": 0})
    small = NOTHING.model_copy(update={"looked_at": 0})
    assert list(said(unseen, small).values()) == [
        "not looked for: a half has 3 clusters, and 7 are needed",
        "no region has 200 rows",
    ]
    report = with_weak_spots(reports["promote-gate-only"], "data/features is not there", EVALUATION, None)
    assert section(report).note == "Not looked for: data/features is not there."
    assert "Not looked for: data/features is not there." in render_markdown(report)


def test_a_champion_that_meets_itself_is_asked_where_it_is_worst_alone() -> None:
    """It cannot be worse than itself."""
    assert list(said(NOTHING, NOTHING, challenger_is_champion=True)) == ["worst of all"]


def test_rows_are_told_against_the_champion_unless_the_base_is_the_champion(
    reports: dict[str, Report], everything: Change
) -> None:
    """The same rows are not listed twice."""
    spots = reports["promote-weak-spots"].spots
    assert spots
    lines = dict(section(reports["promote-weak-spots"]).lines)
    assert lines["rows"] == (
        "812 that the champion (version 1) got right are wrong now, 944 that it got wrong are right (net +132)"
    )
    assert everything.comparison
    metrics = [
        {"name": each.name, "meaning": "", "direction": each.direction, "gain": None,
         "models": {"champion": each.base, "challenger": each.change}}
        for each in everything.comparison.metrics
    ]  # fmt: skip
    same = Evaluation.model_validate({**EVALUATION.model_dump(), "metrics": metrics})
    assert "rows" not in dict(weak_spots(spots, same, everything).lines)
    first = same.metrics[0].models["champion"]
    assert first.value
    for factor, told in ((1 + 1e-15, False), (1 + 1e-6, True)):  # a rounding, and another model
        moved = same.metrics[0].model_copy(
            update={
                "models": {
                    **same.metrics[0].models,
                    "champion": first.model_copy(update={"value": first.value * factor}),
                }
            }
        )
        other = same.model_copy(update={"metrics": [moved, *same.metrics[1:]]})
        assert ("rows" in dict(weak_spots(spots, other, everything).lines)) == told
    assert "rows" in dict(weak_spots(spots, EVALUATION, everything).lines)


def test_the_page_draws_what_was_found(reports: dict[str, Report], tmp_path: Path) -> None:
    """A picture of each question that has an answer, each with the region's name; none without one."""
    spots = reports["promote-weak-spots"].spots
    assert spots
    drawn = spot_charts(spots)
    assert {name: "origin = LGA, plane_seats up to 55" in svg(name, spec) for name, (_, spec) in drawn.items()} == {
        "losing": True,
        "hardest": False,
    }
    page = render_html(reports["promote-weak-spots"], tmp_path)
    assert all(f'id="chart-{name}"' in page for name in drawn)
    assert 'id="chart-losing"' not in render_html(reports["promote-no-weak-spots"], tmp_path)


@pytest.mark.parametrize("name", ["a|b`<img src=x>", "@someone #1", "\u202egnp"])
def test_a_column_s_name_stays_text(promoted: Callable[[Change], Report], everything: Change, name: str) -> None:
    """Names and values come from data that somebody else may have sent."""
    report = promoted(everything)
    region = {
        "where": ((name, "= x"),), "rows": 400, "reference": 0.1, "challenger": 0.2, "p": 0.00001,
        "gain": {"value": -0.1, "low": -0.2, "high": 0.0, "standard_error": 0.05, "rows": 200, "clusters": 200,
                 "assumed_independent": True},
    }  # fmt: skip
    found = Regions.model_validate({**NOTHING.model_dump(), "found": (region,)})
    told = with_weak_spots(report, WeakSpots(losing=found, hardest=NOTHING, switched=None), EVALUATION, everything)
    (table,) = section(told).tables
    assert (table.rows[0].cells[3], table.rows[0].cells[-1]) == ("–", "below 0.0001")
    text = render_markdown(told)
    assert "<img" not in text
    assert "`" not in text.replace("```", "").replace("\\`", "")
    assert "@someone" not in text
    assert "\u202e" not in text
