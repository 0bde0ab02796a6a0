"""What each section of the report says about a change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ratchet.core.change.records import BatchMetric, Change, ParamChange, Rows
from ratchet.core.findings import MetricRow
from ratchet.core.judged import Evaluation
from ratchet.core.leakage.records import LeakageCheck, Pair, Shared, Telling
from ratchet.core.report.build import Report
from ratchet.core.report.metrics import against_base, against_reference, headline, identical
from ratchet.core.report.own_rules import own_rules
from ratchet.core.report.table import Section
from ratchet.core.report.what_changed import what_changed
from ratchet.core.report.why import where_it_hurts, why
from ratchet.io.charts import charts, svg
from ratchet.io.render import render_markdown

Promoted = Callable[[Change], Report]


def section(found: Report, title: str) -> Section:
    """The section whose title starts so."""
    (only,) = (each for each in found.sections if each.title.startswith(title))
    return only


def leak(kind: str) -> LeakageCheck:
    """Judging rows that are training rows, or a feature that tells the label."""
    holdout, training = (("batch", "2013-07"), ("flight", "7")), (("batch", "2013-03"), ("flight", "9"))
    none = Shared(rows=0, expected=0.0)
    shared = Shared(rows=400, expected=1.0, shown=(Pair(holdout=holdout, training=training),))
    telling = Telling(feature="arr_delay", by="value", value=1.0, rows=1000, shown=(Pair(holdout=holdout),))
    return LeakageCheck(
        rows=1000, training_rows=9000, exact=shared if kind == "duplicates" else none, near=none, keys=none,
        disorder=None, telling=(telling,) if kind == "feature" else (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("duplicates", ("duplicates", "batch 2013-07, flight 7", "batch 2013-03, flight 9")),
        ("feature", ("feature", "batch 2013-07, flight 7")),
    ],
)
def test_rows_that_leak_come_first_and_open(
    leaking: Callable[[LeakageCheck], Report], kind: str, cells: tuple[str, ...]
) -> None:
    """They are why no number below them counts. A feature has no training rows, so there is no column for any."""
    first = leaking(leak(kind)).sections[0]
    assert (first.title, first.folded) == ("Rows that leak", False)
    assert first.tables[0].rows[0].cells == cells
    assert len(first.tables[0].columns) == len(cells)


def test_the_order_is_that_of_a_reader_with_a_minute(reports: dict[str, Report]) -> None:
    """Metrics, what changed, why, where it hurts, pictures; the evidence last and closed."""
    assert [(each.title, each.folded) for each in reports["promote-everything"].sections] == [
        ("Metrics against main (c2cdf4f)", False),
        ("What the gate compared: against the champion (version 1)", True),
        ("What changed", False),
        ("Why the metric moved", False),
        ("Where it hurts", False),
        ("Pictures", False),
        ("Conditions of the gate", True),
        ("Cross-validation: walking forward over the training batches", True),
        ("What was trained and judged on what", True),
    ]


def test_the_headline_names_both_values_and_whether_it_is_real(everything: Change) -> None:
    """One line: the gate's metric before and after, the gain with all its noise, and the word for it."""
    line = "log loss 0.5591 → 0.5387 (Δ +0.0204, 80% interval +0.0081 to +0.0327): better"
    assert headline(everything) == (line, "better")


def test_without_a_comparison_the_headline_says_why(everything: Change) -> None:
    """The reason stands where the numbers would."""
    told = everything.model_copy(update={"comparison": None, "no_comparison": "main was never trained"})
    assert headline(told) == ("main was never trained", "unknown")


def test_a_metric_that_was_not_measured_is_said(everything: Change) -> None:
    """If the gate's metric is not among those of the comparison, nothing stands in for it."""
    assert everything.comparison
    odd = everything.comparison.model_copy(update={"loss": "brier_skill"})
    assert headline(everything.model_copy(update={"comparison": odd})) == ("brier_skill was not measured", "unknown")


