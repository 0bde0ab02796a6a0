"""Shadow and canary: what is on trial is asked, compared and written down, and harms no answer."""

from __future__ import annotations

import dataclasses
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from ratchet.core.model_record import Feature
from ratchet.core.trials import TrialPlan
from ratchet.io.prediction_log import LogReader, Prediction
from ratchet.io.prediction_writer import PredictionWriter
from ratchet.io.trial_folder import MODEL
from ratchet.serving import aside
from ratchet.serving.desk import BEHIND, Desk
from ratchet.serving.holder import Holder
from ratchet.serving.inputs import Inputs
from ratchet.serving.predictor import Predictor
from ratchet.serving.trial import PATIENCE, Outcome, Trial

Rows = list[dict[str, Any]]
Serving = Callable[..., AbstractContextManager[str]]
WriteTrial = Callable[..., TrialPlan]
GOOD = {"delay": 1.0, "wind": None, "carrier": "UA", "gate": "x"}
CANARY = {"canary": {"rows": 100, "share": 0.25}}
ALWAYS = {"canary": {"rows": 100, "share": 0.999_999}}
ID = "x-prediction-id"


@dataclass
class Running:
    """A server with a log, and what is behind it."""

    client: httpx.Client
    holder: Holder
    folder: Path

    def ask(self, rows: Rows, **headers: str) -> httpx.Response:
        """POST /predict."""
        return self.client.post("/predict", json={"rows": rows}, headers=headers)


@pytest.fixture
def champion(make_champion: Callable[..., object], tmp_path: Path) -> Predictor:
    """Version 1, which serves."""
    make_champion(tmp_path / "champion")
    return Predictor.load(tmp_path / "champion")


@pytest.fixture
def load(write_trial: WriteTrial, tmp_path: Path) -> Callable[..., Trial]:
    """Loads version 2, in a phase of the given rule, with another patience."""

    def make(rule: object = None, seconds: float = 30.0) -> Trial:
        plan = write_trial(tmp_path / "trial", 2, rule)
        return Trial(plan, Predictor.load_trial(tmp_path / "trial" / MODEL, plan.entry), seconds=seconds)

    return make


@pytest.fixture
def run(serving: Serving, champion: Predictor, tmp_path: Path) -> Callable[..., AbstractContextManager[Running]]:
    """A server for the champion, with a trial or without; all of its log is written once it has ended."""

    @contextmanager
    def start(trial: Trial | None = None, name: str = "log", **options: bool) -> Iterator[Running]:
        holder = Holder(champion, trial=trial)
        desk = Desk(PredictionWriter(tmp_path / name), **options)
        with serving(holder, desk) as url, httpx.Client(base_url=url, timeout=60) as client:
            yield Running(client, holder, tmp_path / name)

    return start


Run = Callable[..., AbstractContextManager[Running]]
Load = Callable[..., Trial]


def lines(running: Running) -> dict[str, Prediction]:
    """The log by id, once the server has ended."""
    return {each.id: each for each in LogReader(running.folder).lines()}


def scores_of(predictor: Predictor, rows: Rows) -> list[list[float]]:
    """What a version says of rows."""
    scores: list[list[float]] = predictor.score(predictor.inputs.from_rows(rows))[0].tolist()
    return scores


def test_every_answer_is_in_the_log_under_its_id(run: Run, champion: Predictor, rows: Rows) -> None:
    """Over each endpoint: the version, the arm, the rows, the scores as they were answered, and how long it took."""
    with run() as server:
        one = server.ask(rows)
        other = server.client.post("/invocations", json={"dataframe_records": rows[:3]})
        assert one.json().keys() == {"model", "predictions", "notes", "more_notes"}
    logged = lines(server)
    assert logged.keys() == {one.headers[ID], other.headers[ID]}
    line = logged[one.headers[ID]]
    assert (line.model, line.version, line.arm, line.endpoint, line.rows) == (
        "flights-late", 1, "champion", "predict", len(rows),
    )  # fmt: skip
    assert line.champion.scores == scores_of(champion, rows)
    assert (line.champion.labels, line.champion.ms > 0, line.trial, line.inputs) == (
        ["false", "true"],
        True,
        None,
        None,
    )
    assert logged[other.headers[ID]].champion.scores == other.json()["predictions"]


def test_inputs_are_logged_only_if_asked_for(run: Run, rows: Rows) -> None:
    """With `serve.log_inputs` a line has the values of each feature."""
    with run(log_inputs=True) as server:
        name = server.ask(rows).headers[ID]
    inputs = lines(server)[name].inputs
    assert inputs == {name: [row[name] for row in rows] for name in rows[0]}


