"""A model card: what a person must know before trusting a version, on one page (Mitchell et al. 2019).

Its numbers are those that reports show: of the open rows where the rows that judge are sealed. Nothing here is
measured; whatever was not recorded of a run is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ratchet.core.card_origin import batch_names, data_section, lineage_section, recipe_section
from ratchet.core.decision import CHALLENGER, Decision
from ratchet.core.findings import GroupGap, SliceCheck
from ratchet.core.judged import Evaluation
from ratchet.core.lineage_record import BatchLineage, Lineage
from ratchet.core.model_record import ModelRecord
from ratchet.core.params import Card
from ratchet.core.report.build import CONDITIONS_TITLE, build_report
from ratchet.core.report.sealed import about_rows, budget_of, on_rows, why_sealed, word_of
from ratchet.core.report.table import Column, Row, Section, table
from ratchet.core.report.text import NONE, count, listed, number, shortened, words

SLICES = 12
"""Rows of a table at most; what is left out is counted."""
TEXT = 2000
"""Characters of a text from params.yaml."""


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What a card is made of.

    `lineage` is None for a run of before it was kept; `signer` names the key that signs, or is empty.
    """

    model: str
    run_id: str
    seal: str
    about: Card
    record: ModelRecord
    decision: Decision
    evaluation: Evaluation
    lineage: Lineage | None
    slices: SliceCheck | None
    signer: str


@dataclass(frozen=True)
class ModelCard:
    """The page: a title, a sentence below it, the verdict, and the sections in a reader's order."""

    title: str
    purpose: str
    verdict: str
    word: str
    sections: tuple[Section, ...]


def build_card(facts: CardFacts) -> ModelCard:
    """Lay out the facts."""
    purpose = facts.about.purpose or "Nobody has said what this model is for: card.purpose in params.yaml."
    return ModelCard(
        title=facts.model,
        purpose=shortened(purpose, TEXT),
        verdict=facts.decision.verdict,
        word=word_of(facts.decision),
        sections=tuple(_sections(facts)),
    )


def _sections(facts: CardFacts) -> Iterator[Section]:
    record, decision, evaluation = facts.record, facts.decision, facts.evaluation
    report = build_report(
        model=facts.model, record=record, decision=decision, evaluation=evaluation, folds={}, spread={}
    )
    rows = about_rows(facts.evaluation)
    yield _at_a_glance(facts)
    yield on_rows(_metrics(facts), rows)
    place = next(at for at, each in enumerate(report.sections) if each.title == CONDITIONS_TITLE)
    yield from report.sections[:place]
    if facts.slices is not None:
        yield on_rows(_slices(facts.slices, facts.decision.policy.metric), rows if facts.decision.seal else "")
    if facts.decision.evidence.gaps:
        yield _gaps(facts.decision.evidence.gaps)
    yield _limits(facts)
    yield _decision(facts.decision)
    yield from report.sections[place:]
    yield data_section(facts.lineage)
    yield recipe_section(facts.record)
    yield _use(facts)
    yield lineage_section(facts.run_id, model=facts.record.model_digest, seal=facts.seal, lineage=facts.lineage)


def _at_a_glance(facts: CardFacts) -> Section:
    record = facts.record
    lines = [
        ("predicts", f"{record.target}, {_answer(record)}"),
        (
            "trained on",
            f"{record.rows:,} rows of {batch_names(record.trained_on)}, {count(len(record.features), 'feature')}",
        ),
        ("estimator", record.recipe.model.estimator),
        ("owner", shortened(facts.about.owner, TEXT) or "nobody is named: card.owner in params.yaml"),
        ("signature", _signature(facts)),
    ]
    return Section(title="At a glance", lines=tuple(lines))


def _answer(record: ModelRecord) -> str:
    if record.task == "regression":
        return "as a number (regression)"
    if record.task == "binary":
        return f"as a probability of {record.labels[-1]} (binary; {record.labels[-1]} from {record.threshold:g})"
    return f"as a probability for each of {listed(record.labels)} (multiclass)"


def _signature(facts: CardFacts) -> str:
    if facts.signer:
        return f"signed with the key {facts.signer}, of keys/{facts.signer}.pub"
    return "not signed: the project has no key (ratchet keys new)"


def _metrics(facts: CardFacts) -> Section:
    """The model's own numbers with their intervals; the comparison follows."""
    coverage = f"{1 - 2 * facts.decision.policy.alpha:.0%} interval"
    rows = []
    for each in facts.evaluation.metrics:
        found = each.models[CHALLENGER]
        spanned = f"{number(found.low)} to {number(found.high)}" if found.low is not None else NONE
        rows.append(Row((words(each.name), number(found.value), spanned, each.meaning)))
    columns = [Column("metric"), Column("value", "number"), Column(coverage, "number"), Column("what it says")]
    return Section(title="How good it is", tables=(table("", columns, rows, most=20),))


