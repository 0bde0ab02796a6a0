"""What the log says of a version on trial, from the lines on disk to the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from ratchet.core.candidates import Candidate, candidates
from ratchet.core.ledger import append
from ratchet.core.ledger_entries import Change, Line, Registration
from ratchet.core.params import Params, parse_params
from ratchet.core.phase_evidence import Judged
from ratchet.core.phases import Phase
from ratchet.errors import UsageError
from ratchet.flows.judge_phase import judge_phase
from ratchet.io.prediction_labels import keep
from ratchet.io.prediction_log import Prediction, Scored
from ratchet.settings import Settings, load_settings

BEGAN = datetime(2026, 11, 23, 12, tzinfo=UTC)
LABELS = ["false", "true"]


def params(**serve: Any) -> Params:
    return parse_params(
        {
            "project": {"name": "parcels", "room": "parcels", "task": "binary", "target": "late"},
            "split": {}, "features": {}, "evaluate": {},
            "model": {"estimator": "hist_gradient_boosting"},
            "gate": {"metric": "log_loss"},
            "serve": {"log": "log", **serve},
        }
    )  # fmt: skip


def candidate(phase: Mapping[str, Any], *, first: bool = False) -> Candidate:
    """Version 2 in a phase that began at BEGAN; version 1 serves, unless it is the first of all."""
    same: dict[str, Any] = {
        "model": "parcels", "actor": "ada", "time": BEGAN.isoformat(), "reason": "r", "run_id": "r", "fingerprint": "f",
        "seal": "s", "decision_digest": "d", "commit": "c", "trained_on": {}, "metrics": {},
    }  # fmt: skip
    change = Change(kind="promotion", version=1, replaces=None, model_digest="one", **same)
    made = Registration(
        version=2, model_digest="two", verdict="promote", decided="ok", champion=None if first else 1, policy="p",
        authors=("ada",), batches={}, judged_on=(), **same,
        phases=(Phase.model_validate("gate"), Phase.model_validate(phase)),
    )  # fmt: skip
    entries: list[Line] = []
    for event in (made,) if first else (change, made):
        entries.append(append(entries, event))
    (found,) = candidates(entries, "parcels", BEGAN)
    return found


def line(number: int, *, phase: str = "shadow", late: bool = True, edge: float = 0.0, **other: Any) -> Prediction:
    """One row that the champion gives 0.7 to what happens, and the version on trial `edge` more."""
    moment = other.pop("moment", BEGAN + timedelta(minutes=number))
    chance = 0.7 + edge
    ours, theirs = (_scores(each if late else 1 - each) for each in (chance, 0.7))
    trial = other.pop("trial", None) or Scored(version=2, ms=1.0, scores=[ours], labels=LABELS)
    found = Prediction(
        id=f"{moment:%Y%m%d}-0badcafe-{number}", time=moment.isoformat(), model="parcels", version=1, arm="champion",
        endpoint="predict", rows=1, champion=Scored(version=1, ms=1.0, scores=[theirs], labels=LABELS), trial=trial,
        phase=phase,
    )  # fmt: skip
    return msgspec.structs.replace(found, **other)


def _scores(chance: float) -> list[float | None]:
    return [1 - chance, chance]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a project without anything in it."""
    return load_settings(tmp_path, {})


def write(settings: Settings, *lines: Prediction) -> None:
    """Put lines into the log, each into the file that its id names."""
    for each in lines:
        day = f"{each.id[:4]}-{each.id[4:6]}-{each.id[6:8]}"
        path = settings.root / "log" / day / "0badcafe.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(msgspec.json.encode(each) + b"\n")


def label(settings: Settings, lines: list[Prediction], truth: list[bool]) -> None:
    """One delivery of labels, for the first row of each line."""
    table = pl.DataFrame({"id": [f"{each.id}/0" for each in lines], "label": [str(value).lower() for value in truth]})
    keep(settings.root / "log", lambda _kept: table)


def judged(settings: Settings, phase: Mapping[str, Any], *, days: float = 1.0) -> Judged:
    """The verdict after so many days."""
    return judge_phase(settings, params(), candidate(phase), now=BEGAN + timedelta(days=days))


def test_only_its_own_lines_of_this_phase_count(settings: Settings) -> None:
    """Not those of before it began, of another version, model or phase, nor answers without a trial."""
    other = Scored(version=3, scores=[[0.5, 0.5]], labels=LABELS)
    write(
        settings,
        line(1), line(2),
        line(3, moment=BEGAN - timedelta(seconds=1)), line(4, moment=BEGAN - timedelta(days=3)),
        line(5, trial=other), line(6, model="other"), line(7, phase="canary"),
        msgspec.structs.replace(line(8), trial=None),
    )  # fmt: skip
    found = judged(settings, {"shadow": {"rows": 3}})
    assert (found.result, found.numbers["rows"], found.progress) == (None, 2.0, "2 of 3 rows")


