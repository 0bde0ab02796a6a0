"""Reports as Markdown and as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from ratchet.core.report import Report

ICONS = {"promote": "🟢", "hold": "🟡", "reject": "🔴"}
MARKS = {"better": "🟢", "worse": "🔴", "within noise": "⚪", "unknown": "⚪"}
PICTURES = {
    "gain.png": "Where the gain comes from",
    "curves.png": "ROC, precision and recall, calibration",
    "confusion.png": "Confusion matrix",
    "predicted.png": "Predicted and actual",
}


def render_markdown(report: Report) -> str:
    """The report as GitHub shows it in a comment or a step summary."""
    template = _environment(autoescape=False).get_template("report.md.j2")
    return template.render(report=report, icon=ICONS[report.verdict], marks=MARKS)


def render_html(report: Report, evaluation: Path) -> str:
    """The report as one page; its pictures come from the folder `evaluation`."""
    pictures = [
        (title, _inline(evaluation / name)) for name, title in PICTURES.items() if (evaluation / name).is_file()
    ]
    text = evaluation / "classification_report.txt"
    classification = text.read_text(encoding="utf-8") if text.is_file() else ""
    template = _environment(autoescape=True).get_template("report.html.j2")
    return template.render(report=report, pictures=pictures, classification=classification)


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("ratchet.io"),
        autoescape=autoescape,  # noqa: S701  # off for Markdown, where `cell` escapes
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    return environment


def _cell(text: str) -> str:
    """Text that stays inside a Markdown table cell and is no markup."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(escaped.split())


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
