"""Whatever is wrong: one message that says what, where and what next, the right exit code, and nothing changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import yaml

if TYPE_CHECKING:
    from tests.loop.conftest import Said, Sandbox

    Unchanged = Callable[[Sandbox], None]

PATIENCE_SECONDS = 120
PROMOTERS = 20
RACE_SECONDS = 500
"""Of all promoters at once, on however few cores."""
pytestmark = pytest.mark.xdist_group("small")

USAGE, REFUSED, NOT_PROMOTED, FAILED = 2, 3, 4, 5
NOWHERE = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
"""The discard port: nobody answers there."""


def check_refusal(said: Said, code: int, *words: str) -> None:
    """The exit code, every one of the words, and a next step, without a traceback."""
    missing = [word for word in (*words, "next: ") if word not in said.error]
    assert (said.code, missing, "Traceback" in said.error) == (code, [], False), said


def rows_of(sandbox: Sandbox, batch: str) -> pd.DataFrame:
    """The rows of a batch as they came."""
    return pd.read_parquet(sandbox.root / "data" / "raw" / batch / "rows.parquet")


def csv(sandbox: Sandbox, rows: pd.DataFrame, name: str = "new.csv") -> str:
    """Write rows beside the project; returns the path."""
    path = sandbox.base / name
    rows.to_csv(path, index=False)
    return str(path)


def flip_a_byte(path: Path) -> None:
    """Change one byte in the middle of a file, however it is protected."""
    mode = path.stat().st_mode
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(mode)


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        ("model", {"estimater": "ridge"}, ["params.yaml", "model.estimater: unknown key", "did you mean estimator?"]),
        ("split", {"holdout": "two"}, ["params.yaml", "split.holdout", "'two'"]),
        ("model", {"estimator": "rigde"}, ["params.yaml", "'rigde'", "ridge"]),
        ("gate", {"metric": "log_los"}, ["log_los", "squared_error"]),
    ],
)
def test_params_that_cannot_be(
    pulled: Sandbox, unchanged: Unchanged, section: str, values: dict[str, Any], words: list[str]
) -> None:
    """An unknown key, a wrong type and an unknown name are named with what would be right, before anything runs."""
    pulled.set_params(**{section: values})
    unchanged(pulled)
    check_refusal(pulled.ratchet("run"), USAGE, *words)


def test_a_missing_section(pulled: Sandbox, unchanged: Unchanged) -> None:
    """A section that a stage depends on must be written down, if only as {}: the message names it."""
    path = pulled.root / "params.yaml"
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({name: value for name, value in tree.items() if name != "evaluate"}))
    unchanged(pulled)
    check_refusal(pulled.ratchet("run"), USAGE, "params.yaml", "evaluate: required")


def test_params_that_are_no_yaml(pulled: Sandbox, unchanged: Unchanged) -> None:
    """A file that cannot be parsed is named with the line."""
    (pulled.root / "params.yaml").write_text("project: [\nmodel: }\n", encoding="utf-8")
    unchanged(pulled)
    check_refusal(pulled.ratchet("run"), USAGE, "params.yaml", "line 2")


def test_outside_a_project(pulled: Sandbox, unchanged: Unchanged) -> None:
    """The folder is named, and how to say which project is meant."""
    unchanged(pulled)
    check_refusal(
        pulled.ratchet("run", cwd=pulled.base / "home"), USAGE, "no params.yaml", str(pulled.base), "--project"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.drop(columns="bmi"), ["rows.bmi", "missing"]),
        (lambda rows: rows.drop(columns="progression"), ["rows.progression", "missing"]),
        (lambda rows: rows.assign(progression=None), ["rows.progression", "56 rows"]),
        (lambda rows: rows.assign(age=["old"] * len(rows)), ["rows.age", "number", "old"]),
        (lambda rows: rows.assign(age=rows["age"] * 100), ["rows.age", "120", "56 rows", "for example"]),
        (lambda rows: rows.assign(patient=1), ["rows.patient"]),
        (lambda rows: rows.iloc[:0], ["part-05"]),
        (lambda rows: rows.assign(weight=70.5), ["weight"]),
    ],
    ids=["column", "target", "no target", "type", "range", "key", "no rows", "unknown column"],
)
def test_a_batch_that_breaks_the_schema(
    pulled: Sandbox, unchanged: Unchanged, change: Callable[[pd.DataFrame], pd.DataFrame], words: list[str]
) -> None:
    """Batch, column, rule, count and examples are named, and the batch is not there afterwards."""
    file = csv(pulled, change(rows_of(pulled, "part-04")))
    unchanged(pulled)
    check_refusal(pulled.ratchet("data", "add", "part-05", file), REFUSED, "batch part-05 is refused", *words)
    kept = pulled.root / "data" / "refused" / "part-05"
    assert (kept / "rows.csv").read_bytes() == Path(file).read_bytes()
    assert words[0] in (kept / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "content"), [("new.csv", b""), ("new.parquet", b""), ("new.parquet", b"PAR1 cut")])
def test_a_file_that_is_none(pulled: Sandbox, unchanged: Unchanged, name: str, content: bytes) -> None:
    """An empty or truncated file is named and not taken."""
    (pulled.base / name).write_bytes(content)
    unchanged(pulled)
    said = pulled.ratchet("data", "add", "part-05", str(pulled.base / name))
    check_refusal(said, REFUSED, "part-05", f"rows{Path(name).suffix}")


def test_a_file_that_is_not_there(pulled: Sandbox, unchanged: Unchanged) -> None:
    """The path is named."""
    unchanged(pulled)
    said = pulled.ratchet("data", "add", "part-05", str(pulled.base / "nothing.csv"))
    check_refusal(said, USAGE, "nothing.csv")


def test_a_batch_name_that_cannot_be(pulled: Sandbox, unchanged: Unchanged) -> None:
    """A name with a slash would leave the folder of batches."""
    file = csv(pulled, rows_of(pulled, "part-04"))
    unchanged(pulled)
    check_refusal(pulled.ratchet("data", "add", "../part-05", file), USAGE, "'../part-05'")


def test_a_batch_that_is_already_here(pulled: Sandbox, unchanged: Unchanged) -> None:
    """The same batch again is fine; other content under its name, or its rows under another name, are refused."""
    same = str(pulled.root / "data" / "raw" / "part-04" / "rows.parquet")
    other = csv(pulled, rows_of(pulled, "part-03"))
    unchanged(pulled)
    assert pulled.ok("data", "add", "part-04", same) == "part-04 is already here, with the same content\n"
    check_refusal(pulled.ratchet("data", "add", "part-04", other), REFUSED, "part-04", "other content")
    check_refusal(pulled.ratchet("data", "add", "part-05", same), REFUSED, "part-05", "part-04", "same rows")


@pytest.mark.parametrize("left", [0, 1])
def test_too_few_batches(pulled: Sandbox, left: int) -> None:
    """Without a batch to train on and one to judge, nothing is trained; the message says how many it needs."""
    for number in range(left + 1, 5):
        shutil.rmtree(pulled.root / "data" / "raw" / f"part-{number:02d}")
        (pulled.root / "data" / "raw" / f"part-{number:02d}.dvc").unlink()
    check_refusal(pulled.ratchet("run"), REFUSED, "batch")
    left_over = [name for name in ("model", "evaluation", "decision.json") if (pulled.root / "data" / name).exists()]
    assert left_over == []


def test_a_raw_batch_edited_by_hand(pulled: Sandbox, unchanged: Unchanged) -> None:
    """Batches are immutable: the run names the one that differs, and fetching brings back what was recorded."""
    path = pulled.root / "data" / "raw" / "part-02" / "rows.parquet"
    rows_of(pulled, "part-02").assign(age=50.0).to_parquet(path)
    unchanged(pulled)
    check_refusal(pulled.ratchet("run"), REFUSED, "data/raw/part-02", "ratchet data fetch")


def test_fetching_undoes_an_edit(pulled: Sandbox) -> None:
    """What the refusal advises works."""
    path = pulled.root / "data" / "raw" / "part-02" / "rows.parquet"
    good = path.read_bytes()
    path.write_bytes(b"edited")
    pulled.ok("data", "fetch")
    assert path.read_bytes() == good


def cached(sandbox: Sandbox, store: Path, *, folder: bool) -> Path:
    """Where DVC keeps the rows of part-02, or the list of its files, in its cache or its remote."""
    listing = yaml.safe_load((sandbox.root / "data/raw/part-02.dvc").read_text(encoding="utf-8"))["outs"][0]["md5"]
    name = str(listing)
    if not folder:
        name = str(json.loads(place(store, name).read_text(encoding="utf-8"))[0]["md5"])
    return place(store, name)


def place(store: Path, name: str) -> Path:
    """Where DVC keeps the object of this name."""
    return store / "files" / "md5" / name[:2] / name[2:]


@pytest.mark.parametrize("folder", [False, True], ids=["file", "list of files"])
@pytest.mark.parametrize("verified", [False, True], ids=["remote in config", "remote in environment"])
def test_a_damaged_dvc_object(pulled: Sandbox, folder: bool, verified: bool) -> None:
    """A damaged cache heals from the remote; where the remote is damaged too, nothing of it reaches the work tree."""
    environment = {"DVC_REMOTE_URL": str(pulled.dvc_remote)} if verified else {}
    batch = pulled.root / "data" / "raw" / "part-02"
    good = (batch / "rows.parquet").read_bytes()
    cache, remote = (cached(pulled, each, folder=folder) for each in (pulled.root / ".dvc/cache", pulled.dvc_remote))

    flip_a_byte(cache)
    shutil.rmtree(batch)
    assert pulled.ratchet("data", "fetch", env=environment).code == 0
    assert (batch / "rows.parquet").read_bytes() == good

    flip_a_byte(cache)
    flip_a_byte(remote)
    shutil.rmtree(batch)
    check_refusal(pulled.ratchet("data", "fetch", env=environment), FAILED, "DVC remote", "dvc push")
    assert not batch.exists()
    check_refusal(pulled.ratchet("run"), FAILED, "data/raw/part-02", "ratchet data fetch")


def test_data_that_was_never_pushed(pulled: Sandbox) -> None:
    """A clone whose remote lacks a batch says which one, and does not claim to have the data."""
    shutil.rmtree(pulled.dvc_remote)
    pulled.git("clone", "--quiet", str(pulled.root), str(pulled.base / "clone"))
    clone = pulled.base / "clone"
    shutil.copyfile(pulled.root / ".dvc" / "config.local", clone / ".dvc" / "config.local")
    check_refusal(pulled.ratchet("data", "fetch", cwd=clone), FAILED, "data/raw/part-01", "dvc push")


def test_commands_too_early(pulled: Sandbox, unchanged: Unchanged) -> None:
    """Recording, reporting, promoting and rolling back before there is anything to say so."""
    unchanged(pulled)
    check_refusal(pulled.ratchet("record"), FAILED, "ratchet run")
    check_refusal(pulled.ratchet("report"), FAILED, "ratchet run")
    check_refusal(pulled.ratchet("rollback", "--reason", "x"), NOT_PROMOTED, "nothing serves yet")
    check_refusal(pulled.ratchet("history", "--at", "yesterday"), USAGE, "'yesterday'")


@pytest.mark.slow
def test_mlflow_does_not_answer(computed: Sandbox, unchanged: Unchanged) -> None:
    """Recording and promoting say so within seconds and change nothing; with MLflow back, recording completes."""
    before = computed.digests()
    for command in ("record", "promote"):
        started = time.monotonic()
        check_refusal(computed.ratchet(command, env=NOWHERE), FAILED, "MLflow", "127.0.0.1:9", "MLFLOW_TRACKING_URI")
        assert time.monotonic() - started < 15
    assert computed.digests() == before
    assert computed.ok("record").startswith("recorded as MLflow run ")


@pytest.mark.slow
def test_an_mlflow_store_that_cannot_be(computed: Sandbox, unchanged: Unchanged) -> None:
    """A database in a place that is no folder is named."""
    unchanged(computed)
    said = computed.ratchet("record", env={"MLFLOW_TRACKING_URI": "sqlite:////dev/null/mlflow.db"})
    check_refusal(said, FAILED, "/dev/null")


@pytest.mark.slow
def test_promoting_what_the_gate_holds_back(computed: Sandbox) -> None:
    """A model below a floor is not promoted, whoever asks; the refusal says what the gate found."""
    computed.set_params(gate={"floors": {"r2": {"min": 0.99}}})
    computed.ok("run")
    computed.ok("record")
    before = computed.digests()
    check_refusal(computed.ratchet("promote"), NOT_PROMOTED, "the gate says", "r2", "0.99")
    assert computed.digests() == before


@pytest.mark.slow
def test_promoting_what_was_not_recorded(computed: Sandbox) -> None:
    """The refusal says which command is missing, and nothing serves."""
    check_refusal(computed.ratchet("promote"), NOT_PROMOTED, "not recorded", "ratchet record")
    assert computed.ok("history") == "nothing serves yet: ratchet promote\n"


@pytest.mark.slow
def test_rolling_back_the_first_champion(served: Sandbox, unchanged: Unchanged) -> None:
    """There is nothing before it, and it goes on serving."""
    unchanged(served)
    check_refusal(served.ratchet("rollback", "--reason", "x"), NOT_PROMOTED, "version 1", "nothing before it")


def out_of_date(sandbox: Sandbox) -> list[str]:
    """Stages that dvc.lock does not have."""
    path = sandbox.root / "dvc.lock"
    locked = yaml.safe_load(path.read_text(encoding="utf-8"))["stages"] if path.exists() else {}
    return [stage for stage in STAGES if stage not in locked]


STAGES = ("ingest", "validate", "featurize", "train", "evaluate", "gate")
BEGUN = {
    "ingest": "data/ingested/part-01",
    "featurize": "data/features/part-01",
    "train": "data/metrics/train.json",  # written before the last fit
    "evaluate": "data/.writing-*-evaluation",
}
"""What appears in the project while a stage is at work, and before it is done."""


@pytest.mark.slow
@pytest.mark.parametrize("stage", BEGUN)
def test_a_kill_in_the_middle_of_a_stage(pulled: Sandbox, undisturbed: dict[str, str], stage: str) -> None:
    """After kill -9 the next run completes, and every file equals what an undisturbed run leaves."""
    with subprocess.Popen(
        pulled.command("run"),
        cwd=pulled.root,
        env=pulled.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        end = time.monotonic() + PATIENCE_SECONDS
        while process.poll() is None and not list(pulled.root.glob(BEGUN[stage])) and time.monotonic() < end:
            time.sleep(0.001)
        os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, stage in out_of_date(pulled)) == (-signal.SIGKILL, True)
    pulled.ok("run")
    assert pulled.digests("data", "dvc.lock") == undisturbed


OUTPUTS = (
    "data/ingested/part-01/rows.parquet",
    "data/ingested/manifest.json",
    "data/validation/part-04/report.json",
    "data/features/part-02/labels.parquet",
    "data/model/model.skops",
    "data/model/model.json",
    "data/evaluation/predictions.parquet",
    "data/evaluation/evaluation.json",
    "data/sealed/evidence.json",
    "data/metrics/train.json",
    "data/metrics/evaluate.json",
    "data/decision.json",
)
"""Something of every stage."""


@pytest.mark.slow
def test_a_flipped_byte_in_an_output_of_any_stage(computed: Sandbox, undisturbed: dict[str, str]) -> None:
    """Nothing is recorded while a byte of any output is another one, and the next run puts all of them right."""
    paths = [computed.root / name for name in OUTPUTS]
    for path in paths:
        good = path.read_bytes()
        flip_a_byte(path)
        said = computed.ratchet("record")
        # A file that cannot be read any more is an outside failure; one that can is not what dvc.lock describes.
        check_refusal(said, said.code if said.code in (USAGE, FAILED) else FAILED, "ratchet run")
        path.write_bytes(good)
    for path in paths:
        flip_a_byte(path)
    computed.ok("run")
    assert computed.digests("data", "dvc.lock") == undisturbed


@pytest.mark.slow
def test_a_full_disk_in_each_stage(pulled: Sandbox, undisturbed: dict[str, str]) -> None:
    """The stage says which file had no room and leaves nothing half written; with room again, the run completes."""
    pulled.ok("champion", "pull")
    before = pulled.digests("data")
    for stage in STAGES:
        command = [sys.executable, "-m", "ratchet.stages", stage]
        # A limit on the size of a file: the write fails as it does on a full disk.
        said = pulled.run(["bash", "-c", 'ulimit -f 0; exec "$@"', "limited", *command])
        check_refusal(said, FAILED, f"{stage}: ", "the disk is full", "data/")
        assert pulled.digests("data") == before
        assert pulled.run(command).code == 0
        before = pulled.digests("data")
    pulled.ok("run")
    assert pulled.digests("data", "dvc.lock") == undisturbed


@pytest.mark.slow
def test_what_could_not_be_promoted_here_is_not_registered(recorded: Sandbox) -> None:
    """A run of another policy would else close a version that may serve, as a newer one that has come as far."""
    run = run_id(recorded.ok("record"))
    recorded.set_params(gate={"power": 0.7})
    for command in ("register", "promote"):
        check_refusal(recorded.ratchet(command, run), NOT_PROMOTED, f"run {run} was decided by another policy")
    assert recorded.ledger() == []
    assert recorded.ok("queue") == "nothing waits\n"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_racing_promoters(recorded: Sandbox) -> None:
    """Of twenty clones that promote two decisions against the same champion, one wins and one entry is added."""
    runs = [run_id(recorded.ok("record"))]
    recorded.set_params(model={"params": {"alpha": 1.1}})
    recorded.ok("run")
    runs.append(run_id(recorded.ok("record")))
    assert runs[0] != runs[1]
    recorded.git("push", "--quiet", "origin", "main")
    clones = [recorded.base / f"clone-{number}" for number in range(PROMOTERS)]
    for clone in clones:
        recorded.git("clone", "--quiet", str(recorded.origin), str(clone))
    racers = [
        subprocess.Popen(
            recorded.command("promote", runs[number % 2]),
            cwd=clone,
            env=recorded.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number, clone in enumerate(clones)
    ]
    said = [racer.communicate(timeout=RACE_SECONDS)[0] for racer in racers]
    entries = [json.loads(line) for line in recorded.ok("history", "--json").splitlines()]
    assert len(entries) == 1, said
    [entry] = entries
    winners = {runs[number % 2] for number, racer in enumerate(racers) if racer.returncode == 0}
    assert (winners, {racer.returncode for racer in racers} <= {0, NOT_PROMOTED}) == ({entry["run_id"]}, True), said
    assert all("next: " in words for racer, words in zip(racers, said, strict=True) if racer.returncode)
    assert recorded.ok("reconcile") == f"ledger and alias agree: version {entry['version']} serves\n"
    late = next(run for run in runs if run != entry["run_id"])
    check_refusal(
        recorded.ratchet("promote", late), NOT_PROMOTED, "compared with version none", f"version {entry['version']}"
    )


def run_id(said: str) -> str:
    """The MLflow run that `ratchet record` names."""
    found = re.search(r"MLflow run ([0-9a-f]{32})", said)
    assert found, said
    return found[1]
