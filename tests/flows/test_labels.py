"""Labels that come back: all of a file or none of it, each once, each of a row that was answered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import polars as pl
import pytest

from ratchet.errors import DataRefused, UsageError
from ratchet.flows.labels import Added, add_labels
from ratchet.flows.prediction import find_prediction
from ratchet.io import files
from ratchet.io.prediction_labels import read_kept
from ratchet.io.prediction_log import Prediction, Scored
from ratchet.settings import Settings, load_settings

ONE, TWO = "20261123-0badcafe-1", "20261124-0badcafe-2"
PARAMS = """
project: {{name: parcels, room: parcels, task: {task}, target: late}}
split: {{}}
features: {{}}
model: {{estimator: hist_gradient_boosting}}
evaluate: {{}}
gate: {{metric: {metric}}}
serve: {{log: {log}}}
"""
CLASSES = {"binary": ["false", "true"], "multiclass": ["a", "b"], "regression": []}


def prediction(name: str, labels: list[str], rows: int = 3) -> Prediction:
    return Prediction(
        id=name, time="2026-11-23T12:00:00+00:00", model="parcels", version=1, arm="champion", endpoint="predict",
        rows=rows, champion=Scored(version=1, scores=[[0.5]] * rows, labels=labels),
    )  # fmt: skip


def project(root: Path, task: str = "binary", log: str = "log") -> Settings:
    """A project whose log has two requests of three rows."""
    metric = "mae" if task == "regression" else "log_loss"
    (root / "params.yaml").write_text(PARAMS.format(task=task, metric=metric, log=log), encoding="utf-8")
    for name in (ONE, TWO):
        path = root / "log" / f"{name[:4]}-{name[4:6]}-{name[6:8]}" / "0badcafe.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(msgspec.json.encode(prediction(name, CLASSES[task])) + b"\n")
    return load_settings(root, {})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a binary project."""
    return project(tmp_path)


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV file of pairs."""

    def write(*pairs: tuple[str, str]) -> Path:
        path = tmp_path / "labels.csv"
        path.write_text("".join(f"{row},{label}\n" for row, label in (("id", "label"), *pairs)), encoding="utf-8")
        return path

    return write


Csv = Callable[..., Path]


def kept(settings: Settings) -> list[tuple[str, str, int]]:
    """All labels, each with the delivery it came in."""
    return read_kept(settings.root / "log").rows()


def test_labels_are_kept_in_the_order_in_which_they_came(settings: Settings, csv: Csv) -> None:
    """One part per delivery; more columns than two do not matter, nor their order."""
    assert add_labels(settings, csv((f"{TWO}/2", "true"))) == Added(new=1, known=0)
    path = settings.root / "labels.parquet"
    pl.DataFrame({"label": [False, True], "hub": [1, 2], "id": [f"{ONE}/0", f"{ONE}/1"]}).write_parquet(path)
    assert add_labels(settings, path) == Added(new=2, known=0)
    assert kept(settings) == [(f"{TWO}/2", "true", 1), (f"{ONE}/0", "false", 2), (f"{ONE}/1", "true", 2)]


def test_the_same_file_twice_changes_nothing(settings: Settings, csv: Csv) -> None:
    """What is known is counted, not kept again, also where a file says it twice."""
    path = csv((f"{ONE}/0", "true"), (f"{ONE}/1", "false"), (f"{ONE}/0", "1"))
    assert [add_labels(settings, path) for _ in range(2)] == [Added(new=2, known=0), Added(new=0, known=2)]
    assert len(kept(settings)) == 2
    assert len([*(settings.root / "log" / "labels").iterdir()]) == 1


BAD = [
    ("20261123-0badcafe-9/0", "true", "line 3: prediction 20261123-0badcafe-9 is not in the log"),
    ("20261123-00000000-1/0", "true", "line 3: prediction 20261123-00000000-1 is not in the log"),
    (f"{ONE}/3", "true", f"line 3: prediction {ONE} has 3 rows, the first is 0; there is no {ONE}/3"),
    (ONE, "true", f"line 3: '{ONE}' is no row's id; one looks like"),
    ("../../etc/passwd/0", "true", "line 3: '../../etc/passwd/0' is no row's id"),
    (f"{ONE}/1", "perhaps", "line 3: 'perhaps' is not one of false, true"),
    (f"{ONE}/1", "", "line 3: None is not one of false, true"),
    (f"{ONE}/0", "false", f"line 3: {ONE}/0 is false here, and true before"),
]


@pytest.mark.parametrize(("row", "label", "said"), BAD)
def test_one_wrong_line_refuses_the_file(row: str, label: str, said: str, settings: Settings, csv: Csv) -> None:
    """The line is named, and nothing of the file is kept."""
    with pytest.raises(DataRefused) as caught:
        add_labels(settings, csv((f"{ONE}/0", "true"), (row, label)))
    assert said in caught.value.message
    assert kept(settings) == []


def test_a_label_that_comes_before_its_prediction_is_taken_later(settings: Settings, csv: Csv) -> None:
    """Nothing of its file is kept, and the way out is told; once the line is written the same file is taken."""
    name = "20261123-0badcafe-3"
    path = csv((f"{ONE}/0", "true"), (f"{name}/0", "false"))
    with pytest.raises(DataRefused, match=f"line 3: prediction {name} is not in the log") as caught:
        add_labels(settings, path)
    assert caught.value.next_step.startswith("mend the file: an answer that is not in the log is not written yet")
    assert kept(settings) == []
    with (settings.root / "log" / "2026-11-23" / "0badcafe.jsonl").open("ab") as file:
        file.write(msgspec.json.encode(prediction(name, CLASSES["binary"])) + b"\n")
    assert add_labels(settings, path) == Added(new=2, known=0)


def test_a_label_that_contradicts_an_earlier_delivery_is_refused(settings: Settings, csv: Csv) -> None:
    """What was true yesterday is not false today; what was kept stays."""
    add_labels(settings, csv((f"{ONE}/0", "true")))
    with pytest.raises(DataRefused, match=f"line 3: {ONE}/0 is false here, and true before"):
        add_labels(settings, csv((f"{TWO}/0", "true"), (f"{ONE}/0", "false")))
    assert kept(settings) == [(f"{ONE}/0", "true", 1)]


def test_many_wrong_lines_are_told_in_a_few(settings: Settings, csv: Csv) -> None:
    """The message is bounded however long the file."""
    with pytest.raises(DataRefused, match="and 97 more") as caught:
        add_labels(settings, csv(*((f"{ONE}/{place}", "true") for place in range(3, 103))))
    assert len(caught.value.message) < 1_000


def test_values_of_a_regression_are_numbers(tmp_path: Path, csv: Csv) -> None:
    """However they are spelt they are the same value; infinity is none."""
    settings = project(tmp_path, "regression")
    assert add_labels(settings, csv((f"{ONE}/0", "1.50"), (f"{ONE}/0", "1.5"))) == Added(new=1, known=0)
    with pytest.raises(DataRefused, match="'inf' is not a number"):
        add_labels(settings, csv((f"{ONE}/1", "inf")))


def test_classes_are_those_of_the_model(tmp_path: Path, csv: Csv) -> None:
    """A class that no version knows is refused; 1 and 0 mean something to true and false alone."""
    settings = project(tmp_path, "multiclass")
    assert add_labels(settings, csv((f"{ONE}/0", "b"))) == Added(new=1, known=0)
    with pytest.raises(DataRefused, match="'1' is not one of a, b"):
        add_labels(settings, csv((f"{ONE}/1", "1")))


def test_two_deliveries_at_once_are_both_kept(settings: Settings, tmp_path: Path) -> None:
    """Neither overwrites the other, and each label is kept once."""
    paths = []
    for number, name in enumerate((ONE, TWO)):
        paths.append(tmp_path / f"{number}.csv")
        paths[-1].write_text("id,label\n" + "".join(f"{name}/{row},true\n" for row in range(3)), encoding="utf-8")
    threads = [threading.Thread(target=add_labels, args=(settings, path)) for path in paths * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row for row, _, _ in kept(settings)) == [f"{name}/{row}" for name in (ONE, TWO) for row in range(3)]
    left = [path.name for path in (settings.root / "log" / "labels").iterdir() if files.HALF_WRITTEN in path.name]
    assert left == []


def test_a_file_that_is_no_table_is_refused(settings: Settings, tmp_path: Path) -> None:
    """What cannot be read, or has other columns, is told."""
    path = tmp_path / "labels.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(DataRefused, match="cannot be read as Parquet"):
        add_labels(settings, path)
    with pytest.raises(DataRefused, match="cannot be read as CSV"):
        add_labels(settings, tmp_path / "nowhere.csv")
    path = tmp_path / "other.csv"
    path.write_text("prediction,label\n1,true\n", encoding="utf-8")
    with pytest.raises(DataRefused, match="has no column id; it has prediction, label"):
        add_labels(settings, path)


def test_without_a_log_there_is_nothing_to_label(tmp_path: Path, csv: Csv) -> None:
    """It is said, and nothing is found."""
    settings = project(tmp_path, log="null")
    with pytest.raises(UsageError, match=r"serve\.log is null"):
        add_labels(settings, csv((f"{ONE}/0", "true")))
    assert find_prediction(settings, ONE) is None


def test_a_prediction_is_found_by_its_id(settings: Settings) -> None:
    """By that of the request or of a row."""
    found = find_prediction(settings, f"{TWO}/1")
    assert found == prediction(TWO, ["false", "true"])
