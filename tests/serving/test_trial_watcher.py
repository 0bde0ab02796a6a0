"""Following what is on trial: taken up and dropped without a restart, and never in the champion's way."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ratchet.core.chain import Link
from ratchet.core.ledger_entries import Change, Entry, Registration
from ratchet.core.trials import TrialPlan
from ratchet.io.ledger import LedgerBranch
from ratchet.io.prediction_log import LogReader
from ratchet.serving import trial_watcher
from ratchet.serving.champion_watcher import ChampionWatcher
from ratchet.serving.serving_state import ServingState
from ratchet.serving.source import ModelSource
from ratchet.serving.trial_watcher import TrialWatcher

Publish = Callable[[int], None]
WriteTrial = Callable[..., TrialPlan]
PATIENCE = 60.0
GOOD = {"delay": 1.0, "wind": None, "carrier": "UA", "gate": "x"}
CANARY = {"canary": {"rows": 100, "share": 0.5}}
SERVE = """
import sys
from pathlib import Path
from ratchet.core.params import Serve
from ratchet.io.ledger import LedgerBranch
from ratchet.serving.server import run
from ratchet.serving.source import LedgerSource

root = Path(sys.argv[1])
run(LedgerSource(LedgerBranch(root, "origin", "ratchet/ledger")), Serve(port=0, poll_seconds=0.05), root / "fetched",
    log=root / "log")
"""


@pytest.fixture
def state() -> ServingState:
    """Nothing serves yet, and nothing is on trial."""
    return ServingState()


@pytest.fixture
def follow(source: ModelSource, state: ServingState, tmp_path: Path) -> Callable[[], None]:
    """Looks once, as both watchers do."""
    folder = tmp_path / "fetched"
    watcher = ChampionWatcher(source, state, folder=folder, poll_seconds=0.02)
    trials = TrialWatcher(source, state, folder=folder, poll_seconds=0.02, trial_seconds=1.0)

    def check() -> None:
        watcher.check()
        trials.check()

    return check


@pytest.fixture
def try_out(published: Path, write_trial: WriteTrial) -> Callable[..., None]:
    """Puts a version on trial in what `source` reads, or takes it off again."""

    def put(version: int | None, head: str, rule: Any = None) -> None:
        shutil.rmtree(published / "trial", ignore_errors=True)
        if version is not None:
            write_trial(published / "trial", version, rule)
        (published / "head").write_text(head, encoding="utf-8")

    return put


Try = Callable[..., None]
Follow = Callable[[], None]


def test_a_trial_comes_and_goes_with_the_ledger(
    follow: Follow, state: ServingState, publish: Publish, try_out: Try, tmp_path: Path
) -> None:
    """Nothing, then a shadow, then the same version as a canary, then another one, then nothing; no folder is left."""
    publish(1)
    follow()
    assert state.trial is None
    found: list[object] = []
    for head, version, rule in (("a", 2, None), ("b", 2, CANARY), ("c", 3, None), ("d", None, None)):
        try_out(version, head, rule)
        follow()
        found.append((state.trial.version, state.trial.plan.phase) if state.trial else None)
    assert found == [(2, "shadow"), (2, "canary"), (3, "shadow"), None]
    assert (state.health()["version"], state.health()["trial_trouble"]) == (1, None)
    assert list((tmp_path / "fetched").iterdir()) == []


def test_an_entry_about_something_else_leaves_the_trial_as_it_is(
    follow: Follow, state: ServingState, publish: Publish, try_out: Try
) -> None:
    """Its counts go on: it is not loaded a second time."""
    publish(1)
    try_out(2, "a")
    follow()
    before = state.trial
    try_out(2, "another commit")
    follow()
    assert before is not None
    assert state.trial is before


def test_a_tampered_trial_is_not_tried(
    follow: Follow, state: ServingState, publish: Publish, try_out: Try, published: Path
) -> None:
    """The champion serves on, /health says why nothing is on trial, and the mended one is taken up."""
    publish(1)
    try_out(2, "a")
    path = published / "trial" / "model" / "model.skops"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    follow()
    health = state.health()
    assert (health["version"], health["trouble"], health["trial"]) == (1, None, None)
    assert "model.skops has SHA-256" in health["trial_trouble"]
    path.write_bytes(whole)
    follow()
    assert (state.health()["trial"]["version"], state.health()["trial_trouble"]) == (2, None)


def test_a_pull_that_fails_leaves_nobody_on_trial(
    follow: Follow, state: ServingState, publish: Publish, try_out: Try, published: Path
) -> None:
    """A version that may have been rejected meanwhile answers nobody; the champion goes on."""
    publish(1)
    try_out(2, "a", CANARY)
    follow()
    assert state.trial is not None
    try_out(2, "b", CANARY)
    (published / "trial" / "trial.json").write_text("{", encoding="utf-8")
    follow()
    health = state.health()
    assert (health["trial"], health["version"]) == (None, 1)
    assert health["trial_trouble"]


def test_a_canary_needs_a_ledger_that_can_be_read(
    follow: Follow,
    state: ServingState,
    publish: Publish,
    try_out: Try,
    published: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Out of reach for a while, nobody knows whether it is still on trial; each look that succeeds says that it is."""
    monkeypatch.setattr(trial_watcher, "STALE_SECONDS", 0.5)
    publish(1)
    try_out(2, "a", CANARY)
    follow()
    found = state.trial
    assert found is not None
    (published / "unreachable").touch()
    assert found.distrust() == ""
    time.sleep(0.6)
    follow()
    assert found.distrust().startswith("the ledger was last seen 1 s ago")
    assert (state.health()["version"], state.trial) == (1, found)
    (published / "unreachable").unlink()
    follow()
    assert found.distrust() == ""


@contextmanager
def started(project: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A server process for the project, and a client of it; killed at the end if it still runs."""
    command = [sys.executable, "-c", SERVE, str(project)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            with httpx.Client(base_url=url, timeout=60) as client:
                yield process, client
        finally:
            process.kill()


def wait_until(true: Callable[[], bool]) -> None:
    """Give up after a while."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def append(ledger: LedgerBranch, record: type[Change] | type[Registration], entry: Link) -> None:
    """Append the entry's record to a real ledger."""
    event = record(**entry.model_dump(include=set(record.model_fields)))
    ledger.append(lambda _entries: event, type(entry))


def test_a_server_takes_up_a_canary_and_logs_both(
    project: Path, make_champion: Callable[..., Entry], write_trial: WriteTrial
) -> None:
    """From the ledger to the log: a registered version answers its share, and after SIGTERM every answer is logged."""
    ledger = LedgerBranch(project, "origin", "ratchet/ledger")

    append(ledger, Change, make_champion(project / "champion"))
    with started(project) as (process, client):
        assert client.get("/health").json()["trial"] is None
        plan = write_trial(project / "trial", 2, CANARY)
        append(ledger, Registration, plan.entry)
        wait_until(lambda: client.get("/health").json()["trial"] is not None)
        answers = [client.post("/predict", json={"rows": [GOOD]}) for _ in range(40)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    logged = {each.id: each for each in LogReader(project / "log").lines()}
    assert logged.keys() == {answer.headers["x-prediction-id"] for answer in answers}
    versions = [answer.json()["model"]["version"] for answer in answers]
    assert set(versions) == {1, 2}
    assert [logged[answer.headers["x-prediction-id"]].version for answer in answers] == versions
