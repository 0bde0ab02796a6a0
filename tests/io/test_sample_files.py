"""What goes into a sample: drawn rows as they came, and of the lookups what these rows need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ratchet.core.schema import Schema, parse_schema
from ratchet.io.batches import RawBatches
from ratchet.io.sample_files import Drawing, size, write_batch, write_standing
from ratchet.io.tables import read_frame, write_frame

if TYPE_CHECKING:
    from ratchet.io.sample_files import Build, Tables

SCHEMA: Schema = parse_schema(
    {
        "rows": {
            "key": ["id"],
            "columns": {
                "id": {"type": "integer"},
                "shop": {"type": "string"},
                "late": {"type": "boolean", "known": "after"},
            },
        },
        "lookups": {
            "shops": {"key": ["shop"], "columns": {"shop": {"type": "string"}, "size": {"type": "number"}}},
            "prices": {
                "per_batch": True,
                "key": ["day"],
                "columns": {"day": {"type": "integer"}, "price": {"type": "number"}},
            },
        },
    }
)


def by_shop(rows: pd.DataFrame, lookups: Tables) -> pd.DataFrame:
    """A room that finds the entry of each row by its key."""
    return rows[["shop"]].merge(lookups["shops"], on="shop", how="left").set_axis(rows.index)


def among_all(rows: pd.DataFrame, lookups: Tables) -> pd.DataFrame:
    """A room in which every entry matters to every row."""
    return pd.DataFrame({"mean": lookups["shops"]["size"].mean()}, index=rows.index)


def by_place(rows: pd.DataFrame, lookups: Tables) -> pd.DataFrame:
    """A room that fails unless every entry is there."""
    return pd.DataFrame({"size": [lookups["shops"].set_index("shop").loc["shop-99", "size"]] * len(rows)}, rows.index)


def drawing(root: Path, build: Build, suffix: str = "csv") -> Drawing:
    """A project with one batch of 100 rows of ten shops, where a hundred shops are known."""
    rows = pd.DataFrame({"id": range(100), "shop": [f"shop-{n % 10:02d}" for n in range(100)], "late": [True] * 100})
    folder = root / "data" / "raw" / "b1"
    folder.mkdir(parents=True)
    write_frame(folder / "prices.parquet", pd.DataFrame({"day": range(5), "price": [1.5] * 5}))
    if suffix == "csv":
        rows.to_csv(folder / "rows.csv", index=False)
    else:
        write_frame(folder / "rows.parquet", rows.sample(frac=1, random_state=0))
    shops = pd.DataFrame({"shop": [f"shop-{n:02d}" for n in range(100)], "size": [float(n) for n in range(100)]})
    write_frame(root / "data" / "lookups" / "shops.parquet", shops)
    return Drawing(data=RawBatches(root), schema=SCHEMA, build=build, rows=20)


def test_rows_are_drawn_and_lookups_of_the_batch_are_whole(tmp_path: Path) -> None:
    """Twenty rows as they came, of every column, and the batch's prices byte for byte."""
    source, place = drawing(tmp_path, by_shop), tmp_path / "out"
    place.mkdir()
    tables = write_batch(source, "b1", place)
    written = read_frame(place / "rows.parquet")
    assert (len(written), list(written.columns)) == (20, ["id", "shop", "late"])
    assert written["id"].tolist() == tables["rows"]["id"].tolist()
    assert (place / "prices.parquet").read_bytes() == (tmp_path / "data/raw/b1/prices.parquet").read_bytes()
    assert size(place) == sum(path.stat().st_size for path in place.iterdir())


def test_the_same_rows_are_drawn_from_another_file_in_another_order(tmp_path: Path) -> None:
    """CSV or Parquet, sorted or shuffled: the keys decide."""
    found = []
    for suffix in ("csv", "parquet"):
        place = tmp_path / suffix / "out"
        place.mkdir(parents=True)
        found.append(sorted(write_batch(drawing(tmp_path / suffix, by_shop, suffix), "b1", place)["rows"]["id"]))
    assert found[0] == found[1]


@pytest.mark.parametrize(("build", "is_cut"), [(by_shop, True), (among_all, False), (by_place, False)])
def test_a_lookup_is_cut_only_where_no_feature_notices(tmp_path: Path, build: Build, is_cut: bool) -> None:
    """A join by key needs the entries of its rows alone; a room that looks further gets all of them."""
    source, place = drawing(tmp_path, build), tmp_path / "out"
    place.mkdir()
    tables = write_batch(source, "b1", place)
    entries = tables["rows"]["shop"].nunique() if is_cut else 100
    assert write_standing(source, {"b1": tables}, place) == {"shops": entries}
    assert len(read_frame(place / "shops.parquet")) == entries
