"""`ratchet data explore` on a small project: what its pages hold, and when they are made."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.core.validation.records import Finding, TableCount, ValidationReport
from ratchet.errors import BatchRefused, DataRefused, UsageError
from ratchet.flows.explore import Explored, explore
from ratchet.io import files, layout
from ratchet.io.batches import UnitStore
from ratchet.io.refused import keep
from ratchet.io.room import read_params, read_schema
from ratchet.io.tables import read_typed, write_table
from ratchet.settings import load_settings

ROOM = "explored_room"
UNITS = ("b1", "b2", "lookups")
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
PARAMS = f"""
project: {{name: small, room: {ROOM}, task: binary, target: late}}
split: {{holdout: 1, folds: 2, cluster: {{column: moment, every: day}}}}
features: {{}}
model: {{estimator: hist_gradient_boosting}}
evaluate: {{}}
gate: {{metric: log_loss}}
"""
SCHEMA = f"""
rows:
  key: [id]
  time: moment
  columns:
    id: {{type: integer, description: number of the order}}
    moment: {{type: timestamp}}
    weight: {{type: number, unit: kg, max: 90, nullable: true, description: "what it weighs {EVIL}"}}
    "kind {EVIL}": {{type: string}}
    late: {{type: boolean, nullable: true, known: after}}
lookups:
  places:
    key: [place]
    columns: {{place: {{type: string, description: a place}}}}
"""
FEATURES = """
def build(rows, lookups):
    return rows[["weight"]]


def label(rows):
    return rows["late"].astype("boolean")
"""


def _rows(day: int, *, kinds: tuple[str, str] = ("a", "b"), labelled: bool = True) -> pa.Table:
    places = range(20)
    return pa.table(
        {
            "id": list(places),
            "moment": [f"2020-01-{day + each % 2:02d}T10:00:00Z" for each in places],
            "weight": [None, 1000.0, *(float(each) for each in places[2:])],
            f"kind {EVIL}": [kinds[each % 2] for each in places],
            "late": pa.array([each % 3 == 0 if labelled else None for each in places], pa.bool_()),
        }
    )


def _add(root: Path, name: str, table: pa.Table) -> None:
    write_table(root / "data" / "raw" / name / "rows.parquet", table)


@contextmanager
def _room_of_its_own() -> Iterator[None]:
    """The room is forgotten afterwards."""
    path = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in [name for name in sys.modules if name.split(".")[0] == ROOM]:
            del sys.modules[name]


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two batches and a lookup that have their pages. To be read, not changed."""
    root = tmp_path_factory.mktemp("explored") / "project"
    room = f"src/{ROOM}"
    texts = {"params.yaml": PARAMS, f"{room}/schema.yaml": SCHEMA, f"{room}/features.py": FEATURES}
    for name, text in texts.items():
        files.write_text(root / name, text)
    _add(root, "b1", _rows(1))
    _add(root, "b2", _rows(10, kinds=("a", EVIL)))
    write_table(root / "data" / "lookups" / "places.parquet", pa.table({"place": ["north", EVIL]}))
    with _room_of_its_own():
        assert _explore(root).work.make == UNITS
    return root


@pytest.fixture
def project(explored: Path, tmp_path: Path) -> Iterator[Path]:
    """The same, to be changed."""
    shutil.copytree(explored, tmp_path / "project")
    with _room_of_its_own():
        yield tmp_path / "project"


def _explore(root: Path, *batches: str, out: Path | None = None, force: bool = False) -> Explored:
    return explore(load_settings(root, {}), batches=batches, out=out, force=force)


def _page(root: Path, unit: str) -> str:
    pages = root / "reports" / "explore"
    path = pages / "index.html" if unit == "index" else pages / "batches" / unit / f"{unit}.html"
    return path.read_text(encoding="utf-8")


def _text(root: Path, unit: str) -> str:
    return _Read(_page(root, unit)).text


class _Read(HTMLParser):
    """What a browser makes of a page: its scripts, what it would load, handlers in tags, its policy, its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.loads: list[str] = []
        self.handlers: list[str] = []
        self.policy = ""
        self.text = ""
        self._inside = ""
        self._runs = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down what may load or run."""
        found = {name: value or "" for name, value in attrs}
        self._inside, self._runs = tag, tag == "script" and found.get("type", "module") == "module"
        if self._runs:
            self.scripts.append("")
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        self.handlers += [name for name in found if name.startswith("on")]
        self.loads += [found[name] for name in ("src", "srcset", "data", "poster") if name in found]
        self.loads += [found["href"] for _ in "1" if tag in ("link", "base", "iframe")]

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  # the parser gives it
        """Leave it."""
        self._inside, self._runs = "", False

    def handle_data(self, data: str) -> None:
        """Text of the page, or of a script."""
        if self._runs:
            self.scripts[-1] += data
        elif self._inside not in ("script", "style"):
            self.text = " ".join([*self.text.split(), *data.split()])


