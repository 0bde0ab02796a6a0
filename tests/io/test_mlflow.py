"""Runs and the registry in a real MLflow on SQLite: everything may be done twice, and nothing is doubled."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from ratchet.core.estimators import build_pipeline
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Features, Model, Project
from ratchet.core.scoring import frame
from ratchet.core.tracked_run import RunFacts
from ratchet.errors import ServiceFailed, TamperedFile, UsageError
from ratchet.io import files, layout, model_folder
from ratchet.io.batches import UnitStore
from ratchet.io.mlflow import MODEL, SEAL, Tracking, tracking
from ratchet.io.mlflow_address import masked
from ratchet.io.raw_input import lookup_file, read_raw_input
from ratchet.io.tables import read_frame, write_table

NAME = "flights-late"
INPUTS = [
    Feature(name="x", kind="number", nullable=True, example=0.5),
    Feature(name="c", kind="category", nullable=True, example="a"),
]

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:mlflow"),
]
"""What MLflow says of itself and of its own dependencies."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained model and a room, as the pipeline leaves them."""
    root = tmp_path_factory.mktemp("project")
    random = np.random.default_rng(0)
    columns = {"x": random.normal(size=60).tolist(), "c": random.choice(["a", "b"], 60).tolist()}
    model = Model(estimator="hist_gradient_boosting", params={"max_iter": 3, "min_samples_leaf": 5})
    pipeline = build_pipeline(INPUTS, task="binary", features=Features(), model=model)
    pipeline.fit(frame(INPUTS, columns), np.array(columns["x"]) > 0)
    digest = model_folder.write_model(root / "model" / model_folder.MODEL, pipeline)
    recipe = Recipe(
        project=Project(name=NAME, room="flights", task="binary", target="late"), features=Features(), model=model
    )
    record = ModelRecord(
        task="binary", target="late", features=INPUTS, labels=["false", "true"], baseline=[0.5, 0.5], threshold=0.5,
        recipe=recipe, trained_on={"2013-01": "x"}, rows=60, model_digest=digest, libraries={},
    )  # fmt: skip
    model_folder.write_record(root / "model", record)
    files.write_text(root / "src" / "flights" / "features.py", "x = 1\n")
    files.write_json(root / "decision.json", {"verdict": "promote"})
    return root


RAW_SCHEMA = """
rows: {key: [plane], columns: {plane: {type: string}}}
lookups: {planes: {key: [plane], columns: {plane: {type: string}}}}
"""


