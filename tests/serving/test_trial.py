"""Shadow and canary: what is on trial is asked, compared and written down, and harms no answer."""

from __future__ import annotations

import dataclasses
import gc
import json
import math
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
from ratchet.serving import bounded_executor
from ratchet.serving.inputs import Inputs
from ratchet.serving.prediction_service import PredictionService
from ratchet.serving.predictor import Predictor
from ratchet.serving.serving_state import ServingState
from ratchet.serving.trial import BEHIND, PATIENCE, STALE_SECONDS, Outcome, Trial

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
    state: ServingState
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
        shutil.rmtree(tmp_path / "trial", ignore_errors=True)
        plan = write_trial(tmp_path / "trial", 2, rule)
        return Trial(plan, Predictor.load_version(tmp_path / "trial" / MODEL, plan.entry), seconds=seconds)

    return make


@pytest.fixture
def run(serving: Serving, champion: Predictor, tmp_path: Path) -> Callable[..., AbstractContextManager[Running]]:
    """A server for the champion, with a trial or without; all of its log is written once it has ended."""

    @contextmanager
    def start(trial: Trial | None = None, name: str = "log", **options: bool) -> Iterator[Running]:
        state = ServingState(champion, trial=trial)
        service = PredictionService(PredictionWriter(tmp_path / name), **options)
        with serving(state, service) as url, httpx.Client(base_url=url, timeout=60) as client:
            yield Running(client, state, tmp_path / name)

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
    assert trial.health(server.state.serving())["failed"] == 0


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
    assert trial.health(server.state.serving())["scored"] == len(rows)


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
    health = trial.health(server.state.serving())
    assert (health["failed"], health["last_error"]) == (len(answers), "ZeroDivisionError: boom")


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
    monkeypatch.setattr(bounded_executor, "STOP_SECONDS", 30.0)
    trial, release = load(), threading.Event()
    real = trial.predictor.score
    monkeypatch.setattr(trial.predictor, "score", lambda columns: (release.wait(60), real(columns))[1])
    count = bounded_executor.MOST_JOBS + 20
    with run(trial) as server:
        try:
            assert {server.ask([GOOD]).status_code for _ in range(count)} == {200}
        finally:
            release.set()
    logged = [line.trial for line in lines(server).values() if line.trial]
    assert len(logged) == count
    assert sum(each.skipped == BEHIND for each in logged) in range(15, 21)


