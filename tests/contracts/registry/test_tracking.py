"""Runs and the registry, on SQLite and on a team's server alike: everything may be done twice, nothing is doubled."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from ratchet.core.model_record import Feature
from ratchet.core.scoring import frame
from ratchet.core.tracked_run import RunFacts
from ratchet.errors import RatchetError, ServiceFailed, TamperedFile, UsageError
from ratchet.io import files, layout, model_folder
from ratchet.io.batches import UnitStore
from ratchet.io.mlflow import MODEL, Tracking
from ratchet.io.mlflow_entities import SEAL
from ratchet.io.raw_input import lookup_file, read_raw_input
from ratchet.io.tables import read_frame, write_table

Facts = Callable[..., RunFacts]
Runs = Callable[[MlflowClient, str], list[Run]]

INPUTS = [
    Feature(name="x", kind="number", nullable=True, example=0.5),
    Feature(name="c", kind="category", nullable=True, example="a"),
]
RAW_SCHEMA = """
rows: {key: [plane], columns: {plane: {type: string}}}
lookups: {planes: {key: [plane], columns: {plane: {type: string}}}}
"""
LARGE = 9 * 2**20
"""Bytes; the object store keeps a file of this size in three pieces."""

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:mlflow"),
]
"""What MLflow says of itself and of its own dependencies."""


def together(count: int, work: Callable[[], object]) -> list[object]:
    """What `count` threads return, or raise of ours, that begin the work at the same moment."""
    start, ended = threading.Barrier(count), list[object]()

    def one() -> None:
        start.wait()
        try:
            ended.append(work())
        except RatchetError as error:
            ended.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


@pytest.mark.usefixtures("light")
def test_recording_twice_is_one_run(
    store: Tracking, client: MlflowClient, name: str, facts: Facts, runs: Runs, capfd: pytest.CaptureFixture[str]
) -> None:
    """The second record of a fingerprint changes nothing, not even the seal that a ledger may name by now."""
    first = store.record(facts())
    again = store.record(facts())
    (run,) = runs(client, name)
    assert (again, first.finished, run.info.run_id, run.info.status) == (first, True, first.run_id, "FINISHED")
    assert (run.data.params, run.data.metrics) == ({"model.seed": "0"}, {"log_loss": 0.4})
    assert run.inputs is not None
    assert [(data.dataset.name, data.tags[0].value) for data in run.inputs.dataset_inputs] == [
        ("training 2013-01 to 2013-02", "training"),
        ("judging 2013-03", "judging"),
    ]
    assert capfd.readouterr().out == "", "MLflow must not speak where programs read"


@pytest.mark.usefixtures("light")
def test_another_fingerprint_is_another_run(
    store: Tracking, client: MlflowClient, name: str, facts: Facts, runs: Runs
) -> None:
    """Runs are told apart by what was computed, and found by it."""
    one, other = store.record(facts("f1")), store.record(facts("f2"))
    assert len(runs(client, name)) == 2
    assert (store.find_run("f1"), store.find_run("f2"), store.find_run("f3")) == (one, other, None)


@pytest.mark.usefixtures("light")
def test_finished_runs_are_all_found_newest_first(
    store: Tracking, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the store gives them in pages; what was begun and not ended is not among them."""
    made = [store.record(facts(f"f{number}")) for number in range(5)]
    store._begin(facts("interrupted"))
    monkeypatch.setattr(store._client, "search_runs", functools.partial(store._client.search_runs, max_results=2))
    assert (store.finished(), store.finished(last=3)) == (made[::-1], made[:1:-1])


def test_a_store_where_nothing_was_recorded_is_empty(store: Tracking) -> None:
    """Before the first run nothing is found, nothing serves, and nothing fails."""
    assert (store.find_run("f1"), store.finished(), store.alias("champion")) == (None, [], None)


def test_a_model_takes_along_what_raw_rows_need(store: Tracking, facts: Facts, tmp_path: Path) -> None:
    """Where the stage's output is named, the sealed folder shows how rows look, and has the standing lookups."""
    room, units = tmp_path / "flights", {"2013-02": "rows", "lookups": "planes"}
    files.write_text(room / "schema.yaml", RAW_SCHEMA)
    UnitStore(tmp_path / layout.INGESTED).update(
        dict.fromkeys(units, "key"),
        lambda unit, folder: write_table(folder / f"{units[unit]}.parquet", pa.table({"plane": ["N1", "N2"]})),
    )
    with_raw = replace(facts(), room=room, project=tmp_path, lookup_bytes=10_000)
    made = store.record(with_raw)
    folder = store.fetch(made.run_id, "model", tmp_path)
    model_folder.verify_seal(folder, made.seal)
    record = read_raw_input(folder)
    assert record is not None
    assert (record.room, record.lookups, record.example) == ("flights", ("planes",), {"rows": [{"plane": "N1"}]})
    assert read_frame(lookup_file(folder, "planes"))["plane"].tolist() == ["N1", "N2"]