def test_what_is_refused_is_not_logged(run: Run, load: Load) -> None:
    """A refusal is the champion's, has no id, and counts for nobody, canary or not."""
    with run() as plain:
        expected = plain.ask([{**GOOD, "delay": "late"}])
    trial = load(ALWAYS)
    with run(trial, "other") as server:
        refused = server.ask([{**GOOD, "delay": "late"}])
        assert (refused.status_code, refused.content) == (400, expected.content)
        assert ID not in refused.headers
    assert lines(server) == {}
    assert trial.health()["failed"] == 0


def test_answers_are_the_same_bytes_with_a_shadow(run: Run, load: Load, rows: Rows) -> None:
    """A shadow changes no byte of an answer; the log has what it would have said."""
    trial = load()
    with run() as plain:
        without = [plain.ask([row]).content for row in rows]
    with run(trial, "shadow") as server:
        answers = [server.ask([row]) for row in rows]
    assert [answer.content for answer in answers] == without
    logged = lines(server)
    for answer, row in zip(answers, rows, strict=True):
        line = logged[answer.headers[ID]]
        assert (line.arm, line.version, line.phase) == ("champion", 1, "shadow")
        assert line.trial is not None
        assert (line.trial.version, line.trial.scores) == (2, scores_of(trial.predictor, [row]))
    assert trial.health()["scored"] == len(rows)


def test_a_canary_answers_its_share(run: Run, load: Load, champion: Predictor) -> None:
    """As many requests as chance allows, each wholly by the version it names, and the champion scores those too."""
    trial, count, share = load(CANARY), 200, 0.25
    with run(trial) as server:
        answers = [server.ask([GOOD]) for _ in range(count)]
    logged = lines(server)
    expected = {1: scores_of(champion, [GOOD]), 2: scores_of(trial.predictor, [GOOD])}
    assert expected[1] != expected[2]
    versions = [answer.json()["model"]["version"] for answer in answers]
    for answer, version in zip(answers, versions, strict=True):
        line = logged[answer.headers[ID]]
        assert answer.json()["predictions"][0]["probability"] == expected[version][0][1]
        assert (line.version, line.arm) == (version, "canary" if version == 2 else "champion")
        assert line.champion.scores == expected[1]
        assert (line.trial.scores if line.trial else None) == (expected[2] if version == 2 else None)
    assert abs(versions.count(2) - share * count) < 5 * math.sqrt(count * share * (1 - share))


def test_a_client_sees_one_version(run: Run, load: Load) -> None:
    """Whoever says who they are gets the same arm each time; of many clients both arms answer some."""
    with run(load(CANARY)) as server:
        seen = {
            name: {server.ask([GOOD], **{"x-client-id": name}).json()["model"]["version"] for _ in range(2)}
            for name in (f"client {number}" for number in range(30))
        }
    assert all(len(versions) == 1 for versions in seen.values())
    assert {version for versions in seen.values() for version in versions} == {1, 2}


