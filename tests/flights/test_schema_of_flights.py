"""Inference on data that people know: the twelve months of flights."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import yaml

from ratchet.core.schema import Schema, parse_schema
from ratchet.core.schema_inference.records import Hints
from ratchet.flows.look import standing_frames
from ratchet.flows.schema_infer import Sources, infer
from ratchet.io.tables import write_polars

ROOT = Path(__file__).resolve().parents[2]
OUTCOMES = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time")
Tables = dict[str, pd.DataFrame]


def written(folder: Path, tables: Tables) -> dict[str, Path]:
    """The tables as Parquet files."""
    paths = {name: folder / f"{name}.parquet" for name in tables}
    for name, frame in tables.items():
        zoned = [str(column) for column, kind in frame.dtypes.items() if isinstance(kind, pd.DatetimeTZDtype)]
        plain = frame.assign(**{column: frame[column].dt.tz_convert(None) for column in zoned})
        instants = [pl.col(column).dt.replace_time_zone("UTC") for column in zoned]
        write_polars(paths[name], pl.from_pandas(plain.reset_index(drop=True)).with_columns(instants))
    return paths


def test_twelve_months(batches: dict[str, Tables], schema: Schema, tmp_path: Path) -> None:
    """No row is set aside by what is inferred from all months, and it is what a person wrote, but for words."""
    sources = Sources(
        {name: written(tmp_path / name, tables) for name, tables in batches.items()},
        written(tmp_path / "lookups", standing_frames(ROOT)),
    )
    draft = infer(sources, Hints(after=OUTCOMES, zone="America/New_York"))
    found = parse_schema(yaml.safe_load(draft.text))
    assert (draft.quarantined, draft.unusual) == ((), ())
    assert set(found.rows.key) == set(schema.rows.key)
    assert (found.rows.time, found.rows.period) == (schema.rows.time, schema.rows.period)
    assert {each.lookup: each.columns for each in found.rows.references} == {
        each.lookup: each.columns for each in schema.rows.references
    }
    assert {name: table.key for name, table in found.lookups.items()} == {
        name: table.key for name, table in schema.lookups.items()
    }
    for name, column in schema.rows.columns.items():
        guess = found.rows.columns[name]
        assert (guess.known, guess.nullable, guess.values) == (column.known, column.nullable, column.values)
        assert guess.type == column.type or (guess.type, column.type) == ("integer", "number")
