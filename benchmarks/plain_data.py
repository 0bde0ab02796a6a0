"""What a script does with the same batches without Ratchet: parse, check, make features, write; polars, one process.

    python benchmarks/plain_data.py PROJECT OUT

It stops at the first broken rule. It knows no earlier batch, keeps no digest, and cannot go on where it stopped.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
import yaml

CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]"
TYPES: dict[str, type[pl.DataType] | pl.DataType] = {
    "string": pl.String,
    "integer": pl.Int64,
    "number": pl.Float64,
    "boolean": pl.Boolean,
    "timestamp": pl.Datetime("us", "UTC"),
}


def main(project: Path, out: Path) -> None:
    """All batches of the project, one after the other."""
    sys.path.insert(0, str(project / "src"))
    from flights.features import build, label

    schema = yaml.safe_load((project / "src/flights/schema.yaml").read_text(encoding="utf-8"))
    known = [name for name, column in schema["rows"]["columns"].items() if column.get("known") != "after"]
    standing = {
        name: pd.read_parquet(project / f"data/lookups/{name}.parquet")
        for name, lookup in schema["lookups"].items()
        if not lookup.get("per_batch")
    }
    lookups = {name: pl.from_pandas(table) for name, table in standing.items()}
    for batch in sorted(path for path in (project / "data/raw").iterdir() if path.is_dir()):
        folder = out / batch.name
        folder.mkdir(parents=True)
        tables = {}
        for name, table in {"rows": schema["rows"], "weather": schema["lookups"]["weather"]}.items():
            typed = read(batch / f"{name}.parquet", table)
            check(typed, table, f"{batch.name} {name}")
            typed.write_parquet(folder / f"{name}.parquet", compression="zstd")
            tables[name] = typed
        require_month(tables["rows"][schema["rows"]["time"]], batch.name, schema["rows"]["period"]["zone"])
        for reference in schema["rows"]["references"]:
            require_matches(tables["rows"], {**lookups, **tables}[reference["lookup"]], reference, schema)
        rows = tables["rows"].to_pandas()
        labels = label(rows)
        features = build(rows[known], {**standing, "weather": tables["weather"].to_pandas()})[labels.notna()]
        features.to_parquet(folder / "features.parquet", compression="zstd", index=False)
        rows.loc[labels.notna(), schema["rows"]["key"]].assign(late=labels).to_parquet(
            folder / "labels.parquet", compression="zstd", index=False
        )


def read(path: Path, table: dict[str, Any]) -> pl.DataFrame:
    """The declared columns with their types. Raises polars' errors for a missing column or another type."""
    columns = [
        pl.col(name).dt.convert_time_zone("UTC").cast(TYPES["timestamp"])
        if column["type"] == "timestamp"
        else pl.col(name).cast(TYPES[column["type"]])
        for name, column in table["columns"].items()
    ]
    return pl.read_parquet(path).select(columns)


def check(frame: pl.DataFrame, table: dict[str, Any], name: str) -> None:
    """Missing values, ranges, values, relations and the key, in one pass."""
    rules = {"key": pl.struct(table["key"]).is_unique().all()}
    for column, declared in table["columns"].items():
        rules |= {f"{column} {what}": rule for what, rule in value_rules(pl.col(column), declared).items()}
    for place, relation in enumerate(table.get("relations", ())):
        rules[f"relation {place}"] = pl.sql_expr(relation["rule"]).all()
    held = frame.select(**rules).row(0, named=True)
    if not all(held.values()):
        raise SystemExit(f"{name}: {', '.join(rule for rule, holds in held.items() if not holds)}")


def value_rules(value: pl.Expr, declared: dict[str, Any]) -> dict[str, pl.Expr]:
    """What the values of one column must keep."""
    rules = {}
    if not declared.get("nullable"):
        rules["is there"] = value.is_not_null().all()
    if "missing" in declared:
        rules["is mostly there"] = value.is_null().mean() <= declared["missing"]
    if "min" in declared:
        rules["is not below"] = (value >= declared["min"]).all()
    if "max" in declared:
        rules["is not above"] = (value <= declared["max"]).all()
    if declared["type"] == "number":
        rules["is finite"] = value.is_finite().all()
    if "values" in declared:
        rules["is one of"] = value.is_in(declared["values"]).all()
    elif declared["type"] == "string":
        rules["is text"] = ~value.str.contains(CONTROL).any()
    return rules


def require_month(moments: pl.Series, month: str, zone: str) -> None:
    """Exit if a moment is outside of the month that the batch is named after."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=ZoneInfo(zone))
    after = (first + timedelta(days=32)).replace(day=1)
    if not moments.is_between(first.astimezone(UTC), after.astimezone(UTC), closed="left").all():
        raise SystemExit(f"{month}: rows of another month")


def require_matches(
    rows: pl.DataFrame, lookup: pl.DataFrame, reference: dict[str, Any], schema: dict[str, Any]
) -> None:
    """Exit if too few rows have their entry in a lookup."""
    key = schema["lookups"][reference["lookup"]]["key"]
    found = rows.join(lookup, left_on=reference["columns"], right_on=key, how="semi").height
    if found < reference["matched"] * rows.height:
        raise SystemExit(f"only {found} of {rows.height} rows match {reference['lookup']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
