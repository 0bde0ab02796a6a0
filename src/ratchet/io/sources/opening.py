"""The source that `params.yaml` declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ratchet.core.params import Data, Params
from ratchet.core.schema import ROWS, Schema, Table
from ratchet.core.sources import declared
from ratchet.core.sources.periods import period_of
from ratchet.core.validation.periods import FORMS
from ratchet.errors import UsageError
from ratchet.io.room import collect_function, standing_function
from ratchet.io.sources.batch import Source
from ratchet.io.sources.by_name import ByName
from ratchet.io.sources.by_period import ByPeriod
from ratchet.io.sources.files import FilesSource
from ratchet.io.sources.function import FunctionSource
from ratchet.io.sources.package import PackageSource
from ratchet.io.sources.part import TableSource
from ratchet.io.sources.sql import SqlSource


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a source is opened with; `environment` has the credentials that it names."""

    root: Path
    params: Params
    schema: Schema
    now: datetime
    environment: Mapping[str, str] = field(repr=False)


def open_source(opening: Opening) -> Source:
    """The declared source. Raises UsageError if it does not fit the schema; nothing is read yet."""
    data, schema = opening.params.data, opening.schema
    if data.rows.kind == "callable":
        return FunctionSource(
            declared=data.rows,
            function=collect_function(opening.root, opening.params),
            always=standing_function(opening.root, opening.params),
        )
    _require_lookups(data, schema)
    rows = _table_source(opening, data.rows, ROWS, schema.rows)
    lookups = {name: _table_source(opening, each, name, schema.lookups[name]) for name, each in data.lookups.items()}
    per_batch = {name: each for name, each in lookups.items() if schema.lookups[name].per_batch}
    always = {name: each for name, each in lookups.items() if not schema.lookups[name].per_batch}
    if data.rows.named:
        _require_first(data, schema)
        return ByName(data=data, schema=schema, rows=rows, per_batch=per_batch, always=always, now=opening.now)
    period, time = schema.rows.period, _time(opening)
    if period is None or not time:
        raise UsageError(
            "params.yaml: data.rows gives rows without saying which batch they belong to",
            next_step="say rows.time and rows.period (every: month) in schema.yaml, or put {batch} into the path",
        )
    if data.first and period_of(data.first, period) is None:
        raise UsageError(
            f"params.yaml: data.first: {data.first!r} is no {period.every} of rows.period in schema.yaml",
            next_step=f"name one, such as {FORMS[period.every][1]}",
        )
    return ByPeriod(
        data=data,
        schema=schema,
        period=period,
        time=time,
        rows=rows,
        per_batch=per_batch,
        always=always,
        now=opening.now,
    )


def _table_source(opening: Opening, source: declared.Source, name: str, table: Table) -> TableSource:
    types = {column: rule.type for column, rule in table.columns.items()}
    if source.kind == "package":
        return PackageSource(declared=source, types=types)
    if source.kind == "sql":
        time = _time(opening) if name == ROWS else source.time
        return SqlSource(declared=source, types=types, time=time, key=table.key, environment=opening.environment)
    return FilesSource(declared=source, types=types, root=opening.root, environment=opening.environment)


def _time(opening: Opening) -> str:
    return opening.params.data.rows.time or opening.schema.rows.time or ""


def _require_first(data: Data, schema: Schema) -> None:
    """Raises UsageError for a web server, which lists nothing, unless it is known which names to ask for."""
    asked = [path for path in data.rows.paths if path.startswith(("http://", "https://"))]
    if asked and not (data.first and schema.rows.period):
        raise UsageError(
            f"params.yaml: {asked[0]}: a web server does not say which batches it has",
            next_step="name the oldest one (data.first: 2013-01), and say rows.period in schema.yaml",
        )


def _require_lookups(data: Data, schema: Schema) -> None:
    """Raises UsageError unless exactly the lookups of the schema have a source."""
    missing, foreign = sorted({*schema.lookups} - {*data.lookups}), sorted({*data.lookups} - {*schema.lookups})
    if missing:
        raise UsageError(
            f"params.yaml: data.lookups does not say where {' and '.join(missing)} of schema.yaml comes from",
            next_step="declare its source there",
        )
    if foreign:
        raise UsageError(
            f"params.yaml: data.lookups names {' and '.join(foreign)}, which schema.yaml does not have",
            next_step="describe it in schema.yaml, or take it out",
        )