def test_rows_beside_another_champion_show_nothing(settings: Settings) -> None:
    """A server that could not fetch the champion compares with the one before: that is not what is asked."""
    before = Scored(version=7, scores=[[0.3, 0.7]], labels=LABELS)
    write(settings, line(1), msgspec.structs.replace(line(2), version=7, champion=before))
    assert judged(settings, {"shadow": {"rows": 3}}).progress == "1 of 3 rows"


def test_a_shadow_passes_by_the_log(settings: Settings) -> None:
    """Rows of all servers' files are counted, and lines that broke off are told while it goes on."""
    write(settings, *(line(number) for number in range(2_000)))
    with (settings.root / "log" / "2026-11-23" / "00000001.jsonl").open("w") as file:
        file.write('{"id":"20261123-00000001-1","time":"2026-11-2')
    assert judged(settings, {"shadow": {"rows": 2_000}}).result == "passed"
    assert "1 lines of the log could not be read" in judged(settings, {"shadow": {"rows": 2_001}}).reason


def test_errors_and_scores_that_are_no_numbers_are_failures(settings: Settings) -> None:
    """Each counts with its rows; what it was not asked does not."""
    nan = Scored(version=2, scores=[[None, None]], labels=LABELS)
    error = Scored(version=2, error="ValueError: boom")
    skipped = Scored(version=2, skipped="the request has no gust")
    write(settings, line(1), line(2, trial=error, rows=10), line(3, trial=nan), line(4, trial=skipped, rows=5))
    found = judged(settings, {"shadow": {"rows": 100, "max_failed": 0.5}})
    assert {name: found.numbers[name] for name in ("rows", "failed", "not_scored")} == {
        "rows": 1.0, "failed": 11.0, "not_scored": 5.0,
    }  # fmt: skip
    assert "5 rows were not scored by it, because the request has no gust" in found.reason
    assert judged(settings, {"shadow": {"rows": 100}}).result == "failed"


def canary_lines(settings: Settings, edge: float, count: int = 300) -> Judged:
    """A canary of so many labelled rows, its chance of what happens `edge` higher than the champion's."""
    random = np.random.default_rng(1)
    truth = [bool(value) for value in random.random(count) < 0.5]
    noise = random.normal(scale=0.02, size=count)
    lines = [
        line(number, phase="canary", late=late, edge=edge + float(noise[number])) for number, late in enumerate(truth)
    ]
    write(settings, *lines)
    label(settings, lines[: count // 2], truth[: count // 2])
    label(settings, lines[count // 2 :], truth[count // 2 :])
    return judged(settings, {"canary": {"rows": count, "labels": count, "share": 0.2}})


def test_a_canary_that_is_worse_on_labelled_rows_fails(settings: Settings) -> None:
    """By the gate's metric, row by row against the champion; the difference is the one that was planted."""
    found = canary_lines(settings, edge=-0.2)
    assert found.result == "failed"
    assert found.numbers["harm"] == pytest.approx(np.log(0.7 / 0.5), abs=0.01)
    assert found.reason.startswith("it is worse than the champion: log_loss +0.33")


def test_a_canary_that_is_better_passes(settings: Settings) -> None:
    """Its rows and labels are all there; the reason has the difference."""
    found = canary_lines(settings, edge=0.2)
    assert found.result == "passed"
    assert found.numbers["harm"] == pytest.approx(-np.log(0.9 / 0.7), abs=0.01)
    assert "log_loss -0.25" in found.reason


def test_labels_of_rows_that_the_canary_did_not_score_do_not_count(settings: Settings) -> None:
    """A label needs both versions' scores."""
    lines = [line(1, phase="canary"), line(2, phase="canary", trial=Scored(version=2, error="boom"))]
    write(settings, *lines)
    label(settings, lines, [True, True])
    found = judged(settings, {"canary": {"rows": 9, "labels": 9, "max_failed": 0.9}})
    assert found.numbers["labels"] == 1.0


def test_the_first_version_of_all_passes(settings: Settings) -> None:
    """Where nothing serves nobody can be tried beside it: waiting for rows would be for ever."""
    began = candidate({"canary": {"days": 1, "labels": 10}}, first=True)
    found = judge_phase(settings, params(), began, now=BEGAN)
    assert (found.result, found.reason) == (
        "passed", "nothing serves yet: there is no champion for a canary",
    )  # fmt: skip


def test_without_a_log_the_phase_stands_still_and_says_why(settings: Settings) -> None:
    """Nothing is written down: there is nothing to judge by."""
    found = judge_phase(settings, params(log=None), candidate({"shadow": {"days": 1}}), now=BEGAN + timedelta(days=9))
    assert found.result is None
    assert "serve.log is null" in found.reason


def test_a_version_in_no_phase_of_rows_is_not_judged(settings: Settings) -> None:
    """It is refused, with what it waits for."""
    waiting = candidate({"approval": {}})
    with pytest.raises(UsageError, match="version 2 is in no shadow and no canary: waiting, 1 more approval"):
        judge_phase(settings, params(), waiting, now=BEGAN)
    with pytest.raises(UsageError, match="held"):
        judge_phase(settings, params(), replace(candidate({"shadow": {"days": 1}}), state="held"), now=BEGAN)
