"""Rows that somebody asks about: from a file, as raw rows or as features, or from the project by their key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from ratchet.core.analysis.explanation import RowName
from ratchet.core.conform import conform
from ratchet.core.feature_table import check_features, model_inputs
from ratchet.core.model_record import Feature
from ratchet.core.params import Params
from ratchet.core.raw_input import requested_tables
from ratchet.core.schema import ROWS, Schema, Table
from ratchet.core.validation.refusal import refusal
from ratchet.errors import BatchRefused, DataRefused, UsageError
from ratchet.io.room import feature_functions, read_schema
from ratchet.io.tables import read_raw
from ratchet.io.validated import Validated

if TYPE_CHECKING:
    import pyarrow as pa

LOOKUPS = "lookups"


class RowsOfFile(NamedTuple):
    """The model's input table, what its rows are called, and what `schema.yaml` warns of."""

    features: pd.DataFrame
    names: list[RowName]
    notes: tuple[str, ...]


def rows_of_file(
    root: Path, params: Params, features: Sequence[Feature], path: Path, lookups: Mapping[str, Path]
) -> RowsOfFile:
    """The rows in a CSV or Parquet file.

    The file has the columns of `schema.yaml` that are known beforehand, from which the room makes features, or it has
    the features themselves. Rows are held to what a server holds them to. Raises UsageError where the file has neither,
    BatchRefused where a value is not of its type or breaks a rule, DataRefused where a feature is missing in a row.
    """
    schema = read_schema(root, params)
    tables = requested_tables(schema)
    raw = read_raw(path, batch=path.name, texts=_texts(tables[ROWS], features))
    if not set(tables[ROWS].columns) - set(raw.column_names):
        typed = {ROWS: _rows(schema, raw, path.name), **_lookups(tables, lookups, path.name)}
        notes = _kept_rules(typed, tables, path.name)
        return RowsOfFile(_from_raw(root, params, schema, typed), _numbered(raw.num_rows), notes)
    if not {feature.name for feature in features} - set(raw.column_names):
        return RowsOfFile(_from_features(raw, features, path), _numbered(raw.num_rows), ())
    missing = [name for name in tables[ROWS].columns if name not in raw.column_names]
    raise UsageError(
        f"{path.name} has neither raw rows ({', '.join(missing)} missing) nor all features of the model",
        next_step="give it the columns of schema.yaml that are known before the outcome, or the features",
    )


def matches(labels: pd.DataFrame, key: Sequence[str], wanted: Sequence[str]) -> pd.Series:
    """Which rows have the key values `wanted`, as people type them: '2013-05-03T10:00Z', 'UA', '1545'.

    Moments without a zone are taken for UTC where the column has one. Raises UsageError for another number of values.
    """
    if len(key) != len(wanted):
        raise UsageError(
            f"a key has {len(key)} values ({','.join(key)}), not {len(wanted)}",
            next_step="give one value for each, with commas between; or the name of a file with rows",
        )
    found = pd.Series(True, index=labels.index)
    for name, text in zip(key, wanted, strict=True):
        found &= _equal(labels[name], text.strip())
    return found


def _equal(values: pd.Series, text: str) -> pd.Series:
    try:
        if values.dtype.kind == "M":
            moment = pd.Timestamp(text)
            zone = getattr(values.dt, "tz", None)
            return values == (moment.tz_localize("UTC") if zone is not None and moment.tz is None else moment)
        if values.dtype.kind in "iufb":
            return values == float(text)
    except ValueError as error:
        raise UsageError(f"{text!r} cannot be a value of {values.name}: {error}") from error
    return values.astype(str) == text


def _texts(table: Table, features: Sequence[Feature]) -> list[str]:
    """Columns that a CSV file must not turn into numbers."""
    named = {feature.name for feature in features if feature.kind == "category"} - set(table.columns)
    return [*table.texts(), *sorted(named)]


def _lookups(tables: Mapping[str, Table], given: Mapping[str, Path], name: str) -> dict[str, pa.Table]:
    """The lookups that come with a batch, from files. Raises UsageError unless exactly these are given."""
    needed = {each: table for each, table in tables.items() if each != ROWS}
    if missing := sorted(set(needed) ^ set(given)):
        raise UsageError(
            f"{name}: the lookups that come with rows are {', '.join(needed) or 'none'}; {missing[0]} is "
            f"{'not given' if missing[0] in needed else 'none of them'}",
            next_step="name a file for each: --lookup NAME=FILE",
        )
    return {
        each: _typed(read_raw(given[each], batch=name, texts=table.texts()), table, each, name)
        for each, table in needed.items()
    }


def _rows(schema: Schema, raw: pa.Table, name: str) -> pa.Table:
    """Without the outcomes, which are not looked at where the file has them, too."""
    before = [each for each in raw.column_names if each not in set(schema.rows.columns) - set(schema.known_before())]
    return _typed(raw.select(before), requested_tables(schema)[ROWS], ROWS, name)


def _kept_rules(typed: Mapping[str, pa.Table], tables: Mapping[str, Table], name: str) -> tuple[str, ...]:
    """What is only warned of. Raises BatchRefused that lists every broken rule, as a server refuses a request."""
    import polars as pl

    from ratchet.core.validation.asked_rows import broken_by
    from ratchet.core.validation.row_findings import finding_of

    frames = {table: pl.DataFrame(rows) for table, rows in typed.items()}
    found = list(broken_by(frames, tables))
    findings = [(each.refused, finding_of(each.broken, frames[each.table], table=each.table)) for each in found]
    if hard := [finding for is_refused, finding in findings if is_refused]:
        why = refusal(name, hard).violations
        raise BatchRefused(name, why, next_step="mend the rows; schema.yaml says what they must keep to")
    return tuple(f"{each.table}.{each.column} {each.sentence}: {each.count:,} rows" for _, each in findings)


def _from_raw(root: Path, params: Params, schema: Schema, typed: Mapping[str, pa.Table]) -> pd.DataFrame:
    """Features as the room makes them."""
    tables = {name: table.to_pandas() for name, table in typed.items()}
    rows = tables.pop(ROWS)
    valid = Validated(root)
    standing = {name: valid.rows(LOOKUPS, name) for name in schema.standing_tables()}
    build = feature_functions(root, params).build
    return check_features(build(rows.copy(), {**standing, **tables}), rows)


def _typed(raw: pa.Table, table: Table, name: str, batch: str) -> pa.Table:
    typed, findings = conform(raw, table, name=name)
    if findings:
        raise refusal(batch, findings)
    return typed


def _from_features(raw: pa.Table, features: Sequence[Feature], path: Path) -> pd.DataFrame:
    frame: pd.DataFrame = raw.to_pandas()
    try:
        inputs = model_inputs(frame, features)
    except ValueError as error:
        raise DataRefused(f"{path.name}: a feature that is a number is none: {error}") from error
    if absent := [each.name for each in features if not each.nullable and inputs[each.name].isna().any()]:
        where = int(inputs[absent[0]].isna().to_numpy().argmax()) + 1
        raise DataRefused(
            f"{path.name}: the feature {absent[0]} is missing in row {where}, and no training row lacks it",
            next_step="give it a value; a server refuses such a row, too",
        )
    return inputs


def _numbered(rows: int) -> list[RowName]:
    return [RowName(f"row {place}") for place in range(1, rows + 1)]