def test_a_canary_that_raises_harms_nobody(run: Run, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """The champion answers instead; the failure is counted, and written down."""
    trial = load(ALWAYS)

    def fail(_columns: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(trial.predictor, "score", fail)
    with run(trial) as server:
        answers = [server.ask([GOOD]) for _ in range(PATIENCE + 3)]
        assert {answer.json()["model"]["version"] for answer in answers} == {1}
    for line in lines(server).values():
        assert (line.arm, line.trial and line.trial.error) == ("champion", "ZeroDivisionError: boom")
    assert len(lines(server)) == len(answers)
    assert (trial.health()["failed"], trial.health()["last_error"]) == (len(answers), "ZeroDivisionError: boom")


def test_a_canary_that_is_slow_costs_little_and_not_for_long(
    run: Run, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer waits trial_seconds at most, and after a few failures in a row none waits at all."""
    trial, release = load(ALWAYS, seconds=0.2), threading.Event()
    monkeypatch.setattr(trial.predictor, "score", lambda _columns: release.wait(60))
    with run(trial) as server:
        try:
            took = []
            for _ in range(PATIENCE + 5):
                start = time.monotonic()
                assert server.ask([GOOD]).json()["model"]["version"] == 1
                took.append(time.monotonic() - start)
        finally:
            release.set()
    assert min(took[PATIENCE:]) < 0.2
    slow = [line for line in lines(server).values() if line.trial and "took longer" in line.trial.error]
    assert len(slow) >= PATIENCE


def test_a_trial_that_says_nan_has_failed(run: Run, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """A score that is not finite is no answer, in a shadow or a canary."""
    trial = load(ALWAYS)
    monkeypatch.setattr(
        trial.predictor._pipeline, "predict_proba", lambda table: np.full((len(table), 2), np.nan), raising=False
    )
    with run(trial) as server:
        assert server.ask([GOOD]).json()["model"]["version"] == 1
    (line,) = lines(server).values()
    assert line.trial is not None
    assert "row 0 has no finite score" in line.trial.failed


def test_a_trial_with_other_columns_is_not_asked(run: Run, load: Load) -> None:
    """A request of features that lacks its columns is not scored by it, which is told and no failure."""
    trial = load(ALWAYS)
    gust = Feature(name="gust", kind="number", nullable=True)
    trial.predictor.record = trial.predictor.record.model_copy(
        update={"features": [*trial.predictor.record.features, gust]}
    )
    with run(trial) as server:
        assert server.ask([GOOD]).json()["model"]["version"] == 1
        health = server.client.get("/health").json()["trial"]
    (line,) = lines(server).values()
    assert line.trial is not None
    assert (line.trial.error, line.trial.failed) == ("", "")
    assert line.trial.skipped == "a request of features has no gust: POST /predict/raw suits both versions"
    assert (health["failed"], health["not_scored"]) == (0, 1)


def test_a_trial_with_fewer_columns_is_asked(run: Run, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does not take is left out for it."""
    trial = load()
    fewer = [each for each in trial.predictor.record.features if each.name != "gate"]
    trial.predictor.record = trial.predictor.record.model_copy(update={"features": fewer})
    trial.predictor.inputs = Inputs(fewer)
    asked: list[list[str]] = []

    def score(columns: dict[str, object]) -> tuple[object, list[object]]:
        asked.append([*columns])
        return np.array([[0.5, 0.5]]), []

    monkeypatch.setattr(trial.predictor, "score", score)
    with run(trial) as server:
        server.ask([GOOD])
    assert asked == [["delay", "wind", "carrier"]]


def test_a_shadow_that_falls_behind_drops_and_counts(run: Run, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers go out while it hangs; what it had no room for is in the log as not scored."""
    monkeypatch.setattr(aside, "STOP_SECONDS", 30.0)
    trial, release = load(), threading.Event()
    real = trial.predictor.score
    monkeypatch.setattr(trial.predictor, "score", lambda columns: (release.wait(60), real(columns))[1])
    count = aside.MOST_JOBS + 20
    with run(trial) as server:
        try:
            assert {server.ask([GOOD]).status_code for _ in range(count)} == {200}
        finally:
            release.set()
    logged = [line.trial for line in lines(server).values() if line.trial]
    assert len(logged) == count
    assert sum(each.skipped == BEHIND for each in logged) in range(15, 21)


def test_a_version_that_was_promoted_is_no_trial_any_more(run: Run, load: Load, champion: Predictor) -> None:
    """Between the promotion and the next look at the ledger it serves, and is not compared with itself."""
    trial = load(ALWAYS)
    champion.champion = champion.champion.model_copy(update={"version": 2})
    with run(trial) as server:
        server.ask([GOOD])
    (line,) = lines(server).values()
    assert (line.version, line.trial) == (2, None)


def test_health_says_what_is_on_trial_and_how_the_log_goes(run: Run, load: Load) -> None:
    """Version, phase, share, rows so far, and the lines that were written and lost."""
    trial = load(CANARY)
    with run(trial) as server:
        server.ask([GOOD])
        health = server.client.get("/health").json()
    assert {name: health["trial"][name] for name in ("version", "phase", "share", "failed", "last_error")} == {
        "version": 2, "phase": "canary", "share": 0.25, "failed": 0, "last_error": None,
    }  # fmt: skip
    assert health["log"].keys() == {"written", "lost", "trouble"}
    assert health["trial_trouble"] is None


def test_the_log_is_json_lines(run: Run) -> None:
    """Anything that reads JSON reads it; the id comes first."""
    with run() as server:
        name = server.ask([GOOD]).headers[ID]
    (path,) = server.folder.glob("*/*.jsonl")
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert next(iter(json.loads(line).items())) == ("id", name)


def test_how_slow_is_too_slow_depends_on_the_champion(load: Load) -> None:
    """A request that took the champion long may take the other one three times as long; a quick one trial_seconds."""
    trial = load(seconds=0.5)
    late = Outcome(ms=1_000.0, scores=np.array([[0.5, 0.5]]))
    assert trial.in_time(late, champion_ms=400.0) is late
    assert trial.in_time(late, champion_ms=2.0).error == "took longer than 0.5 s (serve.trial_seconds)"


def test_a_shadow_that_is_too_slow_has_failed(run: Run, load: Load) -> None:
    """It delays nobody, and would have: it is counted as a canary would be."""
    trial = load(seconds=0.001)
    real = trial.ask
    trial.ask = lambda question: dataclasses.replace(real(question), ms=60_000.0)  # type: ignore[method-assign]  # a slow machine
    with run(trial) as server:
        server.ask([GOOD])
    (line,) = lines(server).values()
    assert line.trial is not None
    assert "took longer than" in line.trial.failed
    assert trial.health()["failed"] == 1