def test_files_come_back_as_they_went(store: Tracking, facts: Facts, tmp_path: Path) -> None:
    """A large file, an empty one and one with an unusual name are fetched with the bytes that were recorded."""
    content = {"large.bin": np.random.default_rng(0).bytes(LARGE), "empty": b"", "ä b+c.txt": b"1"}
    for file, written in content.items():
        (tmp_path / file).write_bytes(written)
    made = store.record(replace(facts(), artifacts={"reports/plots": [tmp_path / file for file in content]}))
    folder = store.fetch(made.run_id, "reports/plots", tmp_path / "back")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == content


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("broken", ["_log_model", "_begin"])
def test_an_interrupted_record_is_completed_by_the_next(
    store: Tracking, client: MlflowClient, name: str, facts: Facts, runs: Runs, monkeypatch: pytest.MonkeyPatch,
    broken: str,
) -> None:  # fmt: skip
    """Killed on its way, the record is no finished run; recorded again, there is one run and it is whole."""
    begin = store._begin

    def killed(*_: object) -> str:
        if broken == "_begin":
            begin(facts())
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, broken, killed)
        with pytest.raises(KeyboardInterrupt):
            store.record(facts())
    begun = store.find_run("f1")
    assert begun is not None
    assert (begun.finished, begun.seal) == (False, "")
    done = store.record(facts())
    assert ([run.info.run_id for run in runs(client, name)], done.run_id) == ([begun.run_id], begun.run_id)
    assert store.find_run("f1") == done


@pytest.mark.usefixtures("light")
def test_registering_twice_is_one_version(store: Tracking, client: MlflowClient, name: str, facts: Facts) -> None:
    """A run becomes a version once; another run becomes the next one."""
    one, other = store.record(facts("f1")), store.record(facts("f2"))
    numbers = [store.register(run.run_id, "") for run in (one, one, other, one)]
    assert numbers == [1, 1, 2, 1]
    assert len(client.search_model_versions(f"name = '{name}'")) == 2


@pytest.mark.usefixtures("light")
def test_the_alias_follows(store: Tracking, name: str, client: MlflowClient, facts: Facts) -> None:
    """Nobody has the alias before it is set, and then exactly the version that it was set to."""
    for fingerprint in ("f1", "f2"):
        store.register(store.record(facts(fingerprint)).run_id, "")
    before = store.alias("champion")
    store.point("champion", 2)
    store.point("champion", 1)
    assert (before, store.alias("champion")) == (None, 1)
    assert int(client.get_model_version_by_alias(name, "champion").version) == 1


@pytest.mark.usefixtures("light")
def test_an_alias_of_no_version_is_refused(store: Tracking, facts: Facts) -> None:
    """The store says so, and the alias stays where it was."""
    store.point("champion", store.register(store.record(facts()).run_id, ""))
    with pytest.raises(ServiceFailed, match="version=9"):
        store.point("champion", 9)
    assert store.alias("champion") == 1


@pytest.mark.usefixtures("light")
def test_two_that_set_a_new_alias_at_once_both_succeed(store: Tracking, facts: Facts) -> None:
    """A promoter whose alias was set by another one between its look and its write still sets it."""
    version = store.register(store.record(facts()).run_id, "first")
    for turn in range(3):
        ended = together(6, lambda alias=f"champion-{turn}": store.point(alias, version))  # type: ignore[misc]  # typed
        assert (ended, store.alias(f"champion-{turn}")) == ([None] * 6, version)


def test_the_recorded_model_is_sealed_with_its_room(
    store: Tracking, facts: Facts, project: Path, tmp_path: Path
) -> None:
    """What comes back from the store is the same model, verified against the seal that the run names."""
    run = store.record(facts())
    folder = store.fetch(run.run_id, MODEL, tmp_path)
    loaded = model_folder.read(folder, seal=run.seal)
    assert loaded.record == model_folder.read_record(project / "model")
    assert (folder / "src" / "flights" / "features.py").read_text(encoding="utf-8") == "x = 1\n"
    (folder / "MLmodel").write_text("", encoding="utf-8")
    with pytest.raises(TamperedFile, match="MLmodel"):
        model_folder.read(folder, seal=run.seal)


def test_the_seal_is_on_the_run(store: Tracking, client: MlflowClient, facts: Facts) -> None:
    """Whoever looks at the run in MLflow sees the digest that the ledger will name."""
    run = store.record(facts())
    assert client.get_run(run.run_id).data.tags[SEAL] == run.seal
    assert store.get_run(run.run_id) == run


def test_plain_mlflow_loads_the_model_and_says_the_same(
    store: Tracking, name: str, facts: Facts, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody needs ratchet to use what ratchet registered: pyfunc predicts what the pipeline predicts."""
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    store.point("champion", store.register(store.record(facts()).run_id, ""))
    table = frame(INPUTS, {"x": [0.3, -2.0, None], "c": ["a", "new", None]})
    expected = model_folder.read(project / "model").pipeline.predict_proba(table)
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    np.testing.assert_array_equal(model.predict(table), expected)


def test_an_artifact_that_is_not_there_is_said(store: Tracking, facts: Facts, tmp_path: Path) -> None:
    """The run, the artifact and where to look are in the message."""
    run = store.record(facts())
    with pytest.raises(ServiceFailed, match=rf"MLflow run {run.run_id} has no artifact nothing"):
        store.fetch(run.run_id, "nothing", tmp_path)


def test_a_run_that_is_not_there_is_said(store: Tracking) -> None:
    """A mistyped id is the caller's mistake, with the way to the right one."""
    with pytest.raises(UsageError, match="MLflow has no run 'nope'"):
        store.get_run("nope")
