"""One contract for every source, each against the real thing: what it gives, in which order, and never twice."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import Any

import pytest

from ratchet.errors import BatchRefused, DataRefused, UsageError
from ratchet.flows import pull as pulling
from ratchet.flows.intake import take
from ratchet.flows.pull import Ask, preview
from ratchet.io.batches import RawBatches, pointer
from ratchet.settings import load_settings

NOW = datetime(2024, 6, 1, tzinfo=UTC)
CUT_BY_TIME = [
    "folder",
    "web",
    "package",
    "sqlite",
    *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("s3", "postgresql")),
]
KNOW_LATE = [*CUT_BY_TIME, "folder-named"]
"""Where rows may be published after their month was cut: a function, and one file a month, have no way to say so."""


def test_batches_come_in_time_order_with_their_rows(
    project: Any, sales: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Months are batches of their own, oldest first, whatever the order in which they were published."""
    for month in (3, 1, 2):
        project.store.publish(f"2024-{month:02d}", sales(month))
    assert project.pull() == ["2024-01", "2024-02", "2024-03"]
    assert {month: project.ids(f"2024-{month:02d}") for month in (1, 2, 3)} == {
        month: [row["id"] for row in sales(month)] for month in (1, 2, 3)
    }
    assert "pulled 2024-02: 58 rows\n" in capsys.readouterr().out


def test_a_second_pull_changes_nothing(project: Any, sales: Any) -> None:
    """What was taken is not taken again, and no byte of it changes."""
    for month in (1, 2):
        project.store.publish(f"2024-{month:02d}", sales(month))
    project.pull()
    before = project.bytes()
    assert project.pull() == []
    assert project.bytes() == before


def test_steps_and_one_go_give_the_same_bytes(project: Any, sales: Any, build: Any) -> None:
    """Up to a batch, one more, then the rest: every file is the one that a pull of all writes."""
    for month in (1, 2, 3, 4):
        project.store.publish(f"2024-{month:02d}", sales(month))
    assert project.pull(until="2024-01") == ["2024-01"]
    assert project.pull(limit=1) == ["2024-02"]
    assert project.pull() == ["2024-03", "2024-04"]
    in_steps = project.bytes()
    shutil.rmtree(project.root / "data")
    again = build(project.root, project.store)
    assert again.pull() == ["2024-01", "2024-02", "2024-03", "2024-04"]
    assert again.bytes() == in_steps


def test_a_clone_goes_on_from_what_git_holds(project: Any, sales: Any) -> None:
    """Pointers and records are enough: a clone that has not fetched the batches takes only what is new."""
    for month in (1, 2):
        project.store.publish(f"2024-{month:02d}", sales(month))
    project.pull()
    raw = RawBatches(project.root)
    for name in raw.names():
        shutil.rmtree(raw.folder / name)
        pointer(raw.folder / name).write_text("outs: []\n", encoding="utf-8")
    project.store.publish("2024-03", sales(3))
    assert project.pull() == ["2024-03"]


