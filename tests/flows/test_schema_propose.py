"""`ratchet schema propose`: what lets a batch in, written only when told; faults stay faults."""

from __future__ import annotations

import csv
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.errors import BatchRefused, DataRefused, UsageError
from ratchet.flows.intake import take
from ratchet.flows.schema_propose import Proposal, propose, write
from ratchet.io.batches import RawBatches
from ratchet.io.files import write_text
from ratchet.io.room import read_params, read_schema
from ratchet.settings import Settings, load_settings

SCHEMA = """\
# Deliveries. Ranges are physical limits.
rows:
  key: [order]      # unique
  columns:
    order: {type: string, description: order number}   # never reused
    # what it rides
    courier: {type: string, values: [bike, car], description: vehicle}
    kilometres: {type: number, unit: km, min: 0, max: 50}
    items:
      type: integer
      min: 1          # an empty bag is none
      max: 100
    minutes: {type: number, unit: min, min: 0, max: 300, known: after}
    note: {type: string, nullable: true, missing: 0.5}
  references:
    - {lookup: towns, columns: [courier], matched: 0.95}   # most are known

lookups:
  towns:
    key: [name]
    per_batch: true
    columns:
      name: {type: string}
"""
PARAMS = """
project: {name: little, room: little, task: regression, target: minutes}
split: {holdout: 1, folds: 2}
features: {}
model: {estimator: hist_gradient_boosting}
evaluate: {}
gate: {metric: squared_error}
"""
ROWS = 200
Table = dict[str, list[Any]]


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    """A project without data."""
    return lay_out(tmp_path)


def lay_out(root: Path) -> Settings:
    """Write a project without data."""
    write_text(root / "params.yaml", PARAMS)
    write_text(root / "src" / "little" / "schema.yaml", SCHEMA)
    return load_settings(root, {"RATCHET_ACTOR": "ada"})


def rows(batch: int = 1) -> Table:
    """A batch that passes."""
    return {
        "order": [f"D{batch}-{number}" for number in range(ROWS)],
        "courier": [("bike", "car")[number % 2] for number in range(ROWS)],
        "kilometres": [(number * 7 + batch) % 80 / 10 for number in range(ROWS)],
        "items": [1 + (number * 3) % 9 for number in range(ROWS)],
        "minutes": [5 + (number * 13 + batch) % 97 / 2 for number in range(ROWS)],
        "note": [f"ring {number % 3}" if number % 4 else "" for number in range(ROWS)],
    }


