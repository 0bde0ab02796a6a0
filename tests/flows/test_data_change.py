"""The data of a base against the work tree's, where schema, lookups and bytes changed: no DVC, two folders."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ratchet.core.change.data import CATEGORIES
from ratchet.core.change.records import BatchFinding, DataChange, SchemaChange
from ratchet.core.schema import LOOKUPS
from ratchet.core.validation.records import Finding, TableCount, ValidationReport
from ratchet.flows.data_change import data_change
from ratchet.io import files, layout
from ratchet.io.batches import UnitStore
from ratchet.io.revision import Revision
from ratchet.io.tables import write_table
from ratchet.io.validated import REPORT
from ratchet.settings import load_settings

ROOM = "changing"
PARAMS = f"""
project: {{name: little, room: {ROOM}, task: binary, target: late}}
split: {{}}
features: {{}}
model: {{estimator: hist_gradient_boosting}}
evaluate: {{}}
gate: {{metric: log_loss}}
"""
SCHEMA = """
rows:
  key: [id]
  columns:
    id: {type: integer}
    x: {type: number, nullable: true}
    kind: {type: string}
lookups:
  weather: {per_batch: true, key: [hour], columns: {hour: {type: integer}, rain: {type: number}}}
  places: {key: [place], columns: {place: {type: string}, height: {type: number}}}
"""
FEATURES = """
def build(rows, lookups):
    return rows[["x"]]


def label(rows):
    return rows["x"] > 0
"""
ROWS = 400

Tables = dict[str, dict[str, pa.Table]]
"""Tables by unit and name."""


@dataclass(frozen=True)
class Kept(Revision):
    """A commit whose files and outputs lie in a folder of their own."""

    folder: Path

    def outs(self) -> dict[str, str]:
        """The ingested data is an output, and what validation said where there is something."""
        said = {layout.VALIDATION: "1.dir"} if (self.folder / layout.VALIDATION).is_dir() else {}
        return {layout.INGESTED: "0.dir", **said}

    def text(self, path: str) -> str | None:
        """As git gives it: without the last newline."""
        file = self.folder / path
        return file.read_text(encoding="utf-8").rstrip("\n") if file.is_file() else None

    def fetch(self, repo: Any, paths: Iterable[str], into: Path) -> None:  # noqa: ARG002 - as Revision has it
        """Copy from the folder."""
        for path in paths:
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / path, into / path)


Compare = Callable[[Tables, Tables], DataChange]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project with a room; after the test nobody can import it."""
    root = tmp_path / "project"
    room = root / "src" / ROOM
    room.mkdir(parents=True)
    for path, text in (("__init__.py", ""), ("schema.yaml", SCHEMA), ("features.py", FEATURES)):
        (room / path).write_text(text, encoding="utf-8")
    (root / "params.yaml").write_text(PARAMS, encoding="utf-8")
    before = list(sys.path)
    yield root
    sys.path[:] = before
    for name in [name for name in sys.modules if name.split(".")[0] == ROOM]:
        del sys.modules[name]


@pytest.fixture
def compare(project: Path, tmp_path: Path) -> Compare:
    """Writes both sides and compares them."""

    def made(base: Tables, head: Tables) -> DataChange:
        write(tmp_path / "base", base)
        write(project, head)
        repo: Any = None  # nothing of DVC takes part
        return data_change(load_settings(project, {}), repo, Kept(project, "b" * 40, tmp_path / "base"))

    return made


def write(root: Path, tables: Mapping[str, Mapping[str, pa.Table]]) -> None:
    """Write units as `ingest` does, keyed by nothing in particular."""

    def make(unit: str, folder: Path) -> None:
        for name, table in tables[unit].items():
            write_table(folder / f"{name}.parquet", table)

    UnitStore(root / layout.INGESTED).update(dict.fromkeys(tables, "key"), make)


def batch(number: int) -> dict[str, pa.Table]:
    """Rows and weather of one batch; the same number, the same tables."""
    random = np.random.default_rng(number)
    rows = {"id": np.arange(ROWS), "x": random.normal(size=ROWS), "kind": random.choice(["a", "b"], ROWS)}
    return {"rows": pa.table(rows), "weather": pa.table({"hour": np.arange(24), "rain": random.random(24)})}