def test_rows_carry_the_record_s_own_word(everything: Change) -> None:
    """What is within noise is marked so, and each metric says which way is better."""
    assert everything.comparison
    (table,) = against_base(everything, everything.comparison).tables
    assert [(row.cells[0], row.real) for row in table.rows] == [
        ("log loss ↓", "better"),
        ("roc auc ↑", "better"),
        ("average precision ↑", "better"),
        ("brier ↓", "better"),
        ("calibration slope → 1", "within noise"),
        ("calibration intercept → 0", "better"),
        ("ece ↓", "better"),
        ("accuracy ↑", "within noise"),
    ]


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        (2, "sampling (28,293 rows in 31 clusters) and the seed (2 refits)."),
        (0, "sampling (28,293 rows in 31 clusters) only; the seed's was not measured, which --explain does."),
    ],
)
def test_the_reader_knows_which_noise_is_in(everything: Change, seeds: int, words: str) -> None:
    """An interval without the seed's noise says so."""
    assert everything.comparison
    told = everything.comparison.model_copy(update={"seeds": seeds})
    assert against_base(everything, told).note.endswith(f"Intervals hold the noise of {words}")


def with_luck(found: Change, sd: float) -> Change:
    """The change, where every metric has this deviation over refits."""
    assert found.comparison
    metrics = tuple(each.model_copy(update={"seed_sd": sd}) for each in found.comparison.metrics)
    return found.model_copy(update={"comparison": found.comparison.model_copy(update={"metrics": metrics})})


def test_a_model_without_luck_has_no_seed_noise(everything: Change, promoted: Promoted) -> None:
    """Where other seeds made the same model, the reader is told that instead of a number of refits."""
    same = with_luck(everything, 0.0)
    assert same.comparison
    words = "sampling (28,293 rows in 31 clusters) only: another seed gives the very same model."
    assert against_base(same, same.comparison).note.endswith(f"Intervals hold the noise of {words}")
    notes = [section(promoted(each), "What the gate").note for each in (same, everything)]
    told = "The model of main (c2cdf4f) is the champion: the same numbers"
    assert notes == [f"{told}.", f"{told}, before the seed's noise is added."]


def test_small_gains_have_the_places_of_their_column(everything: Change) -> None:
    """One gain of 0.00004 gives the whole column a place more; none is written with an exponent."""
    assert everything.comparison
    first, *others = everything.comparison.metrics
    assert first.gain
    small = first.model_copy(update={"gain": first.gain.model_copy(update={"value": 0.000042})})
    told = everything.comparison.model_copy(update={"metrics": (small, *others)})
    (table,) = against_base(everything, told).tables
    assert [row.cells[3] for row in table.rows][:3] == ["+0.00004", "+0.02550", "+0.02690"]
    assert table.rows[0].cells[4] == "+0.00806 to +0.03274"


def test_the_gates_table_is_open_where_the_base_is_not_the_champion(
    reports: dict[str, Report], everything: Change
) -> None:
    """The same numbers twice are folded away; others are shown."""
    assert section(reports["promote-everything"], "What the gate").folded
    assert not section(reports["promote-no-comparison"], "What the gate").folded
    assert not section(reports["promote-first"], "What the gate").folded


def test_every_kind_of_change_has_a_line(everything: Change) -> None:
    """Data, validation, code, parameters, dependencies and stages: one line each, with the counts."""
    assert what_changed(everything).lines == (
        (
            "data",
            "1 batch added (2013-07: 28,293 rows), 1 batch removed (2013-01: 2,226 rows), "
            "1 batch changed (2013-05: 55 rows), 7 labels flipped; 3 new categories; "
            "2 columns shifted (weather.humid, flights.dep_delay)",
        ),
        (
            "validation",
            "in quarantine: flights.distance in 2013-07 (4 rows); "
            "released by a person: flights.air_time in 2013-05 (above-max); 1 warning",
        ),
        ("code", "2 files (+24 -6): src/flights/features.py, src/flights/map.png"),
        ("parameters", "model.params.max_iter 100 → 200, gate.margin 0.0 → (not there)"),
        ("dependencies", "scikit-learn 1.8.0 → 1.8.1, skrub (not there) → 0.7.2"),
        ("stages", "4 ran (11 s), 1 restored, 1 unchanged; the cache saved 25 s"),
    )


def test_nothing_changed_is_one_line(reports: dict[str, Report]) -> None:
    """Who changed nothing reads that, and no table of zeros; the gate's evidence stays."""
    found = reports["hold-nothing"]
    assert (found.change_line, found.identical) == ("Nothing differs from main (c2cdf4f).", True)
    assert [each.title for each in found.sections] == [
        "What the gate compared: against the champion (version 1)",
        "Conditions of the gate",
        "Cross-validation: walking forward over the training batches",
        "What was trained and judged on what",
    ]