def test_every_batch_has_a_page_and_the_index_leads_to_all(explored: Path) -> None:
    """Pages are made of two batches and the standing lookups, and each is linked."""
    index = _page(explored, "index")
    assert [f'href="batches/{unit}/{unit}.html"' in index for unit in UNITS] == [True, True, True]
    assert [f"{unit} · small" in _text(explored, unit) for unit in UNITS] == [True, True, True]


def test_page_says_what_the_schema_and_the_rows_say(explored: Path) -> None:
    """Meaning, unit, what is known only after the fact, outliers, what is not allowed, target, time, association."""
    text = _text(explored, "b1")
    for words in (
        "number of the order", "number, kg", "late known after", "1 (5.0%)", "1000", "1 not within any to 90",
        "share of late 35.0%", "20 rows with a label, in 2 clusters", "2020-01-01 10:00 to 2020-01-02 10:00 (UTC)",
        "Association with late", "Cramér's V", "not checked yet",
    ):  # fmt: skip
        assert words in text


def test_index_shows_what_only_several_batches_show(explored: Path) -> None:
    """A new category is named, and the pictures are there."""
    page, text = _page(explored, "index"), _text(explored, "index")
    assert (f"appears {EVIL[:39]}…" in text, "vanishes b" in text) == (True, True)
    assert [f'id="chart-{name}"' in page for name in ("rows", "days", "target", "missing", "drift")] == [True] * 5


@pytest.mark.parametrize("unit", ["b2", "lookups", "index"])
def test_hostile_data_stay_text(explored: Path, unit: str) -> None:
    """Whatever names and values hold, the scripts of a page are those that its policy names, and nothing is loaded."""
    page = _Read(_page(explored, unit))
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in page.scripts]
    assert page.scripts
    assert all(f"'sha256-{digest}'" in page.policy for digest in digests)
    assert not any("alert(1)" in script for script in page.scripts)
    assert (page.handlers, [each for each in page.loads if not each.startswith("data:")]) == ([], [])
    assert "default-src 'none'" in page.policy
    assert EVIL in page.text


def test_only_new_and_changed_batches_are_made_again(project: Path) -> None:
    """What is as it was is kept; a batch that is gone loses its page."""
    assert _explore(project).work.keep == UNITS
    _add(project, "b3", _rows(20))
    _add(project, "b1", _rows(2))
    shutil.rmtree(project / "data" / "raw" / "b2")
    work = _explore(project).work
    assert (work.make, work.keep, work.prune) == (("b1", "b3"), ("lookups",), ("b2",))
    assert not (project / "reports" / "explore" / "batches" / "b2").exists()


def test_force_makes_every_page_again(project: Path) -> None:
    """Of the named batches, or of all; the others stay."""
    work = _explore(project, "b2", force=True).work
    assert (work.make, work.keep, work.prune) == (("b2",), ("b1", "lookups"), ())
    assert _explore(project, force=True).work.make == UNITS


def test_index_is_the_same_however_it_came_about(explored: Path, project: Path) -> None:
    """Batch by batch or all at once: the page over batches has the same bytes."""
    shutil.rmtree(project / "reports")
    _explore(project, "b2")
    _explore(project)
    assert _page(project, "index") == _page(explored, "index")


def test_named_batches_alone_are_made_and_the_others_stay(project: Path) -> None:
    """After a change of the schema the page that was not asked for stays, and says that it is out of date."""
    schema = project / "src" / ROOM / "schema.yaml"
    files.write_text(schema, schema.read_text(encoding="utf-8").replace("max: 90", "max: 95"))
    found = _explore(project, "b2")
    assert (found.work.make, found.work.keep) == (("b2",), ("b1", "lookups"))
    text = _text(project, "index")
    assert ("b1 out of date" in text, "b2 out of date" in text) == (True, False)


def test_unknown_batch_is_refused_with_the_nearest_name(project: Path) -> None:
    """A typing error names what was meant."""
    with pytest.raises(UsageError, match="no batch 'b22', did you mean b2"):
        _explore(project, "b22")


def test_project_without_batches_says_what_to_do(project: Path) -> None:
    """There is nothing to look at."""
    for folder in ("raw", "lookups"):
        shutil.rmtree(project / "data" / folder)
    with pytest.raises(DataRefused, match="no batch here"):
        _explore(project)


def test_a_page_of_somebody_else_is_not_written_over(project: Path, tmp_path: Path) -> None:
    """A folder with an index of its own, and no pages of ours, is refused."""
    files.write_text(tmp_path / "theirs" / "index.html", "theirs")
    with pytest.raises(UsageError, match=r"theirs holds index\.html, which is none of ours"):
        _explore(project, out=tmp_path / "theirs")
    assert (tmp_path / "theirs" / "index.html").read_text(encoding="utf-8") == "theirs"


