"""`ratchet data add` and what it hands to DVC."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.core.validation.records import ValidationReport
from ratchet.errors import BatchRefused, DataRefused, UsageError
from ratchet.flows import data
from ratchet.io import dvc
from ratchet.io.batches import RawBatches, pointer
from ratchet.io.files import write_text
from ratchet.settings import Settings, load_settings

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # from inside DVC

SCHEMA = """
rows:
  key: [id]
  time: at
  columns:
    id: {type: integer}
    at: {type: timestamp}
    x: {type: number, max: 50}
    kind: {type: string}
lookups:
  places: {per_batch: true, key: [place], columns: {place: {type: string}, height: {type: number}}}
"""
PARAMS = """
project: {name: little, room: little, task: binary, target: late}
split: {holdout: 1, folds: 2}
features: {}
model: {estimator: hist_gradient_boosting}
evaluate: {}
gate: {metric: log_loss}
"""
Record = dict[str, object]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A project with DVC and without data; DVC knows nothing of the machine."""
    from dvc.repo import Repo

    for name in ("HOME", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("DVC_REMOTE_URL", raising=False)
    root = tmp_path / "project"
    write_text(root / "params.yaml", PARAMS)
    write_text(root / "src" / "little" / "schema.yaml", SCHEMA)
    Repo.init(str(root), no_scm=True).close()
    return load_settings(root, {})


def records(number: int = 10) -> list[Record]:
    """Rows as JSON has them; what reads like a number is a text."""
    start = datetime(2024, 1, 1)
    times = [(start + timedelta(hours=row)).isoformat() for row in range(number)]
    return [{"id": row, "at": times[row], "x": row / 2, "kind": f"00{row % 3}"} for row in range(number)]


def typed() -> list[Record]:
    """The same with moments as such."""
    return [{**row, "at": datetime.fromisoformat(str(row["at"]))} for row in records()]


def json_lines(rows: Sequence[Record]) -> bytes:
    """One object a line."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def packed(path: Path, content: bytes) -> Path:
    """Write a file, packed as its name says."""
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content, mtime=0))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(path.stem, content)
    else:
        path.write_bytes(content)
    return path


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Path]:
    """The rows and the lookup of a batch as files of JSON lines."""
    places = [{"place": "p", "height": 1}, {"place": "q", "height": 2.5}]
    return {
        "rows": packed(tmp_path / "january.jsonl", json_lines(records())),
        "places": packed(tmp_path / "places.ndjson", json_lines(places)),
    }


Add = Callable[[str], ValidationReport | None]


@pytest.fixture
def add(settings: Settings, given: dict[str, Path]) -> Add:
    """Adds what `given` names as a batch."""
    return lambda name: data.add(settings, name, given)


def test_json_lines_come_in_as_parquet(settings: Settings, add: Add) -> None:
    """Every row and value is there, with the types of the schema: moments too, which JSON has as text."""
    report = add("2024-01")
    assert report is not None
    assert {name: table.rows for name, table in report.tables.items()} == {"rows": 10, "places": 2}
    assert (report.findings, pointer(settings.root / "data/raw/2024-01").is_file()) == ((), True)
    paths = RawBatches(settings.root).table_files("2024-01")
    assert [path.name for path in paths.values()] == ["rows.parquet", "places.parquet"]
    table = pq.read_table(paths["rows"])
    assert table.to_pylist() == typed()
    assert (table.schema.field("x").type, table.schema.field("kind").type) == (pa.float64(), pa.string())
    assert pq.read_table(paths["places"]).to_pydict() == {"place": ["p", "q"], "height": [1.0, 2.5]}


def test_the_same_json_lines_again_are_the_same_batch(add: Add, given: dict[str, Path]) -> None:
    """Asked twice, nothing is taken twice; other rows under the name are refused, and the same rows under another."""
    add("2024-01")
    assert add("2024-01") is None
    with pytest.raises(DataRefused, match="batch 2024-02 has the same rows as batch 2024-01"):
        add("2024-02")
    packed(given["rows"], json_lines(records(9)))
    with pytest.raises(DataRefused, match="already here with other content"):
        add("2024-01")


@pytest.mark.parametrize("name", ["a.json", "a.jsonl.gz", "a.ndjson.zip", "a.csv.gz"])
def test_packed_files_are_unpacked(settings: Settings, add: Add, given: dict[str, Path], name: str) -> None:
    """What sources can read, a person can add: the same rows, in whatever they came."""
    lines = ["id,at,x,kind", *(",".join(map(str, row.values())) for row in records())]
    content = "\n".join(lines).encode() if ".csv" in name else json_lines(records())
    given["rows"] = packed(given["rows"].parent / name, content)
    add("2024-01")
    table = pq.read_table(RawBatches(settings.root).table_files("2024-01")["rows"])
    assert table.to_pylist() == typed()


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (json_lines(records())[:-20], DataRefused, r"january\.jsonl cannot be read: JSON parse error"),
        (b"", DataRefused, r"january\.jsonl cannot be read"),
        (json_lines([{**records()[0], "x": "far"}]), DataRefused, r"january\.jsonl cannot be read: .*/x"),
        (json_lines([{**row, "x": 51} for row in records()]), BatchRefused, r"rows\.x: is above 50"),
        (json_lines([{"id": 1}]), BatchRefused, r"rows\.at: is missing"),
        (json_lines([{**row, "extra": 1} for row in records()]), BatchRefused, r"rows\.extra"),
    ],
    ids=["cut off", "empty", "another type", "out of range", "without a column", "unknown column"],
)
def test_json_lines_that_cannot_come_in(
    settings: Settings, add: Add, given: dict[str, Path], content: bytes, error: type[Exception], words: str
) -> None:
    """Broken or refused by the schema, the reason is said, and no batch is there."""
    packed(given["rows"], content)
    with pytest.raises(error, match=words):
        add("2024-01")
    raw = RawBatches(settings.root)
    assert (raw.names(), list(raw.folder.glob("*.dvc"))) == ([], [])


def test_a_file_of_another_kind_is_refused(add: Add, given: dict[str, Path]) -> None:
    """The message says what a file may be."""
    given["rows"] = packed(given["rows"].with_suffix(".xlsx"), b"PK")
    with pytest.raises(UsageError, match=r"january.xlsx ends in neither .csv, .parquet nor .jsonl"):
        add("2024-01")


def test_lookups_that_did_not_change_are_left_alone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of standing lookups DVC gets those whose bytes are not those of their pointer; without any it is not asked."""
    handed: list[list[str]] = []
    real = dvc.add

    def remembered(repo: Any, paths: Sequence[Path]) -> None:
        handed.append([path.name for path in paths])
        real(repo, paths)

    monkeypatch.setattr(dvc, "add", remembered)
    raw = RawBatches(settings.root)
    for name in ("a", "b"):
        write_text(raw.lookups / f"{name}.csv", f"key\n{name}\n")
    data.track(settings, raw)
    monkeypatch.setattr(dvc, "project", lambda *_: pytest.fail("DVC is asked"))
    data.track(settings, raw)
    monkeypatch.undo()
    monkeypatch.setattr(dvc, "add", remembered)
    write_text(raw.lookups / "b.csv", "key\nc\n")
    data.track(settings, raw)
    assert handed == [["a.csv", "b.csv"], ["b.csv"]]