def base_of(count: int = 4) -> Tables:
    """Some batches and the standing lookup."""
    places = pa.table({"place": ["p", "q"], "height": [1.0, 2.0]})
    return {**{f"b{number}": batch(number) for number in range(1, count + 1)}, LOOKUPS: {"places": places}}


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    """The table with one column replaced."""
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def summary(found: DataChange) -> list[tuple[str, str, str, int, int, int, int | None]]:
    """What each record counts."""
    return [
        (each.batch, each.table, each.kind, each.rows_added, each.rows_removed, each.rows_edited, each.label_flips)
        for each in found.batches
    ]


def test_nothing_changed_is_nothing(compare: Compare) -> None:
    """Equal folders give an empty record without a note."""
    assert compare(base_of(), base_of()) == DataChange(batches=(), shifts=())


def test_every_table_of_every_unit_is_told_apart(compare: Compare) -> None:
    """Batches in time order, rows before the batch's lookups, the standing lookups last; new values name theirs."""
    head = {**base_of(), "b5": batch(5)}
    del head["b1"]
    rows = head["b3"]["rows"]
    kinds = ["new", *rows["kind"].to_pylist()[1:]]
    head["b3"] = {**head["b3"], "rows": with_column(with_column(rows, "kind", kinds), "x", -rows["x"].to_numpy())}
    head[LOOKUPS] = {"places": pa.table({"place": ["q", "r", "r"], "height": [2.5, 3.0, 3.0]})}
    found = compare(base_of(), head)
    assert summary(found) == [
        ("b1", "rows", "removed", 0, ROWS, 0, 0),
        ("b1", "weather", "removed", 0, 24, 0, None),
        ("b3", "rows", "changed", 0, 0, ROWS, ROWS),
        ("b5", "rows", "added", ROWS, 0, 0, 0),
        ("b5", "weather", "added", 24, 0, 0, None),
        (LOOKUPS, "places", "changed", 2, 1, 1, None),
    ]
    assert {(each.batch, each.table): each.new_categories for each in found.batches if each.new_categories} == {
        ("b3", "rows"): {"kind": ("new",)},
        (LOOKUPS, "places"): {"place": ("r",)},
    }
    assert found.note == ""


def test_new_categories_are_named_up_to_a_number_and_all_counted(compare: Compare) -> None:
    """Where there are more than are named the record says how many, and no note repeats it."""
    rows = batch(3)["rows"]
    many = [f"new {number % 25:02d}" for number in range(rows.num_rows)]
    found = compare(base_of(), {**base_of(), "b3": {**batch(3), "rows": with_column(rows, "kind", many)}})
    (changed,) = found.batches
    assert (len(changed.new_categories["kind"]), changed.new_category_counts) == (CATEGORIES, {"kind": 25})
    assert found.note == ""


def test_a_shifted_column_of_a_new_batch_is_found(compare: Compare) -> None:
    """In rows and in lookups that arrive with batches, the farthest first."""
    new = batch(5)
    moved = {"rows": with_column(new["rows"], "x", new["rows"]["x"].to_numpy() + 1.5),
             "weather": with_column(new["weather"], "rain", [9.0] * 24)}  # fmt: skip
    found = compare(base_of(8), {**base_of(8), "b9": moved})
    assert [(each.table, each.column) for each in found.shifts] == [("weather", "rain"), ("rows", "x")]


def test_too_few_batches_are_said_to_be_too_few(compare: Compare) -> None:
    """Nothing is called a shift where nobody knows what is usual."""
    found = compare(base_of(2), {**base_of(2), "b3": batch(3)})
    assert found.shifts == ()
    assert found.note == "rows, weather: distributions are compared from 3 batches of the base on"


def test_rows_in_another_order_are_no_change(compare: Compare) -> None:
    """The note says so for the first few batches, and counts the others."""
    head = {
        unit: {name: table.take(list(range(table.num_rows))[::-1]) for name, table in tables.items()}
        for unit, tables in base_of(2).items()
    }
    found = compare(base_of(2), head)
    assert (found.batches, found.shifts) == ((), ())
    assert found.note == "b1 rows, b1 weather, b2 rows and 2 more: the same rows in another order or another form"


def test_a_new_schema_over_the_same_raw_data_is_said_to_be_one(compare: Compare, project: Path, tmp_path: Path) -> None:
    """Columns that came or went are no edits but are named, and the raw data's pointer shows that it is code."""
    for root in (project, tmp_path / "base"):
        (root / "data" / "raw").mkdir(parents=True)
        (root / "data" / "raw" / "b1.dvc").write_text("outs:\n- md5: 0\n", encoding="utf-8")
    base = base_of()
    old = base["b1"]["rows"].append_column("was", pa.array([1] * ROWS)).drop_columns(["kind"])
    flips = int((base["b1"]["rows"]["x"].to_numpy() <= 0).sum())
    found = compare({**base, "b1": {**base["b1"], "rows": with_column(old, "x", [0.5] * ROWS)}}, base)
    assert summary(found) == [("b1", "rows", "changed", 0, 0, ROWS, flips)]
    assert found.batches[0].schema_changes == (
        SchemaChange(column="kind", before=None, after="string"),
        SchemaChange(column="was", before="integer", after=None),
    )
    assert found.note == "b1 rows: the raw data is the same, the schema or the code that reads it changed"