def csv_file(path: Path, table: Table) -> Path:
    """The table as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(table)
        out.writerows(zip(*table.values(), strict=True))
    return path


def come(project: Settings, name: str, table: Table, towns: tuple[str, ...] = ("bike", "car")) -> None:
    """Bring a batch to the door."""
    paths = {
        "rows": csv_file(project.root / "given.csv", table),
        "towns": csv_file(project.root / "towns.csv", {"name": list(towns)}),
    }
    schema = read_schema(project.root, read_params(project.root))
    writers = {kind: (".csv", partial(shutil.copyfile, path)) for kind, path in paths.items()}
    take(RawBatches(project.root), name, writers, schema)


def refused(project: Settings, name: str, table: Table, **more: Any) -> Proposal:
    """What is proposed for a batch that is refused at the door."""
    with pytest.raises(BatchRefused):
        come(project, name, table, **more)
    return propose(project, [], {})


def edited(column: str, value: Any, *, every: int = 20) -> Table:
    """A batch in which every so many rows hold another value of a column."""
    table = rows()
    table[column] = [value if number % every == 0 else old for number, old in enumerate(table[column])]
    return table


def text_of(project: Settings) -> str:
    """The schema as it is in the file."""
    return (project.root / "src" / "little" / "schema.yaml").read_text(encoding="utf-8")


NARROW = {
    "max in a flow mapping": (
        edited("kilometres", 63.5),
        "    kilometres: {type: number, unit: km, min: 0, max: 100}",
    ),
    "min in a block mapping": (edited("items", 0), "      min: 0          # an empty bag is none"),
    "a new category": (
        edited("courier", "boat"),
        "    courier: {type: string, values: [bike, car, boat], description: vehicle}",
    ),
    "missing values": (
        edited("kilometres", ""),
        "    kilometres: {type: number, unit: km, min: 0, max: 50, nullable: true, missing: 0.1}",
    ),
    "more missing values": (rows() | {"note": ["x"] * 60 + [""] * 140},
                            "    note: {type: string, nullable: true, missing: 0.9}"),
    "decimals": (edited("items", 2.5), "      type: number"),
}  # fmt: skip


@pytest.mark.parametrize(("table", "line"), NARROW.values(), ids=NARROW)
def test_one_line_changes_and_the_batch_comes_in(table: Table, line: str, project: Settings) -> None:
    """The proposal is one line of the file; written, it lets the batch in, and there is nothing more to propose."""
    towns = ("bike", "car", "boat")
    found = refused(project, "2024-01", table, towns=towns)
    assert [each for each in found.after.splitlines() if each not in SCHEMA.splitlines()] == [line]
    assert len(found.after.splitlines()) == len(SCHEMA.splitlines())
    assert text_of(project) == SCHEMA
    write(found)
    assert text_of(project) == found.after
    again = propose(project, [], {})
    assert (again.diff, again.changes["2024-01"], again.faults["2024-01"]) == ("", [], [])
    come(project, "2024-01", table, towns=towns)


def test_a_block_mapping_gets_its_key_on_a_line_of_its_own(project: Settings) -> None:
    """A key that is not there is put where it usually stands, at the depth of its neighbours."""
    found = refused(project, "2024-01", edited("items", ""))
    old = "      max: 100\n"
    assert found.after == SCHEMA.replace(old, f"{old}      nullable: true\n      missing: 0.1\n")


def test_several_rules_are_answered_together(project: Settings) -> None:
    """What is narrow in several places is said once for each, until the batch passes."""
    table = edited("kilometres", 63.5) | {"courier": edited("courier", "boat", every=15)["courier"]}
    found = refused(project, "2024-01", table, towns=("bike", "car", "boat"))
    assert [change.key for change in found.changes["2024-01"]] == ["values", "max"]
    write(found)
    come(project, "2024-01", table, towns=("bike", "car", "boat"))


def test_a_reference_that_finds_less(project: Settings) -> None:
    """A lookup that lacks some entries may be let in, with the share that was found as the new measure."""
    table = rows() | {"courier": ["bike"] * 160 + ["car"] * 40}
    found = refused(project, "2024-01", table, towns=("bike",))
    assert "matched: 0.5}   # most are known" in found.after
    write(found)
    come(project, "2024-01", table, towns=("bike",))


def test_a_new_column_is_declared_where_no_batch_lacks_it(project: Settings) -> None:
    """Before the first batch a column may be added, last, in the style of the file."""
    table = rows() | {"tip": [number % 5 / 2 for number in range(ROWS)]}
    found = refused(project, "2024-01", table)
    assert [line for line in found.diff.splitlines() if line.startswith("+ ")] == [
        "+    tip: {type: number, min: 0, max: 3}"
    ]
    write(found)
    come(project, "2024-01", table)


def test_every_change_says_what_it_costs(project: Settings) -> None:
    """Reason, evidence and risk: how many rows, which values, and what is no longer seen."""
    (change,) = refused(project, "2024-01", edited("kilometres", 63.5)).changes["2024-01"]
    assert change.reason == "max 50 is too narrow: values reach 63.5"
    assert change.evidence == "10 rows, for example 63.5"
    assert change.risk == "a wrong value between 50 and 100 comes in unseen"


def renamed(table: Table, old: str, new: str) -> Table:
    """The table with a column under another name."""
    return {new if name == old else name: values for name, values in table.items()}


SECONDS = rows() | {"minutes": [60 * value for value in rows()["minutes"]]}
SWAPPED = rows() | {"kilometres": rows()["minutes"], "minutes": rows()["kilometres"]}
FAULTS: dict[str, tuple[Table, str]] = {
    "another unit": (SECONDS, "unit-change"),
    "swapped columns": (SWAPPED, "swapped-columns"),
    "garbled text": (edited("note", "KÃ¶ln"), "mojibake"),
    "a constant column": (rows() | {"kilometres": [3.3] * ROWS}, "constant"),
    "an empty column": (rows() | {"kilometres": [""] * ROWS}, "all-missing"),
    "a renamed column": (renamed(rows(), "items", "item"), "missing-column"),
    "a column that earlier batches lack": (rows() | {"tip": [1] * ROWS}, "unknown-column"),
    "a spelling": (edited("courier", "Bike"), "spelling-change"),
    "a stand-in": (edited("kilometres", 999), "default-value"),
    "text among numbers": (edited("kilometres", "far"), "wrong-type"),
    "a missing key": (edited("order", ""), "missing"),
    "rows twice": (rows() | {"order": ["D1"] * 20 + rows()["order"][20:]}, "key-not-unique"),
}


@pytest.mark.parametrize(("table", "rule"), FAULTS.values(), ids=FAULTS)
def test_faults_are_named_and_never_hidden(table: Table, rule: str, project: Settings) -> None:
    """What is wrong with the data is no reason to change the schema: it is named, and nothing can be written."""
    for number in range(2, 6):
        come(project, f"2023-0{number}", rows(number))
    found = refused(project, "2024-01", table)
    assert rule in {fault.finding.rule for fault in found.faults["2024-01"]}
    assert found.changes["2024-01"] == []
    with pytest.raises(DataRefused, match=f"\\[{rule}\\]"):
        write(found)
    assert text_of(project) == SCHEMA


def test_a_first_batch_in_another_unit_is_not_let_in_by_its_range(project: Settings) -> None:
    """Without earlier batches too, a range is not widened for most of the values."""
    found = refused(project, "2024-01", rows() | {"kilometres": [1000 * each + 51 for each in rows()["kilometres"]]})
    assert [fault.why for fault in found.faults["2024-01"]] == [
        "100% of the values are out of range: they may be in another unit"
    ]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (edited("courier", "Bike"), "'Bike' is another spelling of 'bike'"),
        (edited("kilometres", 999), "999.0 in 10 rows stands for a missing value"),
        (rows() | {"courier": ["Ada", "Bob"] * 100}, "none of the known values is there: it reads as another column"),
    ],
)
def test_faults_show_without_earlier_batches_too(table: Table, why: str, project: Settings) -> None:
    """Spellings, stand-ins for missing values and columns of other things are told from the batch alone."""
    found = refused(project, "2024-01", table, towns=("bike", "car", "Bike", "Ada", "Bob"))
    assert ([fault.why for fault in found.faults["2024-01"]], found.diff) == ([why], "")


def test_a_new_column_that_says_the_outcome_is_a_leak(project: Settings) -> None:
    """A column that reproduces an outcome is not declared as one that is known before."""
    found = refused(project, "2024-01", rows() | {"seconds": [60 * each for each in rows()["minutes"]]})
    (fault,) = found.faults["2024-01"]
    assert "says the outcome minutes" in fault.why


def test_nothing_is_proposed_for_what_passes(project: Settings, tmp_path: Path) -> None:
    """A batch that is here, and a project without refused ones, need no change."""
    come(project, "2024-01", rows())
    assert propose(project, ["2024-01"], {}).diff == ""
    assert propose(project, [], {}).changes == {}


def test_a_file_may_be_asked_about(project: Settings, tmp_path: Path) -> None:
    """Before a batch is brought to the door, its file can be named; what is none of the kind is refused."""
    path = csv_file(tmp_path / "2024-01.csv", edited("kilometres", 63.5))
    towns = csv_file(tmp_path / "towns.csv", {"name": ["bike", "car"]})
    found = propose(project, [str(path)], {"towns": towns})
    assert [change.key for change in found.changes["2024-01"]] == ["max"]
    with pytest.raises(UsageError, match="neither a file"):
        propose(project, ["2031-01"], {})


def test_the_command_writes_only_when_told(project: Settings) -> None:
    """Without --write the diff is printed and the file stays; with it the file is what the diff says."""
    with pytest.raises(BatchRefused):
        come(project, "2024-01", edited("kilometres", 63.5))
    base = ["--project", str(project.root), "schema", "propose"]
    shown = CliRunner().invoke(app, base)
    assert (shown.exit_code, text_of(project)) == (0, SCHEMA)
    assert "+    kilometres: {type: number, unit: km, min: 0, max: 100}" in shown.stdout.splitlines()
    assert "risk: " in shown.stdout
    done = CliRunner().invoke(app, [*base, "--write"])
    assert (done.exit_code, text_of(project)) == (0, SCHEMA.replace("max: 50", "max: 100"))


ODD: dict[str, list[Any]] = {
    "order": ["", "D1-1", "x"],
    "courier": ["", "boat", "Bike", "KÃ¶ln", "tram", "ferry"],
    "kilometres": ["", -1, 51, 77.5, 999, 1e300, "inf", "far"],
    "items": ["", 0, -4, 150, 2.5, "many"],
    "minutes": ["", 301, -2],
    "note": ["", "x"],
}
EDITS = st.lists(
    st.sampled_from(sorted(ODD)).flatmap(
        lambda column: st.tuples(st.just(column), st.sampled_from(ODD[column]), st.sampled_from([1, 2, 9, 20, 150]))
    ),
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(EDITS)
def test_what_is_proposed_lets_the_batch_in(edits: list[tuple[str, Any, int]]) -> None:
    """Whatever is wrong, the batch passes by what is proposed, or a fault is named and the schema stays as it was."""
    table = rows()
    for column, value, every in edits:
        table[column] = [value if number % every == 0 else old for number, old in enumerate(table[column])]
    with tempfile.TemporaryDirectory() as folder:
        project = lay_out(Path(folder))
        towns = {"towns": csv_file(Path(folder) / "towns.csv", {"name": ["bike", "car", "boat", "tram", "ferry"]})}
        file = csv_file(Path(folder) / "2024-01.csv", table)
        found = propose(project, [str(file)], towns)
        if found.faults["2024-01"]:
            with pytest.raises(DataRefused):
                write(found)
            assert text_of(project) == SCHEMA
            return
        write(found)
        again = propose(project, [str(file)], towns)
        assert (again.diff, again.faults) == ("", {"2024-01": []})
        come(project, "2024-01", table, towns=("bike", "car", "boat", "tram", "ferry"))
        assert [
            line for line in SCHEMA.splitlines() if "#" in line and line.partition("#")[2] not in text_of(project)
        ] == []
