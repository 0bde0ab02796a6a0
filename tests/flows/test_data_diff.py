"""`ratchet data diff` of files, of batches, and of commits of a project with DVC."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from ratchet.cli.app import app
from ratchet.core.change.data_diff import CellEdit, DataDiff
from ratchet.core.change.records import SchemaChange
from ratchet.core.schema import LOOKUPS
from ratchet.errors import ServiceFailed, TamperedFile, UsageError
from ratchet.flows.data_diff import WORK_TREE, Asked, data_diff
from ratchet.io import dvc
from ratchet.io.git import LOCATORS, git
from ratchet.settings import Settings, load_settings

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # from inside DVC

ROOM = "differing"
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
    at: {type: timestamp}
lookups:
  weather: {per_batch: true, key: [hour], columns: {hour: {type: integer}, rain: {type: number}}}
  places: {key: [place], columns: {place: {type: string}, height: {type: number}}}
"""
FEATURES = """
def build(rows, lookups):
    return rows[["x"]]


def label(rows):
    return (rows["x"] > 10).astype("boolean").mask(rows["x"].isna())
"""
ROWS = 50


def rows(first: int = 0) -> pl.DataFrame:
    """A batch: x counts from 0, one is missing."""
    return pl.DataFrame({
        "id": range(first, first + ROWS),
        "x": [None, *map(float, range(1, ROWS))],
        "kind": ["007" if row % 2 else "b" for row in range(ROWS)],
        "at": pl.datetime_range(pl.datetime(2013, 7, 1), pl.datetime(2013, 7, 3, 1), "1h", eager=True),
    })  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git and DVC that know nothing of the machine they run on."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text("[user]\n\tname = Test\n\temail = test@localhost\n", encoding="utf-8")
    for name in (*LOCATORS, "GIT_CONFIG_GLOBAL", "DVC_REMOTE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("XDG_CONFIG_HOME", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
        monkeypatch.setenv(name, str(home / name.lower()))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Settings]:
    """A project with three batches as files that nobody tracks yet; after the test nobody can import its room."""
    root = tmp_path / "project"
    room = root / "src" / ROOM
    room.mkdir(parents=True)
    for path, text in (("__init__.py", ""), ("schema.yaml", SCHEMA), ("features.py", FEATURES)):
        (room / path).write_text(text, encoding="utf-8")
    (root / "params.yaml").write_text(PARAMS, encoding="utf-8")
    for number in (1, 2, 3):
        write(root, f"data/raw/b{number}/rows.parquet", rows(100 * number))
        write(root, f"data/raw/b{number}/weather.csv", pl.DataFrame({"hour": [0, 1], "rain": [0.5, 1.0]}))
    write(root, "data/lookups/places.parquet", pl.DataFrame({"place": ["p"], "height": [1.0]}))
    before = list(sys.path)
    yield load_settings(root, {})
    sys.path[:] = before
    for name in [name for name in sys.modules if name.split(".")[0] == ROOM]:
        del sys.modules[name]


@pytest.fixture
def committed(project: Settings) -> Settings:
    """The same, tracked by DVC and committed."""
    root = project.root
    git(["init", "--quiet", "-b", "main"], cwd=root)
    from dvc.repo import Repo

    Repo.init(str(root)).close()
    track(project, "first")
    return project


def track(settings: Settings, message: str) -> None:
    """What `ratchet data pull` and git do: DVC tracks every batch and lookup, git its pointers."""
    root = settings.root
    paths = [path for folder in ("raw", "lookups") for path in (root / "data" / folder).glob("*")]
    with dvc.project(root, None) as repo:
        dvc.add(repo, sorted(path for path in paths if path.suffix != ".dvc" and path.name != ".gitignore"))
    git(["add", "-A"], cwd=root)
    git(["commit", "--quiet", "-m", message], cwd=root)