@pytest.mark.parametrize("beside", [{}, {"manifest.json": '{"name": "theirs"}'}], ids=["bare", "with a manifest"])
def test_folder_with_other_things_is_left_alone(project: Path, tmp_path: Path, beside: dict[str, str]) -> None:
    """Pages that are gone are removed, so a folder that holds something else is refused."""
    theirs = tmp_path / "theirs" / "batches" / "diary" / "today.txt"
    files.write_text(theirs, "dear diary")
    for name, text in beside.items():
        files.write_text(theirs.parents[1] / name, text)
    with pytest.raises(UsageError, match="none of ours"):
        _explore(project, out=tmp_path / "theirs")
    assert theirs.read_text(encoding="utf-8") == "dear diary"


def test_batch_without_labels_has_a_page(project: Path) -> None:
    """Labels come late: until then all but the target is shown."""
    _add(project, "b3", _rows(20, labelled=False))
    _explore(project)
    assert "no row has a label yet" in _text(project, "b3")


def test_rows_in_quarantine_are_shown_with_their_reasons(project: Path) -> None:
    """What validation found and what it put aside stand on the page, and change it when they change."""
    _quarantine(project, "b1", rows=20)
    assert _explore(project).work.make == ("b1",)
    text = _text(project, "b1")
    assert "in quarantine 1 row " in text
    assert "is above 90 kg" in text
    assert "weight: above-max" in text


def test_a_refused_batch_is_named_with_its_reason_and_leads_to_its_report(project: Path, tmp_path: Path) -> None:
    """It has no page of its own: the overview says why, wherever the pages are, and links what validation wrote."""
    came = tmp_path / "rows.parquet"
    write_table(came, _rows(20))
    finding = Finding(table="rows", column=EVIL, rule="wrong-type", level="refuse", sentence="is no number", count=1)
    report = ValidationReport(batch="b3", tables={}, findings=(finding,))
    keep(project, report, {"rows": came})
    for out in (project / "reports" / "explore", tmp_path / "out"):
        _explore(project, "b1", out=out)
        page = (out / "index.html").read_text(encoding="utf-8")
        text = _Read(page).text
        assert ("Refused Batch Why b3 rows." in text, "is no number" in text, "alert(1)" in text) == (True,) * 3
        (address,) = re.findall(r'href="([^"]*report[.]html)"', page)
        assert (out / address).resolve() == project / "data" / "refused" / "b3" / "report.html"


def test_validation_of_other_rows_is_not_shown(project: Path) -> None:
    """A report on another number of rows is about a batch that is no more."""
    _quarantine(project, "b1", rows=19)
    _explore(project)
    assert "not checked yet" in _text(project, "b1")


def test_what_was_altered_is_made_again(project: Path) -> None:
    """Bytes that are not those that were recorded are noticed, also where other batches were asked for."""
    pages = project / "reports" / "explore" / "batches"
    (pages / "b1" / "b1.html").write_text("altered", encoding="utf-8")
    assert _explore(project).work.make == ("b1",)
    (pages / "b2" / "facts.json").write_text("{}", encoding="utf-8")
    assert _explore(project, "b1").work.make == ("b2",)


def test_batch_that_is_only_ingested_is_shown(project: Path) -> None:
    """Where the raw files were not brought, the typed tables are read."""
    schema = read_schema(project, read_params(project))
    typed = read_typed("b0", {"rows": project / "data/raw/b1/rows.parquet"}, schema.batch_tables())
    UnitStore(project / layout.INGESTED).update(
        {"b0": "key"}, lambda _, folder: write_table(folder / "rows.parquet", typed["rows"])
    )
    assert _explore(project).work.make == ("b0",)
    assert "data/ingested/b0" in _text(project, "b0")


def test_batch_that_cannot_be_typed_is_refused_by_name(project: Path) -> None:
    """The batches before it have their pages, and the message names what is wrong."""
    _add(project, "b3", _rows(20).drop_columns(["weight"]))
    with pytest.raises(BatchRefused, match=r"b3.*\n.*weight"):
        _explore(project)
    assert _page(project, "b1")


def test_command_prints_where_to_look(project: Path) -> None:
    """The last line is the page to open."""
    done = CliRunner().invoke(app, ["--project", str(project), "data", "explore", "b1"])
    index = project / "reports" / "explore" / "index.html"
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, str(index))
    assert index.is_file()


def _quarantine(root: Path, batch: str, *, rows: int) -> None:
    finding = Finding(
        table="rows", column="weight", rule="above-max", level="quarantine", sentence="is above 90 kg", count=1
    )
    report = ValidationReport(batch=batch, tables={"rows": TableCount(rows=rows, quarantined=1)}, findings=(finding,))
    held = pl.DataFrame({"_row": [1], "_rules": [["weight: above-max"]], "id": [1], "weight": [1000.0]})

    def write(_: str, folder: Path) -> None:
        files.write_json(folder / "report.json", report.model_dump(mode="json"))
        held.write_parquet(folder / "rows.quarantine.parquet")

    UnitStore(root / layout.VALIDATION).update({batch: "key"}, write)