def test_a_shadow_that_hangs_costs_no_line_of_the_log(run: Run, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer is in the log once the server has ended: what hung and what waited behind it were not scored."""
    monkeypatch.setattr(bounded_executor, "STOP_SECONDS", 0.3)
    trial, release = load(seconds=0.1), threading.Event()
    monkeypatch.setattr(trial.predictor, "score", lambda _columns: release.wait(60))
    with run(trial) as server:
        names = [server.ask([GOOD]).headers[ID] for _ in range(4)]
    release.set()
    tried = [each for name in names if (each := lines(server)[name].trial)]
    assert [each.error for each in tried] == ["took longer than 0.1 s (serve.trial_seconds)", "", "", ""]
    assert [each.skipped for each in tried] == ["", BEHIND, BEHIND, BEHIND]


def test_a_version_that_hangs_does_not_hold_up_the_next(
    run: Run, load: Load, make_champion: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has threads of its own: after one that hung in all of them, another one answers at once."""
    trial, release = load(ALWAYS, seconds=0.05), threading.Event()
    monkeypatch.setattr(trial.predictor, "score", lambda _columns: release.wait(60))
    with run(trial) as server:
        for _ in range(PATIENCE):
            assert server.ask([GOOD]).json()["model"]["version"] == 1
        server.state.trial = Trial(
            trial.plan, Predictor.load_version(server.folder.parent / "trial" / MODEL, trial.plan.entry), seconds=30.0
        )
        assert server.ask([GOOD]).json()["model"]["version"] == 2
        release.set()


def test_a_version_that_is_taken_off_in_the_middle_of_a_request_costs_no_answer(
    run: Run, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request that it was asked for is answered by the champion and logged once; it answers nobody from then on."""
    monkeypatch.setattr(bounded_executor, "STOP_SECONDS", 0.05)
    trial, begun, release = load(ALWAYS), threading.Event(), threading.Event()

    def hang(_columns: object) -> None:
        begun.set()
        release.wait(60)

    monkeypatch.setattr(trial.predictor, "score", hang)
    with run(trial) as server, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.ask, [GOOD])
        assert begun.wait(30)
        server.state.trial = None
        trial.close()
        assert asked.result(30).json()["model"]["version"] == 1
        server.ask([GOOD])
        release.set()
    phases = [line.phase for line in lines(server).values()]
    assert sorted(phases) == ["", "canary"]


def scored(server: Running) -> int:
    """Rows that the version on trial has scored."""
    rows: int = server.client.get("/health").json()["trial"]["scored"]
    return rows


@pytest.mark.parametrize("rule", [None, ALWAYS])
def test_nothing_is_left_of_a_version_that_was_taken_off(rule: object, run: Run, load: Load) -> None:
    """Its model, its room's process and its folder go with its last request, however long the server runs on."""
    with run() as server:
        gc.collect()
        gc.disable()
        try:
            server.state.trial = load(rule)
            left = weakref.ref(server.state.trial.predictor)
            server.ask([GOOD])
            wait_for(lambda: scored(server) == 1)
            server.state.trial.close()
            server.state.trial = None
            server.ask([GOOD])
            wait_for(lambda: left() is None)
        finally:
            gc.enable()


def wait_for(true: Callable[[], bool]) -> None:
    """Give up after a while."""
    deadline = time.monotonic() + 30
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)


def test_a_canary_answers_nobody_while_the_ledger_is_out_of_reach(run: Run, load: Load, champion: Predictor) -> None:
    """It may have been taken off: the champion answers, rows are scored beside it, and /health says why."""
    trial = load(ALWAYS)
    with run(trial) as server:
        assert server.ask([GOOD]).json()["model"]["version"] == 2
        trial.confirm(time.monotonic() - STALE_SECONDS)
        assert server.ask([GOOD]).json()["model"]["version"] == 1
        assert (
            "s ago: whether it is still on trial is not known"
            in server.client.get("/health").json()["trial"]["suspended"]
        )
        trial.confirm(time.monotonic())
        assert server.ask([GOOD]).json()["model"]["version"] == 2
    second = [line for line in lines(server).values() if line.arm == "champion"]
    assert [(line.phase, line.trial and line.trial.scores) for line in second] == [
        ("canary", scores_of(trial.predictor, [GOOD]))
    ]


def test_a_version_that_is_compared_with_another_champion_is_not_tried(run: Run, load: Load) -> None:
    """A server that could not fetch the newest champion tries nothing beside the old one, and says so."""
    trial = load(ALWAYS)
    trial.plan = trial.plan.model_copy(update={"entry": trial.plan.entry.model_copy(update={"champion": 7})})
    with run(trial) as server:
        assert server.ask([GOOD]).json()["model"]["version"] == 1
        said = server.client.get("/health").json()["trial"]["suspended"]
    assert said == "it is to be compared with version 7, which does not serve here"
    (line,) = lines(server).values()
    assert line.trial is None


def test_two_servers_agree_on_who_sees_the_canary(run: Run, load: Load, write_trial: WriteTrial) -> None:
    """A client sees one version whichever server it asks, and what both wrote is one log."""
    trials = [load(CANARY), load(CANARY)]
    names = [f"client {number}" for number in range(20)]
    with run(trials[0]) as one, run(trials[1]) as other:
        seen = [
            [server.ask([GOOD], **{"x-client-id": name}).json()["model"]["version"] for name in names]
            for server in (one, other)
        ]
    assert seen[0] == seen[1]
    assert {*seen[0]} == {1, 2}
    assert sorted(line.version for line in lines(one).values()) == sorted(seen[0] + seen[1])


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
    trial.ask = lambda payload: dataclasses.replace(real(payload), ms=60_000.0)  # type: ignore[method-assign]  # a slow machine
    with run(trial) as server:
        server.ask([GOOD])
    (line,) = lines(server).values()
    assert line.trial is not None
    assert "took longer than" in line.trial.failed
    assert trial.health(server.state.serving())["failed"] == 1
