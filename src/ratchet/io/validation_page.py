"""A validation report as Markdown and as one HTML page that loads nothing and runs nothing.

What stands in a finding comes from data that is wrong: every value is escaped, shortened and made visible.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.core.report.text import shortened
from ratchet.core.validation.records import Finding, ValidationReport
from ratchet.io.markdown import inline, plain

SHOWN = 200
"""Findings on a page at most; the others are counted."""
CELL = 300
"""Characters of a sentence or of an example at most."""
LEVELS = {"refuse": "refuses the batch", "quarantine": "quarantines rows", "warn": "warns"}
TONES = {"refuse": "worse", "quarantine": "wait", "warn": "within noise"}


def bounded(findings: Sequence[Finding]) -> list[Finding]:
    """The first SHOWN findings, each text of them of at most CELL characters."""
    return [_cut(finding) for finding in findings[:SHOWN]]


def verdict(report: ValidationReport) -> str:
    """In a word or two what became of the batch.

    >>> verdict(ValidationReport(batch="2013-07", tables={}, findings=()))
    'accepted'
    """
    return "refused" if report.refused else "accepted"


def markdown(report: ValidationReport) -> str:
    """The report as GitHub shows it."""
    lines = [f"# {plain(report.batch)}: {verdict(report)}", "", "| table | rows | in quarantine |", "|---|--:|--:|"]
    lines += [f"| {inline(name)} | {count.rows:,} | {count.quarantined:,} |" for name, count in report.tables.items()]
    lines += ["", f"Compared with {inline(_compared(report))}.", ""]
    if report.findings:
        lines += ["| what | where | rows | rule | level | examples |", "|---|---|--:|---|---|---|"]
        lines += [_row(finding) for finding in bounded(report.findings)]
        lines += [f"\n{len(report.findings) - SHOWN} more findings."] * (len(report.findings) > SHOWN)
    else:
        lines.append("Nothing was found.")
    return "\n".join(lines) + "\n"


def html(report: ValidationReport) -> str:
    """The report as one page."""
    from ratchet.io.html_page import environment, policy

    return environment().get_template("validation.html.j2").render(
        report=report,
        verdict=verdict(report),
        compared=_compared(report),
        findings=bounded(report.findings),
        more=max(0, len(report.findings) - SHOWN),
        levels=LEVELS,
        tones=TONES,
        scripts=(),
        policy=policy(()),
    )  # fmt: skip


def _cut(finding: Finding) -> Finding:
    texts = {name: shortened(getattr(finding, name), CELL) for name in ("table", "column", "sentence", "released")}
    return finding.model_copy(update={**texts, "examples": tuple(shortened(each, CELL) for each in finding.examples)})


def _row(finding: Finding) -> str:
    level = f"released: {finding.released}" if finding.released else LEVELS[finding.level]
    where, rows = f"{finding.table}.{finding.column}", f"{finding.count:,}"
    cells = (finding.sentence, where, rows, finding.rule, level, ", ".join(finding.examples))
    return f"| {' | '.join(inline(shortened(cell, CELL)) for cell in cells)} |"


def _compared(report: ValidationReport) -> str:
    names = report.compared_with
    if not names:
        return "no earlier batch"
    return names[0] if len(names) == 1 else f"{len(names)} earlier batches, {names[0]} to {names[-1]}"
