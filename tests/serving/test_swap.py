"""The champion changes while many callers ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx

from ratchet.serving.champion_watcher import ChampionWatcher
from ratchet.serving.predictor import Predictor
from ratchet.serving.serving_state import ServingState
from ratchet.serving.source import ModelSource

CALLERS = 4
PATIENCE = 30.0
Rows = list[dict[str, Any]]
Answer = tuple[int, int, list[float]]


def ask(url: str, rows: Rows, answers: list[Answer], stop: threading.Event) -> None:
    """Ask without a pause until told to stop; keep status, version and probabilities."""
    with httpx.Client(base_url=url) as client:
        while not stop.is_set():
            answer = client.post("/predict", json={"rows": rows})
            told = answer.json()
            chances = [prediction["probability"] for prediction in told["predictions"]]
            answers.append((answer.status_code, told["model"]["version"], chances))


def wait_for(answers: list[list[Answer]], version: int) -> None:
    """Until each caller has heard from `version` several times."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if all(sum(heard == version for _, heard, _ in mine[-50:]) >= 5 for mine in answers):
            return
        time.sleep(0.01)
    raise TimeoutError(f"version {version} was not heard by every caller")


def test_a_swap_under_load_fails_no_request(
    source: ModelSource,
    publish: Callable[[int], None],
    published: Path,
    serving: Callable[[ServingState], AbstractContextManager[str]],
    rows: Rows,
    tmp_path: Path,
) -> None:
    """No request fails, each answer is wholly that of the version it names, and versions only go forward."""
    state = ServingState()
    watcher = ChampionWatcher(source, state, folder=tmp_path / "fetched", poll_seconds=0.02)
    wanted: dict[int, list[float]] = {}
    answers: list[list[Answer]] = [[] for _ in range(CALLERS)]
    stop = threading.Event()

    def put(version: int) -> None:
        publish(version)
        champion = Predictor.load(published / "champion")
        wanted[version] = champion.score(champion.inputs.from_rows(rows))[0][:, 1].tolist()

    put(1)
    watcher.check()
    with serving(state) as url:
        callers = [threading.Thread(target=ask, args=(url, rows, mine, stop)) for mine in answers]
        for caller in callers:
            caller.start()
        watcher.start()
        try:
            for version in (1, 2, 3):
                if version > 1:
                    put(version)
                wait_for(answers, version)
        finally:
            stop.set()
            for caller in callers:
                caller.join()
            watcher.stop()

    heard = [answer for mine in answers for answer in mine]
    assert {status for status, _, _ in heard} == {200}
    assert [(version, chances) for _, version, chances in heard if chances != wanted[version]] == []
    assert wanted[1] != wanted[2]
    for mine in answers:
        versions = [version for _, version, _ in mine]
        assert versions == sorted(versions)
