"""Infer `schema.yaml` from files or from the raw batches, and let those very data pass it before it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl
import pyarrow as pa

from ratchet.core.conform import conform
from ratchet.core.schema import LOOKUPS, ROWS, Schema, Table
from ratchet.core.schema_inference.infer import infer_schema
from ratchet.core.schema_inference.records import Given, Hints, Inferred
from ratchet.core.schema_proposal.faults import is_anomaly
from ratchet.core.validation.batch import validate_batch
from ratchet.core.validation.records import Finding, ValidationReport
from ratchet.core.validation.refusal import reasons
from ratchet.core.zones import known_zone
from ratchet.errors import EXAMPLES_SHOWN, DataRefused, UsageError, Violation
from ratchet.io import files
from ratchet.io.batches import SUFFIXES, RawBatches
from ratchet.io.schema_file import render_schema
from ratchet.io.tables import parse_tables
from ratchet.io.untyped import read_untyped
from ratchet.settings import Settings

TABLE_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*")
FINDINGS_SHOWN = 8
MEND = "mend it where it comes from; data that cannot be mended is not what a schema should be made of"
NOT_WHOLE = ("missing-days", "truncated")
"""Batches that do not hold all days of their names' period are not cut by it."""
NO_PERIOD = "whether batches are cut by time: they are named so, but some lack days of their period; period is left out"


@dataclass(frozen=True)
class Sources:
    """Where the tables are: the files of each batch by table, and those of the standing lookups."""

    batches: Mapping[str, Mapping[str, Path]]
    standing: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Draft:
    """The text of a schema, what was guessed in it, and what is left to say.

    `quarantined` are rows that any schema would set aside, `unusual` is what no schema is about, such as empty days.
    """

    text: str
    guessed: tuple[str, ...]
    to_say: tuple[str, ...]
    quarantined: tuple[str, ...]
    unusual: tuple[str, ...]


def of_files(rows: Sequence[Path], lookups: Mapping[str, Path]) -> Sources:
    """Each file is the rows of one batch, named after it; `lookups` come with every batch.

    Raises UsageError if a name is taken twice, or cannot be one.
    """
    if wrong := [name for name in lookups if name == ROWS or not TABLE_NAME.fullmatch(name)]:
        raise UsageError(f"{wrong[0]!r} cannot name a lookup", next_step="use letters, digits, dash and underscore")
    batches: dict[str, Mapping[str, Path]] = {}
    for path in rows:
        name = path.name.partition(".")[0] if path.suffix in (".gz", ".zip") else path.stem
        if name in batches or name == LOOKUPS:
            raise UsageError(f"no file, or no second one, may be called {name}",
                             next_step="a batch is named after its file: rename it")  # fmt: skip
        batches[name] = {ROWS: path, **lookups}
    return Sources(batches)


def of_batches(settings: Settings) -> Sources:
    """The raw batches and the standing lookups of a project. Raises UsageError if there are none."""
    raw = RawBatches(settings.root)
    if not raw.names():
        raise UsageError("there is no batch in data/raw", next_step="name files: ratchet schema infer rows.csv")
    return Sources({name: raw.table_files(name) for name in raw.names()}, raw.standing_files())


def infer(sources: Sources, hints: Hints) -> Draft:
    """Infer a schema that the data pass.

    Raises DataRefused if no schema can be right: no key, batches that differ, or values that are wrong under any
    schema; UsageError if a hint cannot be followed.
    """
    try:
        known_zone(hints.zone or "UTC")
    except ValueError as error:
        raise UsageError(f"--zone: {error}", next_step="name one like America/New_York") from error
    given = Given(_untyped(sources.batches), {name: read_untyped(path) for name, path in sources.standing.items()})
    inferred = infer_schema(given, hints)
    while wrong := _wrongly_typed(inferred.schema, sources):
        texts = {table: {*hints.texts.get(table, ()), *wrong.get(table, ())} for table in {*hints.texts, *wrong}}
        hints = replace(hints, texts=texts)
        inferred = infer_schema(given, hints)
    reports = _checked(inferred.schema, sources, given)
    if inferred.schema.rows.period and any(each.rule in NOT_WHOLE for report in reports for each in report.refused):
        without = infer_schema(given, replace(hints, period=False))
        inferred = replace(without, to_say=(NO_PERIOD, *without.to_say))
        reports = _checked(inferred.schema, sources, given)
    _require_accepted(reports)
    text = render_schema(inferred.schema, header=_header(inferred))
    return Draft(text, inferred.guessed, inferred.to_say, tuple(_set_aside(reports)), tuple(_unusual(reports)))


