"""What travels in a model's folder so that it can take raw rows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from ratchet.core.raw_input import LeftOut, requested_tables
from ratchet.core.schema import parse_schema
from ratchet.errors import TamperedFile
from ratchet.io import files, layout
from ratchet.io.batches import UnitStore
from ratchet.io.raw_input import lookup_file, read_raw_input, write_raw_input
from ratchet.io.tables import read_frame, write_table
from ratchet.io.validated import Validated

SCHEMA = """
rows:
  key: [ticket]
  columns:
    ticket: {type: integer, known: after}
    place: {type: string, values: [a, b]}
    at: {type: timestamp}
    local: {type: timestamp}
    late: {type: boolean, known: after}
  relations:
    - {rule: at >= local}
    - {rule: late = TRUE}
  references: [{lookup: sky, columns: [place]}]
lookups:
  sky: {per_batch: true, key: [place], columns: {place: {type: string}, rain: {type: number, max: 9}}}
  places: {key: [place], columns: {place: {type: string}}}
"""
AT = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)


def validated(root: Path, *, places: list[str], quarantined: list[int]) -> Validated:
    """What the first stages wrote: the first row and the first sky break a rule; some standing rows are kept out."""
    local = pa.array([AT.replace(tzinfo=None)] * 2, pa.timestamp("us"))
    rows = {"ticket": [1, 2], "place": places, "at": pa.array([AT] * 2, pa.timestamp("us", "UTC")), "local": local}
    tables = {
        "2024-05": {
            "rows": pa.table({**rows, "late": [True, False]}),
            "sky": pa.table({"place": ["x", "y", "b"], "rain": [99.0, 1.0, 2.0]}),
        },
        "lookups": {"places": pa.table({"place": ["a", "b"]})},
    }
    store = UnitStore(root / layout.INGESTED)

    def make(unit: str, folder: Path) -> None:
        for name, table in tables[unit].items():
            write_table(folder / f"{name}.parquet", table)

    def keep_out(_: str, folder: Path) -> None:
        files.write_json(folder / "report.json", {})
        if quarantined:
            write_table(folder / "places.quarantine.parquet", pa.table({"_row": quarantined}))

    store.update(dict.fromkeys(tables, "key"), make)
    UnitStore(root / layout.VALIDATION).update({"lookups": "key"}, keep_out)
    return Validated(root)


def written(root: Path, *, places: list[str], limit: int = 10_000, quarantined: tuple[int, ...] = ()) -> Path:
    """A folder with what raw rows need."""
    files.write_text(root / "room" / "schema.yaml", SCHEMA.replace("\n    - {rule: at >= local}", ""))
    folder = root / "model"
    folder.mkdir()
    valid = validated(root, places=places, quarantined=[*quarantined])
    write_raw_input(folder, valid=valid, batch="2024-05", room=root / "room", limit=limit)
    return folder


def test_the_record_shows_how_rows_look(tmp_path: Path) -> None:
    """Which timestamps have a zone, and a row that keeps the rules, with the entry of the lookup that it names."""
    record = read_raw_input(written(tmp_path, places=["zzz", "b"]))
    assert record is not None
    assert (record.room, record.zoned) == ("room", {"rows": ("at",), "sky": ()})
    assert record.example == {
        "rows": [{"place": "b", "at": "2024-05-01T12:30:00Z", "local": "2024-05-01T12:30:00"}],
        "sky": [{"place": "b", "rain": 2.0}],
    }


def test_an_entry_that_is_not_there_is_another_one(tmp_path: Path) -> None:
    """Where the lookup lacks what the row names, the example has the first entry that keeps the rules."""
    record = read_raw_input(written(tmp_path, places=["a", "a"]))
    assert record is not None
    assert record.example["sky"] == [{"place": "y", "rain": 1.0}]


def test_without_a_good_row_there_is_no_example(tmp_path: Path) -> None:
    """An example that would be refused is none."""
    record = read_raw_input(written(tmp_path, places=["q", "q"]))
    assert record is not None
    assert record.example == {}


def test_standing_lookups_travel_up_to_a_limit(tmp_path: Path) -> None:
    """As Parquet, the same rows; larger ones stay behind, and the record says how large."""
    folder = written(tmp_path, places=["a", "b"])
    assert read_frame(lookup_file(folder, "places"))["place"].tolist() == ["a", "b"]
    small = tmp_path / "small"
    small.mkdir()
    left = written(small, places=["a", "b"], limit=100)
    record = read_raw_input(left)
    assert record is not None
    assert (record.lookups, lookup_file(left, "places").exists()) == ((), False)
    assert record.left_out == LeftOut(size=lookup_file(folder, "places").stat().st_size, limit=100)


def test_what_is_in_quarantine_does_not_travel(tmp_path: Path) -> None:
    """Features were made without these rows of the lookup, and are made without them in the server."""
    folder = written(tmp_path, places=["a", "b"], quarantined=(0,))
    assert read_frame(lookup_file(folder, "places"))["place"].tolist() == ["b"]


def test_an_older_folder_has_no_record(tmp_path: Path) -> None:
    """That is no error; a record that cannot be read is."""
    assert read_raw_input(tmp_path) is None
    files.write_text(tmp_path / "raw" / "input.json", "{}")
    with pytest.raises(TamperedFile, match="cannot be read"):
        read_raw_input(tmp_path)


def test_a_request_carries_what_is_known_beforehand() -> None:
    """Outcomes are cut away, with the rules that need them and the keys that are outcomes."""
    import yaml

    tables = requested_tables(parse_schema(yaml.safe_load(SCHEMA)))
    assert list(tables) == ["rows", "sky"]
    assert (tables["rows"].key, list(tables["rows"].columns)) == ([], ["place", "at", "local"])
    assert [each.rule for each in tables["rows"].relations] == ["at >= local"]