def write(root: Path, name: str, frame: pl.DataFrame) -> Path:
    """Write a table as its name says. What was there may be a link into DVC's cache."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    match path.suffix:
        case ".csv":
            frame.write_csv(path)
        case ".jsonl":
            frame.write_ndjson(path)
        case _:
            frame.write_parquet(path)
    return path


def summary(found: DataDiff) -> list[tuple[str, str, str, int, int, int, int | None]]:
    """What each table's record counts."""
    return [
        (each.batch, each.table, each.kind, each.rows_added, each.rows_removed, each.rows_edited, each.label_flips)
        for each in (table.change for table in found.tables)
    ]


EDITED = rows(100).with_columns(x=pl.Series([None, *map(float, range(1, 10)), 99.0, *map(float, range(11, ROWS))]))
"""The first batch with one x edited, from 10 to 99, so that its label flips."""


@pytest.mark.parametrize("name", ["fixed.csv", "fixed.jsonl", "fixed.parquet"])
def test_a_batch_against_a_file(project: Settings, tmp_path: Path, name: str) -> None:
    """The schema says what a file's columns are: only the edited cell differs, and its label flips."""
    path = write(tmp_path, name, EDITED)
    found = data_diff(project, Asked(before="b1", after=str(path)))
    assert summary(found) == [(f"b1 → {name}", "rows", "changed", 0, 0, 1, 1)]
    (row,) = found.tables[0].examples.edited
    assert row.key == {"id": "110"}
    assert row.cells == (CellEdit(column="x", before="10", after="99"),)
    assert row.label == CellEdit(column="label", before="false", after="true")
    assert found.note == ""


def test_a_file_says_which_table_it_is(project: Settings, tmp_path: Path) -> None:
    """Weather is compared with the batch's weather, by its own key."""
    path = write(tmp_path, "rain.csv", pl.DataFrame({"hour": [1, 2], "rain": [1.0, 7.0]}))
    found = data_diff(project, Asked(before="b2", after=str(path)))
    assert summary(found) == [("b2 → rain.csv", "weather", "changed", 1, 1, 0, None)]


def test_two_batches(project: Settings) -> None:
    """Their tables are compared one by one; those that are the same are in the note."""
    found = data_diff(project, Asked(before="b1", after="b2"))
    assert summary(found) == [("b1 → b2", "rows", "changed", ROWS, ROWS, 0, 0)]
    assert found.note.split("; ") == [
        "b1 → b2 rows: no row has the same id in both: --key names other columns",
        "b1 → b2 weather: the same rows in another order or another form",
    ]


def test_two_files_need_no_project(tmp_path: Path) -> None:
    """With a key rows are matched by it; without one they are compared whole. Types are those that the values have."""
    one, other = (
        write(tmp_path, "a.csv", rows()),
        write(tmp_path, "b.jsonl", EDITED.with_columns(id=pl.col("id") - 100)),
    )
    found = data_diff(None, Asked(before=str(one), after=str(other), key=("id",)))
    assert summary(found) == [("a.csv → b.jsonl", "rows", "changed", 0, 0, 1, None)]
    whole = data_diff(None, Asked(before=str(one), after=str(other)))
    assert summary(whole) == [("a.csv → b.jsonl", "rows", "changed", 1, 1, 0, None)]
    assert "rows are compared whole" in whole.note


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(before="b1"), "b1 is one batch or file, and the work tree is a version of all batches"),
        (Asked(before="b1", after="b2", key=("no",)), "--key no: not a column of both versions"),
        (Asked(before="--output=x"), "neither a file"),
        (Asked(before="b9", after="b1"), "b9 is neither a file (CSV, Parquet, JSON lines) nor a batch, and no git"),
        (Asked(before="b1", after="none.csv"), "there is no file none.csv"),
    ],
)
def test_what_cannot_be_compared_is_said(project: Settings, asked: Asked, words: str) -> None:
    """A usage error names what was asked for."""
    with pytest.raises(UsageError) as refused:
        data_diff(project, asked)
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(before="mian"), "nor a revision, did you mean main?"),
        (
            Asked(before="b4", after="b1"),
            "b4 is neither a file (CSV, Parquet, JSON lines), nor a batch that is here, nor a revision",
        ),
        (Asked(before="HEAD", batch="bb3"), "--batch bb3: neither version has it, did you mean b3?"),
    ],
)
def test_a_name_that_is_nowhere_is_no_empty_difference(committed: Settings, asked: Asked, words: str) -> None:
    """The nearest name that is there is said with it."""
    with pytest.raises(UsageError) as refused:
        data_diff(committed, asked)
    assert words in refused.value.message


