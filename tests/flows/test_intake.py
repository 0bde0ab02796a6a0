"""The door: what comes in, what is refused and kept, and what people let pass."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from ratchet.core.schema import Schema, parse_schema
from ratchet.core.validation.records import ValidationReport
from ratchet.core.validation.releases import Release
from ratchet.errors import BatchRefused, DataRefused, UsageError
from ratchet.flows.batch_list import facts
from ratchet.flows.batch_show import show, write_page
from ratchet.flows.intake import examine, take
from ratchet.flows.release import release, releases
from ratchet.io.batches import RawBatches
from ratchet.io.files import write_text
from ratchet.io.profile_cache import FOLDER
from ratchet.io.refused import kept_names
from ratchet.io.releases import read_taken
from ratchet.io.room import read_params, read_schema
from ratchet.settings import Settings, load_settings

SCHEMA = """
rows:
  key: [id]
  time: at
  quarantine: 0.2
  columns:
    id: {type: integer}
    at: {type: timestamp}
    x: {type: number, max: 50, unit: km, nullable: true}
"""
NOW = datetime(2024, 2, 1, tzinfo=UTC)
PARAMS = """
project: {name: little, room: little, task: binary, target: late}
split: {holdout: 1, folds: 2}
features: {}
model: {estimator: hist_gradient_boosting}
evaluate: {}
gate: {metric: log_loss}
"""

Take = Callable[..., ValidationReport]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A project without data."""
    write_text(tmp_path / "params.yaml", PARAMS)
    write_text(tmp_path / "src" / "little" / "schema.yaml", SCHEMA)
    return load_settings(tmp_path, {"RATCHET_ACTOR": "ada"})


@pytest.fixture
def come(settings: Settings, tmp_path: Path) -> Take:
    """Takes a batch of CSV lines in, as of NOW."""

    def come(name: str, *lines: str, header: str = "id,at,x") -> ValidationReport:
        path = tmp_path / "given.csv"
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        schema = schema_of(settings)
        writers = {"rows": (".csv", partial(shutil.copyfile, path))}
        return take(RawBatches(settings.root), name, writers, schema, now=NOW)

    return come


def schema_of(settings: Settings) -> Schema:
    """The project's schema as it is now."""
    return read_schema(settings.root, read_params(settings.root))


def lines(batch: int, *, high: int = 0) -> list[str]:
    """Ten rows of one day, `high` of them too far."""
    start = datetime(2024, 1, batch)
    return [f"{row},{start + timedelta(hours=row)},{60 + row if row < high else 3 * row + batch}" for row in range(10)]


def test_a_batch_with_rows_in_quarantine_comes_in_and_says_so(settings: Settings, come: Take) -> None:
    """The raw file is as it came; what was found can be looked at before any run."""
    report = come("a", *lines(1, high=2))
    assert report.tables["rows"].model_dump() == {"rows": 10, "quarantined": 2}
    shown = show(settings, "a")
    assert (shown.folder, shown.refused, shown.report) == ("data/raw/a", False, report)
    assert shown.quarantined["rows"].select("_row", "x").rows() == [(0, 60.0), (1, 61.0)]
    assert [(batch.name, batch.report) for batch in facts(settings)] == [("a", None)]


def test_a_refused_batch_is_kept_with_its_report(settings: Settings, come: Take) -> None:
    """Nothing of it is among the batches, nothing is lost, and the message names the folder."""
    with pytest.raises(BatchRefused) as caught:
        come("a", *lines(1, high=3))
    assert "data/refused/a" in caught.value.next_step
    assert "[quarantine-share]" in caught.value.message
    folder = settings.root / "data" / "refused" / "a"
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json", "report.md", "rows.csv"]
    assert (folder / "rows.csv").read_bytes() == (settings.root / "given.csv").read_bytes()
    assert json.loads((folder / "report.json").read_bytes())["batch"] == "a"
    assert RawBatches(settings.root).names() == []
    assert kept_names(settings.root) == ["a"]
    shown = show(settings, "a")
    assert (shown.refused, [each.rule for each in shown.report.refused]) == (True, ["quarantine-share"])


def test_of_two_commands_at_once_the_first_wins(settings: Settings, come: Take) -> None:
    """The batch that is in place when the other has been examined stays as it is."""
    raw = RawBatches(settings.root)

    def write(path: Path) -> None:
        come("a", *lines(1))
        write_text(path, "\n".join(["id,at,x", *lines(2)]) + "\n")

    with pytest.raises(DataRefused, match="another command has added batch a meanwhile"):
        take(raw, "a", {"rows": (".csv", write)}, schema_of(settings), now=NOW)
    text = raw.table_files("a")["rows"].read_text(encoding="utf-8")
    assert "\n".join(lines(1)) in text
    assert [path.name for path in raw.folder.iterdir()] == ["a"]


