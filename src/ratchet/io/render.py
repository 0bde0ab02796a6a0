"""Reports as Markdown and as one HTML page that needs nothing beside it.

What a report holds comes from pull requests: every expression of both templates is escaped by the environment, unless
it is `Markup` that was made here. The page's policy lets no script run but the two whose digests it names, and lets
nothing be loaded from anywhere.
"""

from __future__ import annotations

import re
from pathlib import Path

import markupsafe
from jinja2 import Environment

from ratchet.core.report.build import SENTENCE, Report
from ratchet.core.report.table import CELL, Kind
from ratchet.core.report.text import shortened
from ratchet.io import charts, html_page, markdown
from ratchet.io.markdown import Markup

ICONS = {"promote": "🟢", "hold": "🟡", "reject": "🔴"}
MARKS = {"better": "🟢", "worse": "🔴", "within noise": "⚪", "unknown": "⚪"}
LONGEST = 60_000
"""Characters of the Markdown at most: GitHub takes 65,536 in a comment, and the marker and footer need some."""
SECTION = "\x1e"
"""Where a section of the Markdown starts; no data can hold it, for it is not visible."""
PICTURES = {
    "gain.png": "Where the gain over what serves comes from",
    "curves.png": "ROC, precision and recall, calibration",
    "confusion.png": "Confusion matrix",
    "predicted.png": "Predicted and actual",
}


def render_markdown(report: Report, page_url: str = "") -> str:
    """The report as GitHub shows it in a comment or a step summary, at most LONGEST characters.

    `page_url` is where the HTML page can be seen. Sections that do not fit are left out from the end, and counted.
    """
    comparison = report.change.comparison if report.change else None
    history = markdown.history_chart(comparison, report.base) if comparison else None
    text = markdown_environment().get_template("report.md.j2").render(
        report=report,
        icon=ICONS[report.verdict],
        marks=MARKS,
        page=markdown.link("The report as a page, with all pictures", page_url) if page_url else "",
        charts={"history": history},
        section_mark=Markup(SECTION),
    )  # fmt: skip
    return _fitted([re.sub(r"\n{3,}", "\n\n", part).strip() for part in text.split(SECTION)])


def render_html(report: Report, evaluation: Path) -> str:
    """The report as one page; what it has no chart of its own for comes from the folder `evaluation`."""
    found = charts.charts(report.change) if report.change else {}
    found |= charts.spot_charts(report.spots) if report.spots else {}
    drawn = {name: html_page.figure(title, spec, charts.svg(name, spec)) for name, (title, spec) in found.items()}
    own = {"curves.png"} if "roc" in drawn else set()
    text = evaluation / "classification_report.txt"
    scripts = [charts.bundle(), html_page.START] if drawn else []
    shown = [(evaluation / name, title) for name, title in PICTURES.items() if name not in own]
    return html_page.environment().get_template("report.html.j2").render(
        report=report,
        charts=drawn,
        pictures=[(title, html_page.data_address("png", path.read_bytes())) for path, title in shown if path.is_file()],
        classification=markupsafe.escape(text.read_text(encoding="utf-8")) if text.is_file() else "",
        scripts=html_page.trusted(scripts),
        policy=html_page.policy(scripts),
    )  # fmt: skip


def _fitted(sections: list[str]) -> str:
    """As many whole sections as fit, with a word on the others."""
    kept, size = [sections[0]], len(sections[0])
    for position, section in enumerate(sections[1:], start=1):
        if size + len(section) > LONGEST - 200:
            kept.append(f"*{len(sections) - position} more sections do not fit here: they are on the page.*")
            break
        kept.append(section)
        size += len(section) + 2
    return "\n\n".join(kept) + "\n"


def markdown_environment() -> Environment:
    """The pages' environment, but for what is escaped: `finalize` does it for Markdown."""
    environment = html_page.environment().overlay(
        autoescape=False, finalize=lambda each: each if isinstance(each, Markup) else _text(each)
    )
    environment.filters |= {"cell": _cell, "summary": markdown.summary, "markup": Markup}
    return environment


def _text(value: object) -> Markup:
    return Markup(markdown.plain(shortened(str(value), SENTENCE)))


def _cell(text: str, kind: Kind) -> Markup:
    if kind == "code":
        return markdown.code(shortened(text, CELL))
    if kind == "real" and text in MARKS:
        return Markup(f"{MARKS[text]} **{text}**" if text in ("better", "worse") else f"{MARKS[text]} {text}")
    return Markup(markdown.inline(shortened(text, CELL)))