def test_a_model_compared_with_itself_is_folded_away(unchanged: Change) -> None:
    """Where nothing differs and the base serves, the gate's table is one of zeros, and is closed."""
    assert unchanged.comparison
    rows = [
        MetricRow(
            name=each.name, meaning=each.meaning, direction=each.direction,
            models={"champion": each.change, "challenger": each.change}, gain=each.gain,
        )
        for each in unchanged.comparison.metrics
    ]  # fmt: skip
    same = Evaluation(
        task="binary", labels=["False", "True"], reference="champion", champion=1, champion_entry="3f2a",
        challenger_is_champion=True, refit=False, no_comparison="", holdout={"2013-07": "aa"}, contaminated=[],
        rows=28_293, clusters=31, metrics=rows,
    )  # fmt: skip
    assert against_reference(same, 0.8, None).folded
    assert not against_reference(same.model_copy(update={"challenger_is_champion": False}), 0.8, None).folded


def test_the_same_inputs_with_another_model_are_not_nothing(everything: Change, unchanged: Change) -> None:
    """Where a number, a stage or data that could not be compared may differ, the change is told in full."""
    stage = unchanged.stages[0].model_copy(update={"reasons": ("its command",)})
    assert identical(unchanged)
    for update in (
        {"comparison": everything.comparison},
        {"comparison": None},
        {"stages": (stage,)},
        {"data": unchanged.data.model_copy(update={"note": "rows: not compared"})},
        {"params": everything.params},
    ):
        assert not identical(unchanged.model_copy(update=update))
    told = what_changed(unchanged.model_copy(update={"comparison": everything.comparison}))
    assert told.lines == (
        ("", "Nothing: data, code, parameters and dependencies are those of main."),
        ("stages", "6 unchanged; the cache saved 12 s"),
    )


def test_a_stage_that_is_the_bases_differs_in_nothing(everything: Change) -> None:
    """The column says in what a stage differs from the base's, and a stage that does not has none."""
    (stages,) = (each for each in what_changed(everything).tables if each.title == "Stages")
    assert stages.columns[-1].title == "differs from base in"
    assert [row.cells[-1] for row in stages.rows][:2] == ["–", "data/raw/2013-07"]


def test_categories_that_are_not_named_are_counted(everything: Change) -> None:
    """Line and table agree on how many there are."""
    batch, *others = everything.data.batches
    many = batch.model_copy(update={"new_category_counts": {"dest": 39}})
    told = what_changed(
        everything.model_copy(update={"data": everything.data.model_copy(update={"batches": (many, *others)})})
    )
    assert "; 40 new categories; " in dict(told.lines)["data"]
    (table,) = (each for each in told.tables if each.title == "New categories")
    assert [row.cells[-1] for row in table.rows] == ["ZZ", "ANC, BZN and 37 more"]


def test_who_edits_the_rules_is_judged_by_them_and_that_is_said(everything: Change, promoted: Promoted) -> None:
    """Keys of the gate, the split and the project are named under the verdict; others are not."""
    keys = (("model.seed", "0", "1"), ("split.holdout", "1", "2"), ("gate.alpha", "0.1", "0.2"))
    edits = [ParamChange(key=key, old=old, new=new, line=1) for key, old, new in keys]
    told = promoted(everything.model_copy(update={"params": tuple(edits)}))
    words = (
        "This change edits how it is judged (gate.alpha 0.1 → 0.2, split.holdout 1 → 2): "
        "the verdict is by its own rules."
    )
    assert (told.own_rules, own_rules(edits[:1])) == (words, "")
    lines = [line for line in render_markdown(told).splitlines() if line]
    assert (lines[1].startswith("**Against the champion"), lines[2]) == (True, f"⚠️ {words}")


def test_columns_that_moved_most_come_first(everything: Change) -> None:
    """The order of the record does not matter."""
    turned = everything.data.model_copy(update={"shifts": everything.data.shifts[::-1]})
    tables = what_changed(everything.model_copy(update={"data": turned})).tables
    (shifts,) = (table for table in tables if table.title.startswith("Columns"))
    assert [row.cells[0] for row in shifts.rows] == ["weather.humid", "flights.dep_delay"]