def write(path: Path, draft: Draft) -> None:
    """Write the draft. Raises UsageError if there is a file already."""
    if path.exists():
        raise UsageError(
            f"{path} is there already, and is not written over",
            next_step="ratchet schema propose says what to change in it; or remove it, or print without --out",
        )
    files.write_text(path, draft.text)


def _untyped(batches: Mapping[str, Mapping[str, Path]]) -> dict[str, dict[str, pa.Table]]:
    return {name: {table: read_untyped(path) for table, path in paths.items()} for name, paths in batches.items()}


def _wrongly_typed(schema: Schema, sources: Sources) -> dict[str, set[str]]:
    """Columns by table that are not read as what their values look like: the reader of CSV has an eye of its own."""
    wrong: dict[str, set[str]] = {}
    for paths, tables in _units(schema, sources):
        for finding in parse_tables(paths, tables)[1] if _can_come_in(paths) else ():
            if finding.rule != "wrong-type" or tables[finding.table].columns[finding.column].type == "string":
                raise DataRefused(f"{finding.table}.{finding.column}: {finding.sentence}", next_step=MEND)
            wrong.setdefault(finding.table, set()).add(finding.column)
    return wrong


def _units(schema: Schema, sources: Sources) -> Iterator[tuple[Mapping[str, Path], dict[str, Table]]]:
    yield from ((paths, schema.batch_tables()) for paths in sources.batches.values())
    if sources.standing:
        yield sources.standing, schema.standing_tables()


def _can_come_in(paths: Mapping[str, Path]) -> bool:
    """Whether `ratchet data add` takes the files as they are; other formats are turned into Parquet on the way."""
    return all(path.suffix in SUFFIXES for path in paths.values())


def _checked(schema: Schema, sources: Sources, given: Given) -> list[ValidationReport]:
    """What validation says of the batches and of the standing lookups, each by itself."""
    standing = _typed(sources.standing, schema.standing_tables(), given.standing)
    units = [(LOOKUPS, standing)] * bool(standing)
    for name, paths in sources.batches.items():
        units.append((name, _typed(paths, schema.batch_tables(), given.batches[name]) | standing))
    return [validate_batch(name, tables, schema, before={}, released=()).report for name, tables in units]


def _typed(
    paths: Mapping[str, Path], tables: Mapping[str, Table], raws: Mapping[str, pa.Table]
) -> dict[str, pl.DataFrame]:
    if _can_come_in(paths):
        found = parse_tables(paths, tables)[0]
    else:
        found = {name: conform(raws[name], table, name=name)[0] for name, table in tables.items()}
    return {name: pl.DataFrame(table) for name, table in found.items()}


def _require_accepted(reports: Sequence[ValidationReport]) -> None:
    for report in reports:
        if any(not is_anomaly(finding) for finding in report.refused):
            lines = "".join(f"\n  - {_line(finding)}" for finding in reasons(report)[:FINDINGS_SHOWN])
            raise DataRefused(f"no schema can let {report.batch} pass as it is:{lines}", next_step=MEND)


def _set_aside(reports: Sequence[ValidationReport]) -> Iterator[str]:
    for report in reports:
        yield from (_of(report, finding) for finding in report.findings if finding.level == "quarantine")


def _unusual(reports: Sequence[ValidationReport]) -> Iterator[str]:
    for report in reports:
        yield from (_of(report, finding) for finding in report.refused)


def _of(report: ValidationReport, finding: Finding) -> str:
    return f"{report.batch}: {_line(finding)}"


def _line(finding: Finding) -> str:
    """'rows.x: is above 50 km (2 rows, for example 51, 700)'."""
    return str(Violation(table=finding.table, column=finding.column, rule=finding.sentence, count=finding.count,
                         examples=finding.examples[:EXAMPLES_SHOWN]))  # fmt: skip


def _header(inferred: Inferred) -> list[str]:
    first, last = inferred.batches[0], inferred.batches[-1]
    batches = f"{len(inferred.batches)} batches, {first} to {last}" if len(inferred.batches) > 1 else f"batch {first}"
    return [
        f"Inferred from {inferred.rows:,} rows: {batches}. Ranges have half of what was seen as room at either end,",
        "shares of missing values twice what was missing at most. Left to say: units, physical limits, descriptions,",
        "and which columns are outcomes (known: after). Keys and rules: docs/schema.md.",
    ]
