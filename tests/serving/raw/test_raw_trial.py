"""A version on trial whose own room reads the raw rows that the champion's reads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ratchet.core.trials import TrialPlan
from ratchet.io.prediction_log import LogReader, Prediction
from ratchet.io.prediction_writer import PredictionWriter
from ratchet.serving.prediction_service import PredictionService
from ratchet.serving.predictor import Predictor
from ratchet.serving.serving_state import ServingState
from ratchet.serving.trial import Trial

RawBody = Callable[[int, int], dict[str, Any]]
ALWAYS = {"canary": {"rows": 100, "share": 0.999_999}}
OTHER_BUILD = """
import pandas as pd


def build(rows, lookups):
    flat = rows[["kind", "town", "weight", "gift"]].assign(items=rows["items"].astype("float64"))
    return flat.assign(hour=0, rain=0.0, height=1.5)


def label(rows):
    return rows["minutes"] > 30
"""
BROKEN = OTHER_BUILD.replace("    flat =", "    raise ValueError('boom')\n    flat =")


@pytest.fixture
def ask(
    raw_predictor: Predictor,
    make_raw: Callable[..., Path],
    seal_again: Callable[..., None],
    write_trial: Callable[..., TrialPlan],
    serving: Callable[..., AbstractContextManager[str]],
    raw_body: RawBody,
    tmp_path: Path,
) -> Callable[..., tuple[dict[str, Any], Prediction]]:
    """What is answered, and logged, for three raw rows while a room of this code, and this schema, is on trial."""

    def once(code: str, change: Callable[[str], str] = str) -> tuple[dict[str, Any], Prediction]:
        folder = make_raw(tmp_path / "two", code=code, version=2)
        schema = folder / "src" / "parcels" / "schema.yaml"
        schema.write_text(change(schema.read_text(encoding="utf-8")), encoding="utf-8")
        seal_again(folder, 2)
        trial = Trial(write_trial(tmp_path / "plan", 2, ALWAYS), Predictor.load(folder), seconds=60.0)
        service = PredictionService(PredictionWriter(tmp_path / "log"))
        with (
            serving(ServingState(raw_predictor, trial=trial), service) as url,
            httpx.Client(base_url=url, timeout=90) as client,
        ):
            answer: dict[str, Any] = client.post("/predict/raw", json=raw_body(0, 3)).json()
        (line,) = LogReader(tmp_path / "log").lines()
        return answer, line

    return once


Ask = Callable[..., tuple[dict[str, Any], Prediction]]


def test_each_room_makes_its_own_features(ask: Ask) -> None:
    """The same raw rows, two rooms: the canary answers from its own, and the champion's scores are logged beside."""
    answer, line = ask(OTHER_BUILD)
    assert (answer["model"]["version"], line.arm, line.rows) == (2, "canary", 3)
    assert line.trial is not None
    assert [row["probability"] for row in answer["predictions"]] == [scores[1] for scores in line.trial.scores]
    assert line.trial.scores != line.champion.scores


def test_a_room_that_fails_costs_no_answer(ask: Ask) -> None:
    """The champion's room answers; the failure says what the other one said."""
    answer, line = ask(BROKEN)
    assert (answer["model"]["version"], line.arm) == (1, "champion")
    assert line.trial is not None
    assert "boom" in line.trial.failed


def test_a_room_that_wants_another_column_is_not_asked(ask: Ask) -> None:
    """Callers send what the champion takes: that is no failure of the candidate."""
    answer, line = ask(OTHER_BUILD, lambda text: text.replace("    gift:", "    gust: {type: number}\n    gift:"))
    assert answer["model"]["version"] == 1
    assert line.trial is not None
    assert line.trial.failed == ""
    assert "rows.gust: is missing" in line.trial.skipped


def test_a_room_that_refuses_more_has_failed(ask: Ask) -> None:
    """A rule that the champion does not have makes rows unanswered that were answered: that counts."""
    answer, line = ask(OTHER_BUILD, lambda text: text.replace("max: 50}", "max: 10}"))
    assert answer["model"]["version"] == 1
    assert line.trial is not None
    assert "rows.weight: is above 10 kg" in line.trial.failed
