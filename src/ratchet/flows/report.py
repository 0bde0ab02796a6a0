"""The report of a run: Markdown for a pull request or a step summary, HTML to look at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.judged import Evaluation
from ratchet.core.report.build import build_report
from ratchet.errors import ServiceFailed
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
    """Write `report.md`, `report.html` and `decision.json`; with a base (a branch or commit) also `change.json`.

    `explain` reruns for the causes of the change however long it takes. Raises ServiceFailed if nothing was run yet,
    UsageError if there is no such base.
    """
    root, folder = settings.root, into or settings.root / layout.REPORTS
    decision = read_decision(settings)
    try:
        evaluation = Evaluation.model_validate_json((root / layout.EVALUATION / "evaluation.json").read_bytes())
        cross_validation = json.loads((root / layout.TRAIN_METRICS).read_bytes())
    except OSError as error:
        raise ServiceFailed(f"there is nothing to report: {error}", next_step="ratchet run") from error
    change = change_of(settings, base, explain=explain) if base else None
    content = build_report(
        model=read_params(root).project.name,
        record=model_folder.read_record(root / layout.MODEL),
        decision=decision,
        evaluation=evaluation,
        folds=cross_validation["folds"],
        spread=cross_validation["spread"],
        change=change,
    )
    markdown = render_markdown(content)
    files.write_text(folder / "report.md", markdown)
    files.write_text(folder / "report.html", render_html(content, root / layout.EVALUATION))
    files.write_text(folder / "decision.json", (root / layout.DECISION).read_text(encoding="utf-8"))
    if change:
        files.write_text(folder / "change.json", change.model_dump_json(indent=2) + "\n")
    return Written((folder / "report.md", folder / "report.html"), markdown)