def test_an_unchanged_batch_can_be_asked_for(committed: Settings) -> None:
    """Both versions have it, so that there is no difference is an answer."""
    assert summary(data_diff(committed, Asked(before="HEAD", batch="b3"))) == []


def test_rows_that_share_a_key_are_told(project: Settings, tmp_path: Path) -> None:
    """A reader has to know that pairs of them are a guess; the numbers are those of each side."""
    path = write(tmp_path, "twice.csv", pl.concat([rows(100), rows(100).head(2)]))
    found = data_diff(project, Asked(before="b1", after=str(path)))
    assert summary(found) == [("b1 → twice.csv", "rows", "changed", 2, 0, 0, 0)]
    assert found.note == "b1 → twice.csv rows: rows that share their id with another one: 4 now"


def test_a_file_is_missed_outside_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is about the file, and not about a project that two files do not need."""
    monkeypatch.chdir(tmp_path)
    one = write(tmp_path, "a.csv", rows())
    with pytest.raises(UsageError, match=r"there is no file b\.csv"):
        run(str(one), "b.csv")


def test_a_page_is_not_written_over_a_folder(tmp_path: Path) -> None:
    """It is a wrong option, found before anything is read."""
    one = write(tmp_path, "a.csv", rows())
    refused = run(str(one), str(one), "--html", str(tmp_path))
    assert (refused.exit_code, "--html" in refused.output) == (2, True)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """A truncated Parquet file is named."""
    good = write(tmp_path, "good.parquet", rows())
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(good.read_bytes()[:100])
    with pytest.raises(UsageError, match=r"bad\.parquet cannot be read as Parquet"):
        data_diff(None, Asked(before=str(good), after=str(bad)))


def test_the_work_tree_against_a_commit(committed: Settings) -> None:
    """Edited and new batches and lookups, before anybody has told DVC; batches that are the same are absent."""
    root = committed.root
    write(root, "data/raw/b1/rows.parquet", EDITED.with_columns(gust=pl.lit(1.5)))
    write(root, "data/raw/b4/rows.parquet", rows(400).with_columns(kind=pl.lit("new")))
    write(root, "data/lookups/places.parquet", pl.DataFrame({"place": ["p", "q"], "height": [1.0, 2.0]}))
    found = data_diff(committed, Asked(before="HEAD"))
    assert summary(found) == [
        ("b1", "rows", "changed", 0, 0, 1, 1),
        ("b4", "rows", "added", ROWS, 0, 0, 0),
        (LOOKUPS, "places", "changed", 1, 0, 0, None),
    ]
    assert found.tables[0].change.schema_changes == (SchemaChange(column="gust", before=None, after="number"),)
    assert found.tables[1].change.new_categories == {"kind": ("new",)}
    assert found.shifts[0].column == "kind"
    assert found.after == WORK_TREE
    assert summary(data_diff(committed, Asked(before="HEAD", batch="b4"))) == [("b4", "rows", "added", ROWS, 0, 0, 0)]


def test_two_commits(committed: Settings) -> None:
    """Both come from DVC's cache, whatever the work tree is; forth is the opposite of back; a commit is its own."""
    root = committed.root
    write(root, "data/raw/b1/rows.parquet", EDITED)
    (root / "data/raw/b2.dvc").unlink()
    for path in (root / "data/raw/b2").iterdir():
        path.unlink()
    (root / "data/raw/b2").rmdir()
    track(committed, "second")
    write(root, "data/raw/b3/rows.parquet", rows(900))
    there = summary(data_diff(committed, Asked(before="HEAD~1", after="main")))
    assert there == [
        ("b1", "rows", "changed", 0, 0, 1, 1),
        ("b2", "rows", "removed", 0, ROWS, 0, 0),
        ("b2", "weather", "removed", 0, 2, 0, None),
    ]
    back = summary(data_diff(committed, Asked(before="main", after="HEAD~1")))
    assert back == [
        (*each[:2], {"removed": "added"}.get(each[2], each[2]), each[4], each[3], *each[5:]) for each in there
    ]
    assert summary(data_diff(committed, Asked(before="main", after="HEAD"))) == []