def facts(project: Path, fingerprint: str = "f1") -> RunFacts:
    return RunFacts(
        fingerprint=fingerprint,
        name="2013-02",
        params={"model.seed": "0"},
        metrics={"log_loss": 0.4},
        tags={"verdict": "promote"},
        artifacts={"decision": [project / "decision.json"]},
        inputs={"training": {"2013-01": "x", "2013-02": "y"}, "judging": {"2013-03": "z"}},
        model=project / "model",
        room=project / "src" / "flights",
    )


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An SQLite store of its own; the tests keep apart by their fingerprints and names."""
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'new' / 'mlflow.db'}"


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """An experiment and a registered model of its own for each test."""
    return str(request.node.name).replace("_", "-")


@pytest.fixture
def store(uri: str, name: str) -> Iterator[Tracking]:
    """The store, open."""
    with tracking(uri, name) as store:
        yield store


@pytest.fixture
def client(uri: str) -> MlflowClient:
    """The store, as everybody else sees it."""
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def runs(client: MlflowClient, name: str) -> list[Run]:
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def test_recording_twice_is_one_run(store: Tracking, client: MlflowClient, name: str, project: Path) -> None:
    """The second record of a fingerprint changes nothing, not even the seal that a ledger may name by now."""
    first = store.record(facts(project))
    again = store.record(facts(project))
    (run,) = runs(client, name)
    assert (again, first.finished, run.info.run_id, run.info.status) == (first, True, first.run_id, "FINISHED")
    assert (run.data.params, run.data.metrics) == ({"model.seed": "0"}, {"log_loss": 0.4})
    assert run.inputs is not None
    assert [(data.dataset.name, data.tags[0].value) for data in run.inputs.dataset_inputs] == [
        ("training 2013-01 to 2013-02", "training"),
        ("judging 2013-03", "judging"),
    ]


def test_another_fingerprint_is_another_run(store: Tracking, client: MlflowClient, name: str, project: Path) -> None:
    """Runs are told apart by what was computed, and found by it."""
    one, other = store.record(facts(project, "f1")), store.record(facts(project, "f2"))
    assert len(runs(client, name)) == 2
    assert (store.find_run("f1"), store.find_run("f2"), store.find_run("f3")) == (one, other, None)


def test_a_model_takes_along_what_raw_rows_need(store: Tracking, project: Path, tmp_path: Path) -> None:
    """Where the stage's output is named, the sealed folder shows how rows look, and has the standing lookups."""
    room, units = tmp_path / "flights", {"2013-02": "rows", "lookups": "planes"}
    files.write_text(room / "schema.yaml", RAW_SCHEMA)
    UnitStore(tmp_path / layout.INGESTED).update(
        dict.fromkeys(units, "key"),
        lambda unit, folder: write_table(folder / f"{units[unit]}.parquet", pa.table({"plane": ["N1", "N2"]})),
    )
    with_raw = replace(facts(project), room=room, project=tmp_path, lookup_bytes=10_000)
    made = store.record(with_raw)
    folder = store.fetch(made.run_id, "model", tmp_path)
    model_folder.verify_seal(folder, made.seal)
    record = read_raw_input(folder)
    assert record is not None
    assert (record.room, record.lookups, record.example) == ("flights", ("planes",), {"rows": [{"plane": "N1"}]})
    assert read_frame(lookup_file(folder, "planes"))["plane"].tolist() == ["N1", "N2"]


