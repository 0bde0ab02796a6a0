"""Reports as Markdown and as one HTML page that needs nothing beside it.

What a report holds comes from pull requests: every expression of both templates is escaped by the environment, unless
it is `Markup` that was made here. The page's policy lets no script run but the two whose digests it names, and lets
nothing be loaded from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import markupsafe
from jinja2 import Environment, PackageLoader, StrictUndefined

from ratchet.core.report.build import SENTENCE, Report
from ratchet.core.report.table import CELL, Kind
from ratchet.core.report.text import shortened
from ratchet.io import charts, markdown
from ratchet.io.chart_parts import Spec
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
START = """
for (const chart of document.querySelectorAll("[data-chart]")) {
  const spec = JSON.parse(document.getElementById(chart.dataset.chart).textContent);
  vegaEmbed(chart, spec, {actions: false, renderer: "svg", ast: true});
}
"""
"""Draws every chart; `ast` reads Vega's expressions instead of compiling them, which the page's policy forbids."""


def render_markdown(report: Report, page_url: str = "") -> str:
    """The report as GitHub shows it in a comment or a step summary, at most LONGEST characters.

    `page_url` is where the HTML page can be seen. Sections that do not fit are left out from the end, and counted.
    """
    comparison = report.change.comparison if report.change else None
    history = markdown.history_chart(comparison, report.base) if comparison else None
    text = _markdown().get_template("report.md.j2").render(
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
    drawn = {name: {"title": title, "json": _json(spec), "svg": _data("svg+xml", charts.svg(name, spec).encode())}
             for name, (title, spec) in found.items()}  # fmt: skip
    own = {"curves.png"} if "roc" in drawn else set()
    text = evaluation / "classification_report.txt"
    scripts = [charts.bundle(), START] if drawn else []
    return _html().get_template("report.html.j2").render(
        report=report,
        charts=drawn,
        pictures=[(title, _data("png", (evaluation / name).read_bytes())) for name, title in PICTURES.items()
                  if name not in own and (evaluation / name).is_file()],
        classification=markupsafe.escape(text.read_text(encoding="utf-8")) if text.is_file() else "",
        scripts=[markupsafe.Markup(script) for script in scripts],  # noqa: S704  # ours, and the bundle's
        policy=_policy(scripts),
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


def _markdown() -> Environment:
    environment = _environment(
        autoescape=False, finalize=lambda each: each if isinstance(each, Markup) else _text(each)
    )
    environment.filters |= {"cell": _cell, "summary": markdown.summary, "markup": Markup}
    return environment


def _html() -> Environment:
    return _environment(autoescape=True, finalize=_shown)


def _environment(**options: Any) -> Environment:
    return Environment(  # noqa: S701  # off for Markdown alone, where `finalize` escapes
        loader=PackageLoader("ratchet.io"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, **options
    )


def _text(value: object) -> Markup:
    return Markup(markdown.plain(shortened(str(value), SENTENCE)))


def _shown(value: object) -> object:
    """Text without the characters that nobody sees; what is safe already stays as it is."""
    return value if not isinstance(value, str) or hasattr(value, "__html__") else markdown.visible(value)


def _cell(text: str, kind: Kind) -> Markup:
    if kind == "code":
        return markdown.code(shortened(text, CELL))
    if kind == "real" and text in MARKS:
        return Markup(f"{MARKS[text]} **{text}**" if text in ("better", "worse") else f"{MARKS[text]} {text}")
    return Markup(markdown.inline(shortened(text, CELL)))


def _json(spec: Spec) -> markupsafe.Markup:
    """JSON that may stand in a script: only ASCII, and nothing that ends a script or starts a comment."""
    text = json.dumps(spec, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    for each in "<>&":
        text = text.replace(each, f"\\u{ord(each):04x}")
    return markupsafe.Markup(text)  # noqa: S704  # escaped above


def _data(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _policy(scripts: list[str]) -> str:
    """Nothing is loaded, sent or framed; only these scripts run."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