def test_parts_and_total_are_shown_together(everything: Change) -> None:
    """Each cause has a bar in proportion; noise is white, and the total is the sum."""
    assert everything.attribution
    (table,) = why(everything.attribution, "main").tables
    assert [(row.cells[0], row.cells[1], row.cells[2]) for row in table.rows] == [
        ("data", "🟩" * 10, "+0.0171"),
        ("code", "🟩" * 4, "+0.0062"),
        ("parameters", "⬜" * 2, "-0.0031"),
        ("dependencies", "⬜", "+0.0002"),
        ("total", "", "+0.0204"),
    ]
    assert sum(part.gain for part in everything.attribution.parts) == pytest.approx(everything.attribution.total)


def test_one_cause_has_it_all(everything: Change) -> None:
    """Where one thing changed nothing was shared out, and nothing is said of reruns."""
    assert everything.attribution
    part = everything.attribution.parts[2].model_copy(update={"gain": 0.0204})
    alone = everything.attribution.model_copy(update={"parts": (part,), "reruns": 0})
    told = why(alone, "main")
    words = "Nothing but parameters changed: the gain of +0.0204 in log loss over main is due to that alone."
    assert (told.lines, told.pictures) == ((("", words),), ())
    lost = why(alone.model_copy(update={"total": -0.0004}), "main")
    words = "Nothing but parameters changed: the loss of 0.0004 in log loss against main is due to that alone."
    assert lost.lines == (("", words),)
    assert "attribution" not in charts(everything.model_copy(update={"attribution": alone}))


def test_an_attribution_that_was_not_made_says_how_to_get_it(reports: dict[str, Report]) -> None:
    """The note stands where the parts would be, and nothing else does."""
    told = section(reports["hold-everything"], "Why")
    assert told.note.endswith("ratchet report --base main --explain")
    assert (told.lines, told.tables, told.pictures) == ((), (), ())


def test_one_cause_needs_no_attribution(reports: dict[str, Report]) -> None:
    """Where nothing was to be shared out, there is no such section."""
    assert not [each for each in reports["promote-nothing"].sections if each.title.startswith("Why")]


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({}, "1 slice is shown to be worse, first carrier = YV"),
        ({"slices": ()}, "none has rows enough to be looked at"),
    ],
)
def test_slices_are_summed_up(everything: Change, update: dict[str, Any], words: str) -> None:
    """How many are worse, and the first of them."""
    assert everything.comparison
    hurt = where_it_hurts(everything, everything.comparison.model_copy(update=update))
    assert dict(hurt.lines)["slices"] == words


def test_slices_within_noise_are_not_called_worse(everything: Change) -> None:
    """The least gain is no harm where it is not shown."""
    assert everything.comparison
    quiet = everything.comparison.model_copy(update={"slices": everything.comparison.slices[1:]})
    assert dict(where_it_hurts(everything, quiet).lines)["slices"] == "none is shown to be worse; these gain least"


def test_switched_rows_are_counted_both_ways(everything: Change) -> None:
    """Right to wrong, wrong to right, and the difference; a regression has no such line."""
    assert everything.comparison
    told = dict(where_it_hurts(everything, everything.comparison).lines)["rows"]
    assert told == "1,204 that main got right are wrong now, 1,338 that it got wrong are right (net +134)"
    regression = everything.comparison.model_copy(update={"switched": None})
    assert "rows" not in dict(where_it_hurts(everything, regression).lines)
    assert isinstance(everything.comparison.switched, Rows)


def test_the_line_of_a_model_breaks_where_it_has_no_value(everything: Change) -> None:
    """A batch without a value is in the data with none, so that no line is drawn across it."""
    assert everything.comparison
    history = tuple(
        BatchMetric(batch=name, base=base, change=0.4, held_out=False)
        for name, base in (("a", 0.5), ("b", None), ("c", 0.6))
    )
    told = everything.model_copy(update={"comparison": everything.comparison.model_copy(update={"history": history})})
    _, spec = charts(told)["history"]
    values = spec["data"]["values"]
    assert [each["value"] for each in values if each["model"] == "main"] == [0.5, None, 0.6]
    drawn = svg("history", spec)
    (base, change) = re.findall(r'aria-roledescription="line mark"[^>]* d="([^"]*)"', drawn)
    assert (base.count("M"), change.count("M")) == (2, 1)
