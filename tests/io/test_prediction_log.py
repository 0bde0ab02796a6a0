"""The log of predictions: nothing is lost but what is told, and half a line harms no other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.errors import ServiceFailed
from ratchet.io import prediction_writer
from ratchet.io.prediction_log import LogReader, Prediction, Scored, file_of, request_id, row_id
from ratchet.io.prediction_writer import PredictionWriter

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PATIENCE = 30.0
WRITE_FOR_EVER = """
import itertools, sys
from datetime import UTC, datetime
from pathlib import Path
from ratchet.io.prediction_log import Prediction, Scored
from ratchet.io.prediction_writer import PredictionWriter

writer = PredictionWriter(Path(sys.argv[1]))
for number in itertools.count():
    name = writer.next_id(datetime.now(UTC))
    scores = [[0.25, 0.75]] * 200
    writer.put(name, lambda name=name: Prediction(
        id=name, time="2026-11-23T12:00:00+00:00", model="m", version=1, arm="champion", endpoint="predict", rows=200,
        champion=Scored(version=1, scores=scores, labels=["false", "true"]),
    ), values=400)
    print(name, flush=True)
"""


def prediction(name: str, *, rows: int = 2, model: str = "flights-late") -> Prediction:
    return Prediction(
        id=name, time=NOON.isoformat(), model=model, version=1, arm="champion", endpoint="predict", rows=rows,
        champion=Scored(version=1, ms=1.5, scores=[[0.1, 0.9]] * rows, labels=["false", "true"]),
    )  # fmt: skip


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[PredictionWriter]:
    """A writer into `tmp_path/log`, closed at the end."""
    writer = PredictionWriter(tmp_path / "log")
    yield writer
    writer.close()


def put(writer: PredictionWriter, moment: datetime = NOON) -> str:
    """Log a prediction; returns its id."""
    name = writer.next_id(moment)
    writer.put(name, lambda: prediction(name), values=4)
    return name


def test_what_is_put_is_read(writer: PredictionWriter, tmp_path: Path) -> None:
    """Every line reads back equal, in the file of its day, and is found by its id and by those of its rows."""
    names = [put(writer, NOON + timedelta(days=day)) for day in (0, 0, 1)]
    writer.close()
    reader = LogReader(tmp_path / "log")
    assert list(reader.lines()) == [prediction(name) for name in names]
    assert [each.id for each in reader.lines(since=date(2026, 11, 24))] == [names[2]]
    assert reader.find(names[1]) == reader.find(f"{names[1]}/1") == prediction(names[1])
    assert reader.requests({names[0], names[2], "20261123-00000000-1"}).keys() == {names[0], names[2]}
    assert (reader.broken, writer.health()) == (0, {"written": 3, "lost": 0, "trouble": None})


@pytest.mark.parametrize("name", ["20261123-00000000-1", "20261123-0badcafe-", "../../etc/passwd", "", "x/0"])
def test_what_is_not_there_is_not_found(name: str, tmp_path: Path) -> None:
    """An id of no file, or no id at all, is None, and reads nothing outside of the log."""
    assert LogReader(tmp_path).find(name) is None


def test_half_a_line_is_passed_over_and_counted(writer: PredictionWriter, tmp_path: Path) -> None:
    """Wherever a line breaks off, the others are read."""
    names = [put(writer) for _ in range(3)]
    writer.close()
    (path,) = (tmp_path / "log").glob("*/*.jsonl")
    first, second, third = path.read_bytes().splitlines(keepends=True)
    for cut in (1, len(third) // 2, len(third) - 2):
        path.write_bytes(first + second + third[:cut])
        reader = LogReader(tmp_path / "log")
        assert ([each.id for each in reader.lines()], reader.broken) == (names[:2], 1)
        assert reader.find(names[2]) is None


def test_two_writers_share_a_folder(tmp_path: Path) -> None:
    """Each has files and ids of its own."""
    writers = [PredictionWriter(tmp_path) for _ in range(2)]
    names = [put(writer) for writer in writers for _ in range(5)]
    for writer in writers:
        writer.close()
    assert {each.id for each in LogReader(tmp_path).lines()} == set(names)
    assert len(set(names)) == 10


def test_a_full_disk_costs_lines_and_nothing_else(
    writer: PredictionWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written is counted and told; the line after it begins on a line of its own."""
    real = os.write
    room = [150]

    def write(target: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        done = real(target, data[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(os, "write", write)
    lost = put(writer)
    wait_for_lost(writer, 1)
    room[0] = 10**9
    kept = put(writer)
    writer.close()
    reader = LogReader(tmp_path / "log")
    assert ([each.id for each in reader.lines()], reader.broken) == ([kept], 1)
    assert reader.find(lost) is None
    health = writer.health()
    assert (health["written"], health["lost"]) == (1, 1)
    assert "No space left on device" in health["trouble"]


def wait_for(found: Callable[[], list[Path]]) -> list[Path]:
    """What is there after a while."""
    deadline = time.monotonic() + PATIENCE
    while not (there := [path for path in found() if path.stat().st_size]):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
    return there


def wait_for_lost(writer: PredictionWriter, count: int) -> None:
    """Until the writer has counted so many lost lines."""
    deadline = time.monotonic() + PATIENCE
    while writer.health()["lost"] < count:
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)


def test_a_slow_disk_never_holds_anybody_up(
    writer: PredictionWriter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """While the disk hangs, lines wait up to a bound, and beyond it are lost and counted; then what waited is there."""
    monkeypatch.setattr(prediction_writer, "MOST_LINES", 10)
    real, hung = os.write, [True]

    def write(target: int, data: bytes) -> int:
        while hung[0]:
            time.sleep(0.01)
        return real(target, data)

    monkeypatch.setattr(os, "write", write)
    put(writer)
    time.sleep(3 * prediction_writer.FLUSH_SECONDS)
    start = time.monotonic()
    for _ in range(50):
        put(writer)
    assert time.monotonic() - start < 5
    assert writer.health()["lost"] == 40
    hung[0] = False
    writer.close()
    assert len(list(LogReader(tmp_path / "log").lines())) == 11


def test_a_folder_that_is_removed_under_the_writer_is_made_again(writer: PredictionWriter, tmp_path: Path) -> None:
    """Whoever clears the log away loses what was in it, and nothing that comes later."""
    gone = put(writer)
    (path,) = wait_for(lambda: [*(tmp_path / "log").glob("*/*.jsonl")])
    shutil.rmtree(path.parent)
    kept = put(writer)
    writer.close()
    assert [each.id for each in LogReader(tmp_path / "log").lines()] == [kept]
    assert (gone != kept, writer.health()) == (True, {"written": 2, "lost": 0, "trouble": None})


def test_a_clock_that_is_set_back_mixes_nothing_up(writer: PredictionWriter, tmp_path: Path) -> None:
    """The same moments come again, over midnight: each request has an id of its own, and its line is found by it."""
    moments = [NOON, NOON + timedelta(hours=12), NOON - timedelta(days=1), NOON]
    names = [put(writer, moment) for moment in moments]
    writer.close()
    reader = LogReader(tmp_path / "log")
    assert len({*names}) == len(moments)
    assert [found.id for name in names if (found := reader.find(name))] == names


def test_a_log_is_not_for_everybody(writer: PredictionWriter, tmp_path: Path) -> None:
    """Folders and files are for the server's user and its group: what they hold may be personal data."""
    put(writer)
    writer.close()
    log = tmp_path / "log"
    assert {path.stat().st_mode & 0o777 for path in log.rglob("*.jsonl")} == {0o640}
    assert {path.stat().st_mode & 0o777 for path in (log, *log.iterdir())} == {0o750}


def test_a_log_that_may_not_be_read_is_no_empty_log(
    writer: PredictionWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge without the right to read is told so: it must not look as if nothing was predicted."""
    name = put(writer)
    writer.close()

    def refuse(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    reader = LogReader(tmp_path / "log")
    for forbidden in ("open", "iterdir"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, forbidden, refuse)
            with pytest.raises(ServiceFailed, match="cannot be read: Permission denied"):
                list(reader.lines())
    assert reader.find(name) is not None


def test_a_day_that_is_removed_while_it_is_read_is_no_crash(writer: PredictionWriter, tmp_path: Path) -> None:
    """Its folder is cleared away between two lines: what is left is read."""
    names = [put(writer, NOON + timedelta(days=day)) for day in (0, 1, 2)]
    writer.close()
    lines = LogReader(tmp_path / "log").lines()
    first = next(lines)
    shutil.rmtree(tmp_path / "log" / "2026-11-24")
    assert [first.id, *(each.id for each in lines)] == [names[0], names[2]]


def test_a_line_that_cannot_be_made_is_counted(writer: PredictionWriter, tmp_path: Path) -> None:
    """A bug in one line does not end the log."""

    def fail() -> Prediction:
        raise ValueError("boom")

    writer.put(writer.next_id(NOON), fail, values=1)
    kept = put(writer)
    writer.close()
    assert [each.id for each in LogReader(tmp_path / "log").lines()] == [kept]
    assert (writer.health()["lost"], writer.health()["trouble"]) == (1, "a line could not be made: ValueError: boom")


def test_a_killed_server_loses_its_last_moment_alone(tmp_path: Path) -> None:
    """kill -9 in the middle of writing: of what was written half of the last line is lost at most, and no other."""
    command = [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path)]
    answered: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        reading = threading.Thread(target=lambda: answered.extend(line.strip() for line in process.stdout or ()))
        reading.start()
        deadline = time.monotonic() + PATIENCE
        while not (len(answered) > 200 and LogReader(tmp_path).find(answered[200])):
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        reading.join()
    reader = LogReader(tmp_path)
    found = [each.id for each in reader.lines()]
    assert [int(each.rpartition("-")[2]) for each in found] == list(range(1, len(found) + 1))
    assert set(answered[:200]) <= set(found)
    assert reader.broken <= 1


@given(st.dates(date(2000, 1, 1), date(2999, 12, 31)), st.integers(0, 2**32 - 1), st.integers(0), st.integers(0))
def test_an_id_names_its_file(day: date, server: int, number: int, place: int) -> None:
    """Date and server are in it, and a row's id has its request's."""
    name = request_id(day, f"{server:08x}", number)
    assert file_of(Path("log"), name) == Path("log") / day.isoformat() / f"{server:08x}.jsonl"
    assert row_id(f"{name}/{place}") == (name, place)
    assert row_id(name) is None


def test_scores_that_are_no_numbers_are_failures() -> None:
    """NaN is written as null, and read as a failure."""
    assert Scored(version=1, scores=[[0.1, 0.9], [None, None]]).failed
    assert not Scored(version=1, scores=[[0.1, 0.9]]).failed
    assert not Scored(version=1, skipped="not asked").failed