@pytest.mark.parametrize("broken", ["_log_model", "_begin"])
def test_an_interrupted_record_is_completed_by_the_next(
    store: Tracking, client: MlflowClient, name: str, project: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Killed on its way, the record is no finished run; recorded again, there is one run and it is whole."""
    begin = store._begin

    def killed(*_: object) -> str:
        if broken == "_begin":
            begin(facts(project))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, broken, killed)
        with pytest.raises(KeyboardInterrupt):
            store.record(facts(project))
    begun = store.find_run("f1")
    assert begun is not None
    assert (begun.finished, begun.seal) == (False, "")
    done = store.record(facts(project))
    assert ([run.info.run_id for run in runs(client, name)], done.run_id) == ([begun.run_id], begun.run_id)
    assert store.find_run("f1") == done


def test_registering_twice_is_one_version(store: Tracking, client: MlflowClient, name: str, project: Path) -> None:
    """A run becomes a version once; another run becomes the next one."""
    one, other = store.record(facts(project, "f1")), store.record(facts(project, "f2"))
    numbers = [store.register(run.run_id, "") for run in (one, one, other, one)]
    assert numbers == [1, 1, 2, 1]
    assert len(client.search_model_versions(f"name = '{name}'")) == 2


def test_the_alias_follows(store: Tracking, name: str, client: MlflowClient, project: Path) -> None:
    """Nobody has the alias before it is set, and then exactly the version that it was set to."""
    for fingerprint in ("f1", "f2"):
        store.register(store.record(facts(project, fingerprint)).run_id, "")
    before = store.alias("champion")
    store.point("champion", 2)
    store.point("champion", 1)
    assert (before, store.alias("champion")) == (None, 1)
    assert int(client.get_model_version_by_alias(name, "champion").version) == 1


def test_two_that_set_a_new_alias_at_once_both_succeed(
    store: Tracking, client: MlflowClient, name: str, project: Path
) -> None:
    """A promoter whose alias was set by another one between its look and its write still sets it."""
    version = store.register(store.record(facts(project)).run_id, "first")
    start = threading.Barrier(6)
    failed: list[BaseException] = []

    def promoter() -> None:
        start.wait()
        try:
            store.point("champion", version)
        except MlflowException as error:
            failed.append(error)

    for _ in range(5):
        promoters = [threading.Thread(target=promoter) for _ in range(6)]
        for thread in promoters:
            thread.start()
        for thread in promoters:
            thread.join()
        assert (failed, store.alias("champion")) == ([], version)
        client.delete_registered_model_alias(name, "champion")


def test_the_recorded_model_is_sealed_with_its_room(store: Tracking, project: Path, tmp_path: Path) -> None:
    """What comes back from the store is the same model, verified against the seal that the run names."""
    run = store.record(facts(project))
    folder = store.fetch(run.run_id, MODEL, tmp_path)
    loaded = model_folder.read(folder, seal=run.seal)
    assert loaded.record == model_folder.read_record(project / "model")
    assert (folder / "src" / "flights" / "features.py").read_text(encoding="utf-8") == "x = 1\n"
    (folder / "MLmodel").write_text("", encoding="utf-8")
    with pytest.raises(TamperedFile, match="MLmodel"):
        model_folder.read(folder, seal=run.seal)


def test_the_seal_is_on_the_run(store: Tracking, client: MlflowClient, project: Path) -> None:
    """Whoever looks at the run in MLflow sees the digest that the ledger will name."""
    run = store.record(facts(project))
    assert client.get_run(run.run_id).data.tags[SEAL] == run.seal
    assert store.get_run(run.run_id) == run


def test_plain_mlflow_loads_the_model_and_says_the_same(
    store: Tracking, name: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody needs ratchet to use what ratchet registered: pyfunc predicts what the pipeline predicts."""
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    store.point("champion", store.register(store.record(facts(project)).run_id, ""))
    table = frame(INPUTS, {"x": [0.3, -2.0, None], "c": ["a", "new", None]})
    expected = model_folder.read(project / "model").pipeline.predict_proba(table)
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    np.testing.assert_array_equal(model.predict(table), expected)


def test_an_artifact_that_is_not_there_is_said(store: Tracking, project: Path, tmp_path: Path) -> None:
    """The run, the artifact and where to look are in the message."""
    run = store.record(facts(project))
    with pytest.raises(ServiceFailed, match=rf"MLflow run {run.run_id} has no artifact nothing"):
        store.fetch(run.run_id, "nothing", tmp_path)


def test_a_run_that_is_not_there_is_said(store: Tracking) -> None:
    """A mistyped id is the caller's mistake, with the way to the right one."""
    with pytest.raises(UsageError, match="MLflow has no run 'nope'"):
        store.get_run("nope")


def test_a_store_where_nobody_listens_fails_at_once() -> None:
    """A closed port is an outside failure within seconds, and the message says where."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with (
        pytest.raises(ServiceFailed, match=rf"MLflow does not answer at http://127\.0\.0\.1:{port}"),
        tracking(f"http://127.0.0.1:{port}", NAME),
    ):
        pytest.fail("a store was opened")
    assert time.monotonic() - started < 5


def test_a_server_that_is_not_mlflow_is_an_outside_failure() -> None:
    """Whatever answers with nonsense is said by its address, not as a crash."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ServiceFailed, match=f"MLflow at {address}"), tracking(address, NAME) as store:
            store.find_run("f1")


def test_a_store_that_is_no_database_is_an_outside_failure(tmp_path: Path) -> None:
    """A file that is not SQLite's is said, and is left alone."""
    (tmp_path / "mlflow.db").write_bytes(b"not a database, but long enough to be looked at" * 30)
    with (
        pytest.raises(ServiceFailed, match="MLflow at sqlite:"),
        tracking(f"sqlite:///{tmp_path}/mlflow.db", NAME) as store,
    ):
        store.find_run("f1")
    assert (tmp_path / "mlflow.db").read_bytes().startswith(b"not a database")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://user:s3cret@db:5432/mlflow", "postgresql://user:***@db:5432/mlflow"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
    ],
)
def test_a_password_is_never_printed(uri: str, shown: str) -> None:
    """An address in a message is masked."""
    assert masked(uri) == shown