def test_the_next_try_takes_the_place_of_the_last(settings: Settings, come: Take) -> None:
    """Refused again, the newest files are kept; taken in, nothing is."""
    for wrong in (4, 3):
        with pytest.raises(BatchRefused):
            come("a", *lines(1, high=wrong))
    kept = (settings.root / "data" / "refused" / "a" / "rows.csv").read_text(encoding="utf-8")
    assert kept.count(",6") == 3
    come("a", *lines(1))
    assert (kept_names(settings.root), RawBatches(settings.root).names()) == ([], ["a"])


def test_a_table_that_cannot_be_read_is_kept_too(settings: Settings, come: Take) -> None:
    """Even without a column there is a report of what is there."""
    with pytest.raises(BatchRefused, match=r"rows\.x: required column is missing"):
        come("a", "1,2024-01-01", header="id,at")
    assert [each.rule for each in show(settings, "a").report.findings] == ["missing-column"]


def test_a_released_batch_comes_in_at_the_next_try(settings: Settings, come: Take) -> None:
    """The release says who, when and why; then the same files pass."""
    with pytest.raises(BatchRefused):
        come("a", *lines(1, high=3))
    done = release(settings, Release(batch="a", rule="above-max", column="x", reason="a long way"))
    assert (done.refused, done.report.refused, str(done.path)) == (True, (), "data/raw/a.releases.yaml")
    (written,) = releases(settings)
    assert (written.actor, written.reason, written.column, len(written.date)) == ("ada", "a long way", "x", 10)
    report = come("a", *lines(1, high=3))
    assert report.tables["rows"].quarantined == 0
    assert [(each.rule, each.released) for each in report.findings] == [("above-max", "a long way")]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"rule": "below-min"}, r"batch a has no finding below-min; it has above-max \(rows.x\)"),
        ({"rule": "above-max", "column": "at"}, r"no finding above-max in \*.at; it has above-max \(rows.x\)"),
        ({"rule": "missing-column"}, "missing-column cannot be released"),
        ({"rule": "infinite"}, "infinite cannot be released: later stages could not take such rows"),
        ({"rule": "above-max", "batch": "z"}, "there is no batch z; here are .* a; refused and kept are none"),
    ],
)
def test_a_release_of_nothing_is_refused_with_what_there_is(
    settings: Settings, come: Take, wanted: dict[str, str], message: str
) -> None:
    """A mistyped rule lets nothing pass in silence."""
    come("a", *lines(1, high=2))
    with pytest.raises(UsageError, match=message):
        release(settings, Release(**{"batch": "a", "reason": "so it is", **wanted}))
    assert releases(settings) == []


def test_a_release_is_written_once(settings: Settings, come: Take) -> None:
    """The second says that the first is there."""
    come("a", *lines(1, high=2))
    wanted = Release(batch="a", rule="above-max", reason="so it is")
    release(settings, wanted)
    with pytest.raises(UsageError, match="released already: so it is"):
        release(settings, wanted)
    assert len(releases(settings)) == 1


def test_rows_from_the_future_are_remembered_by_when_they_came(settings: Settings, come: Take) -> None:
    """A later run, without a clock, finds the same rows; a batch without such rows leaves no trace.

    A time without a zone may be of the earliest one on earth, 14 hours ahead.
    """
    raw = RawBatches(settings.root)
    report = come("a", *lines(1)[:9], "9,2024-02-01 13:59:59,1")
    assert [(each.rule, each.count, each.level) for each in report.findings] == []
    report = come("b", *lines(2)[:9], "9,2024-02-01 14:00:01,1")
    assert [(each.rule, each.count, each.level) for each in report.findings] == [("future", 1, "quarantine")]
    assert (read_taken(raw, "a"), read_taken(raw, "b")) == (None, NOW)
    assert show(settings, "b").report.findings == report.findings


def test_earlier_batches_are_profiled_once(settings: Settings, come: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second batch reads the profile of the first from the cache; an altered one is not believed."""
    come("a", *lines(1))
    (kept,) = (settings.root / FOLDER).glob("*.json")
    monkeypatch.setattr("ratchet.flows.examination._profile", lambda *_: pytest.fail("it was made again"))
    report = come("b", *lines(2))
    assert report.compared_with == ("a",)
    monkeypatch.undo()
    before = kept.read_text(encoding="utf-8")
    kept.write_text(before.replace('"rows":10', '"rows":99', 1), encoding="utf-8")
    come("c", *lines(3))
    assert kept.read_text(encoding="utf-8") == before


def test_files_can_be_examined_without_a_project(settings: Settings, tmp_path: Path) -> None:
    """By themselves, without history, releases, or anything written."""
    path = tmp_path / "rows.csv"
    path.write_text("id,at,x\n1,2024-01-01,5\n", encoding="utf-8")
    report = examine("a", {"rows": path}, parse_schema({"rows": schema_of(settings).rows.model_dump()}))
    assert (report.findings, (tmp_path / "data").exists()) == ((), False)


def test_the_page_of_a_batch_is_written_where_reports_are(settings: Settings, come: Take) -> None:
    """It holds the finding, and lies in the folder that git ignores."""
    report = come("a", *lines(1, high=2))
    path = write_page(settings, report)
    assert path == settings.root / "reports" / "validation" / "a.html"
    assert "is above 50 km" in path.read_text(encoding="utf-8")