def test_a_table_in_another_format_is_the_same_table(committed: Settings) -> None:
    """A batch's rows as CSV instead of Parquet hold the same values, which the note says."""
    (committed.root / "data/raw/b1/rows.parquet").unlink()
    write(committed.root, "data/raw/b1/rows.csv", rows(100))
    found = data_diff(committed, Asked(before="HEAD"))
    assert (summary(found), found.note) == ([], "b1 rows: the same rows in another order or another form")


def test_data_that_is_not_here_or_altered_is_not_compared(committed: Settings) -> None:
    """A batch that was not fetched is no removed one, and a flipped byte in the cache is found before it is read."""
    root = committed.root
    path = write(root, "data/raw/b1/rows.parquet", EDITED)
    with dvc.project(root, None) as repo:
        cached = [each for each in Path(repo.cache.local.path).rglob("*") if each.is_file()]
    for each in cached:
        if each.read_bytes()[:4] == b"PAR1":
            each.chmod(0o644)
            each.write_bytes(each.read_bytes()[:-9] + b"x" + each.read_bytes()[-8:])
    with pytest.raises(TamperedFile, match="is not what was committed"):
        data_diff(committed, Asked(before="HEAD"))
    path.unlink()
    (root / "data/raw/b1/weather.csv").unlink()
    (root / "data/raw/b1").rmdir()
    with pytest.raises(ServiceFailed, match="not all data is here: data/raw/b1"):
        data_diff(committed, Asked(before="HEAD"))


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["data", "diff", *words], catch_exceptions=False)


def test_the_command_prints_a_table_json_and_a_page(tmp_path: Path) -> None:
    """The terminal has the batches first and no character it would obey; --json is the record; --html needs no net."""
    one = write(tmp_path, "a.csv", pl.DataFrame({"id": [1, 2, 3], "x": ["a", "a", "b"]}))
    other = write(tmp_path, "b.csv", pl.DataFrame({"id": [2, 3, 4], "x": ["\x1b[31mz", "<script>", "b"]}))
    shown = run(str(one), str(other), "--key", "id", "--html", str(tmp_path / "diff.html"))
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[1] == "1 table differs: 1 row added, 1 row removed, 2 rows edited."
    assert shown.stdout.index("Tables that differ") < shown.stdout.index("Edited rows")
    assert "\x1b" not in shown.stdout
    record = run(str(one), str(other), "--key", "id", "--json", "--examples", "1")
    assert DataDiff.model_validate_json(record.stdout).tables[0].change.rows_edited == 2
    assert len(json.loads(record.stdout)["tables"][0]["examples"]["edited"]) == 1
    page = (tmp_path / "diff.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    assert 'data-chart="chart-moved-0-' in page


def test_a_commit_without_data_has_only_what_came_since(project: Settings) -> None:
    """The first commit knows neither DVC nor batches: every table is added, and the way back removes every one."""
    root = project.root
    git(["init", "--quiet", "-b", "main"], cwd=root)
    (root / ".gitignore").write_text("/data/raw/b*/\n", encoding="utf-8")
    git(["add", "params.yaml", ".gitignore"], cwd=root)
    git(["commit", "--quiet", "-m", "empty"], cwd=root)
    from dvc.repo import Repo

    Repo.init(str(root)).close()
    track(project, "data")
    found = data_diff(project, Asked(before="HEAD~1"))
    assert {each[2] for each in summary(found)} == {"added"}
    assert len(found.tables) == 7
    assert "distributions of new batches are compared from 3 batches on" in found.note
    # Where nothing was before, every value is new, and none is worth a line.
    assert not any(each.change.new_categories for each in found.tables)
    assert {each[2] for each in summary(data_diff(project, Asked(before="main", after="HEAD~1")))} == {"removed"}