def _slices(found: SliceCheck, metric: str) -> Section:
    """Worst first: by the gain, which is above 0 where this model is better than what it was compared with."""
    worst = sorted(found.gains, key=lambda each: (each.gain.value is None, each.gain.value))
    rows = [
        Row((
            f"{each.column} = {each.value}", f"{each.gain.rows:,}", number(each.gain.value, sign="+"),
            f"{number(each.gain.low, sign='+')} to {number(each.gain.high, sign='+')}"
            if each.gain.low is not None else NONE,
        ))
        for each in worst
    ]  # fmt: skip
    columns = [Column("slice", "code"), *(Column(name, "number") for name in ("rows", "gain", "interval"))]
    asked = f"The gain in {words(metric)} a row; below 0 this model is worse there. "
    small = f"{count(found.too_small, 'slice')} of fewer than {found.min_rows:,} rows not looked at."
    return Section(title="Slices, worst first", tables=(table("", columns, rows, most=SLICES),), note=asked + small)


def _gaps(gaps: tuple[GroupGap, ...]) -> Section:
    rows = [
        Row((
            each.column, words(each.gap), number(each.challenger.value if each.challenger else None),
            number(each.reference.value if each.reference else None),
            listed(f"{name} ({size:,})" for name, size in each.groups.items()),
        ))
        for each in gaps
    ]  # fmt: skip
    numbers = (Column(name, "number") for name in ("this model", "compared with"))
    columns = [Column("column", "code"), Column("gap"), *numbers, Column("groups (rows)")]
    return Section(title="How far groups are apart", tables=(table("", columns, rows),))


def _limits(facts: CardFacts) -> Section:
    said = [("", shortened(each, TEXT)) for each in facts.about.limits]
    return Section(title="Limits", lines=(*said, *(("", each) for each in _found_limits(facts))))


def _found_limits(facts: CardFacts) -> Iterator[str]:
    """What the checks say, besides what people wrote."""
    if facts.evaluation.clusters is None:
        yield "Intervals assume that rows are independent of each other: split.cluster names none that are not."
    failed = [each.name for each in facts.decision.conditions if not each.passed]
    if failed:
        yield f"The gate's conditions {listed(failed)} do not hold."
    known = [feature.name for feature in facts.record.features if not feature.nullable]
    if known:
        yield f"It answers no row that lacks {listed(known)}."
    if facts.lineage is None:
        return
    yield from _data_limits(facts.lineage.used_for("training"), "trained")
    yield from _data_limits(facts.lineage.used_for("judging"), "judged")
    if not facts.lineage.commit.clean:
        yield "The code or data was not as committed when it was made: it cannot be rebuilt from git alone."


def _data_limits(batches: Sequence[BatchLineage], did: str) -> Iterator[str]:
    quarantined = sum(each.quarantined or 0 for each in batches)
    warned = sum(each.warnings or 0 for each in batches)
    if quarantined:
        yield f"{count(quarantined, 'row')} of the batches that {did} it are in quarantine: it knows none like them."
    if warned:
        yield f"Validation had {count(warned, 'warning')} about the batches that {did} it."


def _decision(decision: Decision) -> Section:
    lines = [("verdict", word_of(decision)), ("reason", shortened(decision.reason, TEXT))]
    lines += [("budget", budget_of(decision))] if decision.seal else []
    lines += [("sealed", why_sealed(decision))] if decision.seal else []
    lines += [("would change it", shortened(decision.would_change, TEXT))] if decision.would_change else []
    return Section(title="The decision", lines=tuple(lines))


def _use(facts: CardFacts) -> Section:
    columns = [Column("to"), Column("command", "code")]
    rows = [
        Row(("serve what serves", "ratchet serve")),
        Row(("fetch the champion's files, verified", "ratchet champion pull")),
        Row(("see the gate's reasons", "ratchet gate explain")),
        Row(("let it serve, if its decision says so", f"ratchet promote {facts.run_id}")),
    ]
    note = (
        "Elsewhere: mlflow.pyfunc.load_model of the registered version, which verifies nothing; manifest.json beside "
        "this page names the SHA-256 of every file, and docs/signing.md how to verify its signature without Ratchet."
    )
    return Section(title="How to use and verify it", tables=(table("", columns, rows),), note=note)
