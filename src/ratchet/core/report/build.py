"""What a report says, as values: templates only lay it out.

The order is that of a reader with one minute: the verdict and the change in one line each, the metrics, what changed,
why the metric moved, where it hurts, pictures, and then the evidence behind the verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from ratchet.core.change.records import Change, Real
from ratchet.core.decision import Condition, Decision
from ratchet.core.evidence.weak_spots import WeakSpots
from ratchet.core.judged import Evaluation
from ratchet.core.model_record import ModelRecord
from ratchet.core.report.leakage import leaking_rows
from ratchet.core.report.metrics import (
    against_base,
    against_reference,
    base_of,
    headline,
    identical,
    real,
    reference_of,
)
from ratchet.core.report.own_rules import own_rules
from ratchet.core.report.sealed import about_rows, budget_of, on_rows, told, why_sealed
from ratchet.core.report.table import Column, Row, Section, filled, table
from ratchet.core.report.text import number, shortened, words
from ratchet.core.report.weak_spots import not_looked, weak_spots
from ratchet.core.report.what_changed import what_changed
from ratchet.core.report.why import PICTURES, pictures, where_it_hurts, why

__all__ = ["Report", "build_report", "real"]

Folds = Mapping[str, Mapping[str, float | None]]
FOLDS = 8
"""Folds shown, the newest: more columns do not fit."""
CONDITIONS = 40
CONDITIONS_TITLE = "Conditions of the gate"
TREATED = 40
SENTENCE = 1000
"""Characters of a sentence at most: floors and batches in it may be many."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything a report shows.

    `verdict` is the gate's; `against` says whom it compared with. `change_line` is about the base, with `change_real`;
    both are empty where no base was named. `own_rules` is a sentence where the change edits how it is judged. A change
    that is `identical` to its base is told in one line: `change` is then None. Where the rows that judge are sealed,
    `sealed` says why, `budget` which look at them this was, and `rows` on which others all numbers are; else empty.
    `spots` are drawn as they are; None: nobody looked for them.
    """

    model: str
    verdict: str
    against: str
    reason: str
    own_rules: str
    would_change: str
    base: str
    identical: bool
    change_line: str
    change_real: Real
    sections: tuple[Section, ...]
    change: Change | None
    sealed: str = ""
    budget: str = ""
    rows: str = ""
    spots: WeakSpots | None = None

    @property
    def word(self) -> str:
        """The verdict as people are told it."""
        return told(self.verdict, sealed=bool(self.sealed))


def build_report(
    *,
    model: str,
    record: ModelRecord,
    decision: Decision,
    evaluation: Evaluation,
    folds: Folds,
    spread: Folds,
    change: Change | None = None,
) -> Report:
    """Put together what a data scientist reads in a minute.

    `folds` maps each fold of the cross-validation to its metrics, `spread` each metric to its `mean` and `sd`.
    """
    base, rules = (base_of(change), own_rules(change.params)) if change else ("", "")
    same = change is not None and identical(change)
    line, word = headline(change) if change else ("", "unknown")
    if same:
        change, line = None, f"Nothing differs from {base}."
    return Report(
        model=model,
        verdict=decision.verdict,
        against=reference_of(evaluation),
        reason=shortened(decision.reason, SENTENCE),
        own_rules=rules,
        would_change=shortened(decision.would_change, SENTENCE),
        base=base,
        identical=same,
        change_line=line,
        change_real=word,
        sections=(*_about(change, decision, evaluation), *_evidence(record, decision, evaluation, folds, spread)),
        change=change,
        sealed=why_sealed(decision),
        budget=budget_of(decision),
        rows=about_rows(evaluation),
    )


def with_section(report: Report, section: Section, before: Collection[str] = (CONDITIONS_TITLE,)) -> Report:
    """The report with one more section, before the evidence behind the verdict or another one of these titles."""
    place = next(place for place, each in enumerate(report.sections) if each.title in before)
    return replace(report, sections=(*report.sections[:place], section, *report.sections[place:]))


def with_weak_spots(report: Report, spots: WeakSpots | str, evaluation: Evaluation, change: Change | None) -> Report:
    """The report with where the challenger is weak, behind where it hurts; `spots` says why if nobody could look."""
    found = spots if isinstance(spots, WeakSpots) else None
    section = weak_spots(found, evaluation, change) if found else not_looked(evaluation, str(spots))
    placed = with_section(report, on_rows(section, about_rows(evaluation)), (PICTURES, CONDITIONS_TITLE))
    return replace(placed, spots=found)


def _about(change: Change | None, decision: Decision, evaluation: Evaluation) -> Iterator[Section]:
    coverage, rows = 1 - 2 * decision.policy.alpha, about_rows(evaluation)
    comparison = change.comparison if change else None
    if (leaking := leaking_rows(decision)).tables:
        yield leaking
    if change and comparison:
        yield on_rows(against_base(change, comparison), rows)
    yield on_rows(against_reference(evaluation, coverage, change), rows)
    if change is None:
        return
    yield what_changed(change)
    if change.attribution and (change.attribution.parts or change.attribution.note):
        yield on_rows(why(change.attribution, shortened(change.base_name, 60)), rows)
    if comparison:
        yield on_rows(where_it_hurts(change, comparison), rows)
        yield on_rows(pictures(change, comparison), rows)


def _evidence(
    record: ModelRecord, decision: Decision, evaluation: Evaluation, folds: Folds, spread: Folds
) -> Iterator[Section]:
    yield _conditions(decision.conditions)
    if folds:
        yield _cross_validation(folds, spread)
    if treated := record.preprocessing.lines():
        yield _preprocessing(treated)
    rows = [Row(each) for each in _facts(record, evaluation, decision).items()]
    tables = (table("", [Column(""), Column("")], rows),)
    yield Section(title="What was trained and judged on what", tables=tables, folded=True)


def _conditions(conditions: tuple[Condition, ...]) -> Section:
    """Those that fail come first."""
    rows = [
        Row(("✅" if each.passed else "❌", each.name, each.sentence), "unknown" if each.passed else "worse")
        for each in sorted(conditions, key=lambda each: each.passed)
    ]
    columns = [Column(""), Column("condition", "code"), Column("what was found")]
    return Section(title=CONDITIONS_TITLE, tables=filled([table("", columns, rows, most=CONDITIONS)]), folded=True)


def _cross_validation(folds: Folds, spread: Folds) -> Section:
    """The newest folds; mean and spread are of all of them."""
    newest = list(folds)[-FOLDS:]
    rows = [
        Row((
            words(name), number(found.get("mean")), number(found.get("sd")),
            *(number(folds[fold].get(name)) for fold in newest),
        ))
        for name, found in spread.items()
    ]  # fmt: skip
    columns = [Column("metric"), *(Column(shortened(name, 40), "number") for name in ("mean", "spread (sd)", *newest))]
    left = f"Shown: the newest {len(newest)} of {len(folds)} folds." if len(folds) > len(newest) else ""
    return Section(
        title="Cross-validation: walking forward over the training batches",
        tables=filled([table("", columns, rows, most=20)]), note=left, folded=True,
    )  # fmt: skip


def _preprocessing(lines: list[str]) -> Section:
    rows = [Row((line,)) for line in lines]
    tables = filled([table("", [Column("in the training rows")], rows, most=TREATED)])
    return Section(title="What preprocessing did", tables=tables, folded=True)


def _facts(record: ModelRecord, evaluation: Evaluation, decision: Decision) -> dict[str, str]:
    comparison = decision.evidence.comparison
    facts = {
        "estimator": record.recipe.model.estimator,
        "trained on": f"{_range(record.trained_on)}, {record.rows:,} rows, {len(record.features)} features",
        "judged on": f"{_range(evaluation.holdout)}, {_judging(evaluation, decision)} rows {_whose(evaluation)}",
        **(
            {"shown": f"{evaluation.looked_at.text} that no model was trained on"}
            if evaluation.looked_at and decision.seal
            else {}
        ),
        "change": "a refit: the champion's code and parameters, newer data"
        if evaluation.refit
        else "code or parameters differ from the champion's"
        if evaluation.champion
        else "the first model: it is compared with a constant prediction",
        "rows that fail together": f"{evaluation.clusters} clusters" if evaluation.clusters else "assumed independent",
    }
    if comparison and comparison.design_effect is not None and evaluation.clusters:
        facts["design effect"] = (
            f"{comparison.design_effect:.1f}: the {comparison.rows:,} rows tell as much as "
            f"{comparison.rows / max(comparison.design_effect, 1):,.0f} independent ones"
        )
    return facts


def _judging(evaluation: Evaluation, decision: Decision) -> str:
    return f"{decision.seal.rows:,} sealed" if decision.seal else f"{evaluation.rows:,}"


def _whose(evaluation: Evaluation) -> str:
    if evaluation.contaminated:
        return f"of which {', '.join(evaluation.contaminated)} trained a model: they show nothing"
    return "that neither model was trained on"


def _range(batches: Mapping[str, str]) -> str:
    names = sorted(batches)
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]} ({len(names)} batches)"