@pytest.mark.parametrize("project", KNOW_LATE, indirect=True)
def test_rows_that_come_late_are_a_batch_of_their_own(
    project: Any, sales: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are neither lost nor mixed into what was cut; the batch sorts behind its month, and comes once."""
    for month in (1, 2):
        project.store.publish(f"2024-{month:02d}", sales(month))
    project.pull()
    before = project.bytes()
    project.store.publish("2024-01", sales(1, numbers=range(2, 9), late=True), name="b")
    project.store.publish("2024-03", sales(3))
    assert project.pull() == ["2024-01.late-1", "2024-03"]
    assert project.ids("2024-01.late-1") == [row["id"] for row in sales(1, numbers=range(2, 9), late=True)]
    assert "pulled 2024-01.late-1: 7 rows\n" in capsys.readouterr().out
    assert project.bytes().items() >= before.items()
    assert project.pull() == []
    project.store.publish(
        "2024-01",
        [
            {**row, "id": row["id"] + 20, "came": datetime(2024, 5, 20)}
            for row in sales(1, numbers=range(3, 6), late=True)
        ],
        name="c",
    )
    assert project.pull() == ["2024-01.late-2"]
    assert len(project.ids("2024-01.late-2")) == 3


@pytest.mark.parametrize("project", KNOW_LATE, indirect=True)
def test_late_rows_of_one_period_survive_a_refusal_of_another(project: Any, sales: Any) -> None:
    """Late rows that are refused are offered again by the next pull, and those before them are not."""
    for month in (1, 2, 3):
        project.store.publish(f"2024-{month:02d}", sales(month))
    project.pull()
    project.store.publish("2024-01", sales(1, numbers=range(5), late=True), name="b")
    wrong = [{**row, "price": -1.0} for row in sales(2, numbers=range(5), late=True)]
    project.store.publish("2024-02", wrong, name="b")
    for _ in range(2):
        with pytest.raises(BatchRefused, match=r"2024-02\.late-1"):
            project.pull()
        assert RawBatches(project.root).names() == ["2024-01", "2024-01.late-1", "2024-02", "2024-03"]


def test_a_refused_batch_leaves_the_ones_before_it(project: Any, sales: Any) -> None:
    """What came before stays, with its record; the refused one leaves nothing among the batches."""
    project.store.publish("2024-01", sales(1))
    project.store.publish("2024-02", [{**row, "price": -1.0} for row in sales(2)])
    with pytest.raises(BatchRefused, match="batch 2024-02 is refused"):
        project.pull()
    raw = project.root / "data" / "raw"
    assert sorted(path.name for path in raw.iterdir()) == ["2024-01", "2024-01.source.json"]


def test_a_record_says_where_rows_came_from(project: Any, sales: Any) -> None:
    """Kind, period, rows and what was read are in git beside the batch."""
    project.store.publish("2024-01", sales(1))
    project.pull()
    record = json.loads((project.root / "data" / "raw" / "2024-01.source.json").read_text(encoding="utf-8"))
    assert (record["kind"], record["period"], record["rows"]) == (project.store.declared()["kind"], "2024-01", 60)
    assert [reading["rows"] for reading in record["tables"]["rows"]] == [60]
    assert record["late_rows"] == ("unknown" if record["kind"] == "callable" else "known")


def test_no_credential_is_written_or_printed(project: Any, sales: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing under the project and nothing printed has a value of the environment."""
    project.store.publish("2024-01", sales(1))
    project.pull()
    said = capfd.readouterr()
    written = b"".join(path.read_bytes() for path in (project.root / "data").rglob("*") if path.is_file())
    for secret in ("s3cr3t", "AKTEST"):
        assert secret not in said.out + said.err
        assert secret.encode() not in written


def test_a_dry_run_writes_nothing(project: Any, sales: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what a pull would take, and takes nothing."""
    project.store.publish("2024-01", sales(1))
    project.pull(until="2023-12")
    before = project.bytes()
    asked = preview(load_settings(project.root), Ask(now=NOW))
    assert (asked, project.bytes()) == (["2024-01"], before)
    assert "would pull 2024-01: 60 rows\n" in capsys.readouterr().out


@pytest.mark.parametrize("project", CUT_BY_TIME, indirect=True)
def test_an_open_period_waits(project: Any, sales: Any) -> None:
    """A month is cut once the newest row, or the clock, is past its end by the lateness."""
    for month in (1, 2):
        project.store.publish(f"2024-{month:02d}", sales(month))
    project.options = {"lateness": "3d"}
    assert project.pull() == ["2024-01"]
    project.store.publish("2024-03", sales(3, numbers=range(5)))
    assert project.pull() == []
    project.store.publish("2024-03", sales(3, numbers=range(5, 9)), name="b")
    assert project.pull() == ["2024-02"]
    assert project.pull(now=datetime(2024, 3, 3, tzinfo=UTC)) == []


@pytest.mark.parametrize("project", ["folder", "web"], indirect=True)
def test_a_file_that_was_edited_is_named(project: Any, sales: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error that is mended in place changes neither size nor number of rows; it is said, nothing is taken."""
    project.store.publish("2024-01", sales(1))
    project.pull()
    before = project.bytes()
    edited = [{**row, "shop": "z" if row["id"] == 501 else row["shop"]} for row in sales(1)]
    project.store.publish("2024-01", edited)
    capsys.readouterr()
    assert (project.pull(), project.bytes()) == ([], before)
    assert "2024-01-a.csv was edited after its rows were taken" in capsys.readouterr().out


@pytest.mark.parametrize("project", ["folder-named"], indirect=True)
def test_a_file_that_is_a_batch_and_was_edited_is_refused(project: Any, sales: Any) -> None:
    """Also if it is as long as before."""
    project.store.publish("2024-01", sales(1))
    project.pull()
    project.store.publish("2024-01", [{**row, "shop": "z"} for row in sales(1)])
    with pytest.raises(DataRefused, match=r"2024-01/a\.csv has changed since batch 2024-01 was made of it"):
        project.pull()


@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
def test_many_late_batches_of_one_period_are_numbered_on(project: Any, sales: Any) -> None:
    """The tenth sorts before the second as text; each is still taken once, with what arrived after the ones before."""
    for month in (1, 2):
        project.store.publish(f"2024-{month:02d}", sales(month))
    project.pull()
    for number in range(1, 12):
        came = datetime(2024, 5, number)
        [row] = sales(1, numbers=[number], late=True)
        project.store.publish("2024-01", [{**row, "came": came}])
        assert project.pull() == [f"2024-01.late-{number}"]
        assert project.ids(f"2024-01.late-{number}") == [row["id"]]
    assert project.pull() == []


@pytest.mark.parametrize("project", ["folder"], indirect=True)
def test_a_pull_that_lost_a_race_leaves_the_winners_record(
    project: Any, sales: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two at once one takes the batch; where it came from stays known, or its late rows would be lost."""
    project.store.publish("2024-01", sales(1))

    def slower(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(pulling, "take", take)
        assert project.pull() == ["2024-01"]
        return take(*given, **named)

    monkeypatch.setattr(pulling, "take", slower)
    with pytest.raises(DataRefused, match="another command has added batch 2024-01 meanwhile"):
        project.pull()
    assert (project.root / "data" / "raw" / "2024-01.source.json").is_file()


@pytest.mark.parametrize("project", ["folder"], indirect=True)
def test_the_last_batch_to_take_has_to_be_a_period(project: Any, sales: Any) -> None:
    """A typing error would sort somewhere, and take more or less than was asked for."""
    project.store.publish("2024-01", sales(1))
    with pytest.raises(UsageError, match="--until 2024-1: rows are cut by month, and this names none"):
        project.pull(until="2024-1")
    project.options["first"] = "january"
    with pytest.raises(UsageError, match=r"data\.first: 'january' is no month"):
        project.pull()


@pytest.mark.parametrize("project", ["folder"], indirect=True)
def test_late_rows_of_one_file_are_taken_period_by_period(project: Any, sales: Any) -> None:
    """Whoever took those of one period, as a request does that is merged, still gets those of the others, once."""
    for month in (1, 2, 3):
        project.store.publish(f"2024-{month:02d}", sales(month))
    project.pull()
    late = [row for month in (1, 2) for row in sales(month, numbers=range(4), late=True)]
    project.store.publish("2024-09", late)
    assert project.pull() == ["2024-01.late-1", "2024-02.late-1"]
    raw = project.root / "data" / "raw"
    shutil.rmtree(raw / "2024-01.late-1")
    (raw / "2024-01.late-1.source.json").unlink()
    assert project.pull() == ["2024-01.late-1"]
    assert project.pull() == []
