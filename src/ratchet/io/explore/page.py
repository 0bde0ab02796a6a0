"""The page of a batch and the page over batches, each one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import polars as pl

from ratchet.core.explore import overview
from ratchet.core.explore.association import CRAMER
from ratchet.core.explore.facts import BatchFacts
from ratchet.core.explore.outliers import REACH
from ratchet.core.params import Project
from ratchet.core.report.text import NONE, shortened
from ratchet.core.schema import ROWS, Table
from ratchet.io import charts as report_charts
from ratchet.io.chart_parts import Spec, still
from ratchet.io.explore import charts, words
from ratchet.io.explore.checked import Checked
from ratchet.io.explore.table_report import TableReport, table_report
from ratchet.io.html_page import START, environment, figure, policy, trusted
from ratchet.io.validation_page import LEVELS, SHOWN, TONES, bounded

RECENT = 24
"""Batches that are listed openly, the newest ones."""
STILL = 3_000
"""Values of a picture that is also drawn for whoever runs no scripts; of more, the page would weigh megabytes."""
COMINGS = 100
"""Lines of what comes and goes at most."""
QUARANTINED = 20
"""Rows in quarantine that a page shows of each table, the first ones."""
CELL = 60
"""Characters of a value in a table of rows."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All that a batch's page is made of; `checked` is None where validation has not seen it."""

    project: Project
    facts: BatchFacts
    tables: Mapping[str, Table]
    frames: Mapping[str, pl.DataFrame]
    checked: Checked | None
    origin: str


def batch_page(seen: Seen) -> str:
    """The page of one batch, or of the standing lookups."""
    reports = {name: table_report(frame, seen.tables[name].columns) for name, frame in seen.frames.items()}
    scripts = [script for report in reports.values() for script in report.scripts]
    findings = seen.checked.findings if seen.checked else ()
    return environment().get_template("explore_batch.html.j2").render(
        seen=seen,
        facts=seen.facts,
        words=words,
        title=words.target_title(seen.project.target, seen.project.task),
        shares=seen.project.task != "regression",
        lines={name: _lines(seen, name) for name in seen.tables},
        associations=_associations(seen),
        cramer=CRAMER,
        reach=REACH,
        reports=[(name, report, _sampled(report)) for name, report in reports.items()],
        findings=bounded(findings),
        levels=LEVELS,
        tones=TONES,
        more=max(0, len(findings) - SHOWN),
        quarantined={name: _rows(frame) for name, frame in (seen.checked.rows if seen.checked else {}).items()},
        rows=ROWS,
        scripts=(),
        policy=policy(dict.fromkeys(scripts)),
    )  # fmt: skip


@dataclass(frozen=True)
class Refused:
    """A batch that did not come in: why, and the address of its validation report."""

    batch: str
    why: str
    page: str


def index_page(
    project: Project, batches: Sequence[BatchFacts], pages: Mapping[str, PurePosixPath], *, stale: Collection[str],
    refused: Sequence[Refused],
) -> str:  # fmt: skip
    """The page over batches, oldest first; `pages` has the address of each unit's page, seen from this one.

    `stale` names the units whose data, schema or code has changed since.
    """
    missing, drift, comings = overview.missing_lines(batches), overview.drift(batches), overview.comings(batches)
    drawn = _pictures(project, batches, missing, drift)
    scripts = [report_charts.bundle(), START] if drawn else []
    return environment().get_template("explore_index.html.j2").render(
        project=project,
        batches=list(reversed(batches)),
        newest=batches[-1] if batches else None,
        pages=pages,
        stale=stale,
        refused=refused,
        words=words,
        title=words.target_title(project.target, project.task),
        shares=project.task != "regression",
        charts=drawn,
        drift=drift,
        chance=overview.chance(batches),
        missing=missing,
        comings=comings[:COMINGS],
        left_out=max(len(comings) - COMINGS, 0),
        too_many=overview.named_too_often(batches),
        limits={"least": overview.LEAST, "always": overview.ALWAYS, "categories": overview.CATEGORIES,
                "lines": charts.LINES, "recent": RECENT},
        rows=ROWS,
        scripts=trusted(scripts),
        policy=policy(scripts),
    )  # fmt: skip


def _pictures(
    project: Project, batches: Sequence[BatchFacts], missing: Sequence[overview.Line], drift: overview.Drift
) -> dict[str, dict[str, Any]]:
    """Each picture by its name, with its title; only those with data."""
    title = words.target_title(project.target, project.task)
    zone = batches[-1].coverage.zone if batches and batches[-1].coverage else ""
    specs = {
        "rows": ("Rows by batch", charts.rows_by_batch(batches) if batches else None),
        "target": ("By batch, with 95% intervals",
                   charts.target_by_batch(batches, title, share=project.task != "regression")),
        "days": (f"Rows by day ({zone})" if zone else "Rows by day", charts.rows_by_day(batches)),
        "missing": ("Share of rows without a value, the worst columns first",
                    charts.heat_map(batches, missing, "share missing")),
        "drift": ("Distance of each batch to all batches before it, the farthest columns first",
                  charts.heat_map(batches, drift.lines, "distance")),
    }  # fmt: skip
    return {name: _drawn(title, spec) for name, (title, spec) in specs.items() if spec is not None}


def _lines(seen: Seen, name: str) -> list[words.ColumnLine]:
    facts = seen.facts.tables[name].columns
    return [words.column_line(column, rule, facts[column]) for column, rule in seen.tables[name].columns.items()]


@dataclass(frozen=True)
class Strength:
    """A line of the table of associations; `width` is the bar's, in percent."""

    column: str
    text: str
    width: int
    groups: int
    after: bool


def _associations(seen: Seen) -> list[Strength]:
    """Columns known before the outcome first, then the others; each from strong to weak."""
    columns = seen.tables[ROWS].columns if ROWS in seen.tables else {}
    found = [
        Strength(
            each.column,
            NONE if each.strength is None else f"{each.strength:.2f}",
            round(100 * (each.strength or 0)),
            each.groups,
            columns[each.column].known == "after",
        )
        for each in (seen.facts.target.associations if seen.facts.target else ())
    ]
    return sorted(found, key=lambda each: (each.after, each.text == NONE, -each.width, each.column))


def _sampled(report: TableReport) -> str:
    """What the report leaves out, if anything."""
    return (
        f"Of a sample of {report.rows:,} of {report.whole:,} rows, drawn evenly." if report.rows < report.whole else ""
    )


def _rows(frame: pl.DataFrame) -> tuple[list[str], list[list[str]], int]:
    """The first rows of a table as texts: the columns, the cells, and how many rows are left out."""
    cells = [[_cell(value) for value in row] for row in frame.head(QUARANTINED).iter_rows()]
    return frame.columns, cells, max(frame.height - QUARANTINED, 0)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return shortened(", ".join(map(str, value)) if isinstance(value, list) else str(value), CELL)


def _drawn(title: str, spec: Spec) -> dict[str, Any]:
    small = len(spec["data"]["values"]) <= STILL
    return figure(title, spec, still(spec, charts.WIDE) if small else "")