def test_labels_are_not_compared_where_one_version_lacks_what_they_are_made_of(compare: Compare) -> None:
    """The label function reads x, which the base's rows do not have: no flips are counted, and the note says why."""
    base = base_of()
    old = base["b1"]["rows"].drop_columns(["x"])
    found = compare({**base, "b1": {**base["b1"], "rows": old}}, base)
    assert summary(found) == [("b1", "rows", "changed", 0, 0, 0, None)]
    assert found.note == "b1 rows: labels are not compared: they need x, which is not the same column in both"


def test_the_label_function_sees_edited_rows_alone(compare: Compare, project: Path) -> None:
    """It refuses every row but the two that were edited, of which one flips."""
    rows = base_of()["b1"]["rows"]
    x = rows["x"].to_numpy().copy()
    x[[3, 5]] = [-x[3], x[5] * 2]
    edited = [rows["x"][3].as_py(), rows["x"][5].as_py(), float(x[3]), float(x[5])]
    (project / "src" / ROOM / "features.py").write_text(
        f"def build(rows, lookups): ...\n\n\ndef label(rows):\n    assert rows['x'].isin({edited!r}).all()\n"
        "    return rows['x'] > 0\n",
        encoding="utf-8",
    )
    found = compare(base_of(), {**base_of(), "b1": {**base_of()["b1"], "rows": with_column(rows, "x", x)}})
    assert summary(found) == [("b1", "rows", "changed", 0, 0, 2, 1)]


def test_rows_without_the_key_are_all_other_rows(compare: Compare) -> None:
    """Where the base's rows lack a column of today's key, nothing is matched and the note says why."""
    base = base_of()
    before = {**base, "b1": {**base["b1"], "rows": base["b1"]["rows"].drop_columns(["id"])}}
    found = compare(before, base)
    assert summary(found) == [("b1", "rows", "changed", ROWS, ROWS, 0, None)]
    assert "rows cannot be matched: the base has no id, now part of the key" in found.note


def test_a_table_that_the_schema_no_longer_has_is_left_to_the_next_run(compare: Compare) -> None:
    """What was ingested by another schema than today's is not compared, and does not break the rest."""
    head = base_of()
    head["b1"] = {**head["b1"], "old": pa.table({"a": [1]})}
    found = compare(base_of(), head)
    assert (summary(found), found.note) == (
        [], "b1 old: not compared: the table is no longer in schema.yaml, ratchet run first"
    )  # fmt: skip


def test_what_validation_says_of_new_batches_is_told(project: Path, tmp_path: Path, compare: Compare) -> None:
    """A batch that validation sees as in the base is not mentioned; a new one is, with what a person let pass."""
    said = {
        "b1": finding("rows", "x", "below-min", count=3),
        "b2": finding("rows", "kind", "not-in-values", count=2),
        "b3": finding("rows", "x", "drift", released="a new shop"),
    }
    validated(tmp_path / "base", {"b1": said["b1"], "b2": finding("rows", "kind", "mojibake", count=9)})
    validated(project, said)
    found = compare(base_of(2), base_of(3)).findings
    assert found == tuple(BatchFinding(batch=name, finding=said[name]) for name in ("b2", "b3"))


def finding(table: str, column: str, rule: str, *, count: int = 1, released: str = "") -> Finding:
    """A finding of rows in quarantine."""
    return Finding(
        table=table, column=column, rule=rule, level="quarantine", sentence="is odd", count=count, released=released
    )


def validated(root: Path, findings: Mapping[str, Finding]) -> None:
    """Write reports as `validate` does, one finding each."""

    def make(unit: str, folder: Path) -> None:
        counted = {"rows": TableCount(rows=ROWS, quarantined=1)}
        report = ValidationReport(batch=unit, tables=counted, findings=(findings[unit],))
        files.write_json(folder / REPORT, report.model_dump(mode="json"))

    UnitStore(root / layout.VALIDATION).update(
        {unit: found.model_dump_json() for unit, found in findings.items()}, make
    )
