"""The report of a run: Markdown for a pull request or a step summary, HTML to look at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.change.records import Change
from ratchet.core.decision import Decision
from ratchet.core.evidence.weak_spots import WeakSpots
from ratchet.core.judged import Evaluation
from ratchet.core.model_record import ModelRecord
from ratchet.core.report.build import build_report, with_section, with_weak_spots
from ratchet.core.report.table import Section
from ratchet.errors import DataRefused, RatchetError, ServiceFailed, UsageError
from ratchet.flows.change import change_of
from ratchet.flows.run import read_decision
from ratchet.io import files, layout, model_folder
from ratchet.io.render import render_html, render_markdown
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True)
class Written:
    """The files that were written, and the Markdown text."""

    paths: tuple[Path, ...]
    markdown: str


def report(settings: Settings, *, base: str = "", explain: bool = False, into: Path | None = None) -> Written:
    """Write `report.md`, `report.html`, `decision.json` and `weak_spots.json`; with a base also `change.json`.

    The base is a branch or commit. `explain` reruns for the causes of the change however long it takes. Raises
    ServiceFailed if nothing was run yet, UsageError if there is no such base.
    """
    root, folder = settings.root, into or settings.root / layout.REPORTS
    decision = read_decision(settings)
    try:
        evaluation = Evaluation.model_validate_json((root / layout.EVALUATION / "evaluation.json").read_bytes())
        cross_validation = json.loads((root / layout.TRAIN_METRICS).read_bytes())
    except OSError as error:
        raise ServiceFailed(f"there is nothing to report: {error}", next_step="ratchet run") from error
    record = model_folder.read_record(root / layout.MODEL)
    _require_judged(decision, record)
    change = change_of(settings, base, explain=explain) if base else None
    content = build_report(
        model=read_params(root).project.name,
        record=record,
        decision=decision,
        evaluation=evaluation,
        folds=cross_validation["folds"],
        spread=cross_validation["spread"],
        change=change,
    )
    spots = _weak_spots(root, evaluation)
    content = with_weak_spots(content, spots, evaluation, change)
    if change and (past := _past(settings, change, decision)):
        content = with_section(content, past)
    markdown = render_markdown(content)
    files.write_text(folder / "report.md", markdown)
    files.write_text(folder / "report.html", render_html(content, root / layout.EVALUATION))
    files.write_text(folder / "decision.json", (root / layout.DECISION).read_text(encoding="utf-8"))
    if isinstance(spots, WeakSpots):
        files.write_text(folder / "weak_spots.json", spots.model_dump_json(indent=2) + "\n")
    if change:
        files.write_text(folder / "change.json", change.model_dump_json(indent=2) + "\n")
    return Written((folder / "report.md", folder / "report.html"), markdown)


def _weak_spots(root: Path, evaluation: Evaluation) -> WeakSpots | str:
    """What the rows that may be looked at say, or why they say nothing: then the gate's part stands without them."""
    # Imported late: reading a record loads no numpy.
    from ratchet.flows.weak_spots import weak_spots

    try:
        return weak_spots(root, evaluation)
    except (DataRefused, ServiceFailed, UsageError) as refused:
        return f"{refused.message}; {refused.next_step}" if refused.next_step else refused.message


def _past(settings: Settings, change: Change, decision: Decision) -> Section | None:
    """Earlier decisions under the gate's rules where the change edits them, or what keeps them from being read."""
    if not any(each.key.partition(".")[0] == "gate" for each in change.params):
        return None
    # Imported late: few changes edit the gate.
    from ratchet.core.past_rules import section
    from ratchet.flows.gate_what_if import under_new_rules

    try:
        return section(under_new_rules(settings, decision.policy))
    except RatchetError as error:
        return section((), error.message)


def _require_judged(decision: Decision, record: ModelRecord) -> None:
    """Raises ServiceFailed if the decision is about another model: `ratchet run --open` does not ask the gate."""
    made = decision.evidence.provenance
    if made and made.challenger != record.model_digest:
        raise ServiceFailed(
            "the gate was not asked about the model that is here: the last decision is about another one",
            next_step="ratchet run asks it",
        )
