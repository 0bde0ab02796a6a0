"""The room's process: it runs the sealed room alone, and whatever becomes of it, the server goes on."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ratchet.cli.registry import warn_of_raw_rows
from ratchet.errors import TamperedFile
from ratchet.serving.champion_watcher import ChampionWatcher
from ratchet.serving.predictor import Predictor
from ratchet.serving.raw import process
from ratchet.serving.refusal import RequestRefused
from ratchet.serving.serving_state import ServingState
from ratchet.serving.source import ModelSource

RawBody = Callable[[int, int], dict[str, Any]]
MakeRaw = Callable[..., Path]
Serving = Callable[[ServingState], AbstractContextManager[str]]

BUILD = "def build(rows, lookups):\n"
HARMFUL = """
import os, time
import pandas as pd

def build(rows, lookups):
    weight = rows["weight"].iloc[0]
    if weight == 41: os._exit(3)
    if weight == 42: time.sleep(60)
    if (rows["weight"] == 43.125).any(): raise ValueError("43.125 is no weight\\nmore")
    if weight == 44: return rows[["weight"]].iloc[:0]
    secrets = sum("TOKEN" in name for name in os.environ)
    os.write(1, b"noise on the standard output")
    lookups["towns"]["height"] = -1.0
    plain = rows[["kind", "town", "weight", "gift"]].assign(items=rows["items"].astype("float64"))
    return plain.assign(hour=9, rain=float(secrets), height=1.5)
"""


def ask(predictor: Predictor, raw_body: RawBody, count: int = 1, **change: object) -> tuple[int, str]:
    """Status and words for some rows, the last of which is changed: their scores, or what the refusal says."""
    body = raw_body(0, count)
    body["rows"][-1] = body["rows"][-1] | change
    try:
        return 200, str(predictor.score_raw(json.dumps(body).encode(), max_rows=50)[0].tolist())
    except RequestRefused as refused:
        return refused.status, refused.message


@pytest.fixture(scope="module")
def harmful(make_raw: MakeRaw, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A champion whose room does harm at some weights."""
    loaded = Predictor.load(make_raw(tmp_path_factory.mktemp("harmful") / "champion", code=HARMFUL))
    loaded.check()
    return loaded


def test_a_room_that_ends_its_process_is_started_again(harmful: Predictor, raw_body: RawBody) -> None:
    """The request that did it is a 500 with the reason; the next one is answered."""
    before = ask(harmful, raw_body)
    assert ask(harmful, raw_body, weight=41) == (500, "the room failed: its process ended")
    assert ask(harmful, raw_body) == before


def test_a_room_that_takes_too_long_is_ended(
    harmful: Predictor, raw_body: RawBody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request has its time; the next one has a new process."""
    before = ask(harmful, raw_body)
    with monkeypatch.context() as patch:
        patch.setattr(process, "ANSWER_SECONDS", 0.2)
        assert ask(harmful, raw_body, weight=42) == (500, "the room failed: its process took longer than 0.2 seconds")
    assert ask(harmful, raw_body) == before


def test_features_never_wait_for_raw_rows(
    harmful: Predictor, raw_body: RawBody, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many raw requests hang in a slow room, /predict answers meanwhile."""
    monkeypatch.setattr(process, "ANSWER_SECONDS", 2.5)
    slow = raw_body(0, 1)
    slow["rows"][0] = slow["rows"][0] | {"weight": 42}
    with serving(ServingState(harmful)) as url, ThreadPoolExecutor() as threads:
        hanging = [threads.submit(httpx.post, f"{url}/predict/raw", json=slow, timeout=60) for _ in range(2)]
        time.sleep(0.2)
        answer = httpx.post(f"{url}/predict", json=httpx.get(f"{url}/model").json()["example"])
        assert (answer.status_code, any(each.done() for each in hanging)) == (200, False)
        assert {each.result().status_code for each in hanging} == {500}


def test_a_row_that_the_room_cannot_read_is_named(harmful: Predictor, raw_body: RawBody) -> None:
    """An exception of the feature function is a 422 with the row's position, among however many rows."""
    said = "the feature function cannot read row 30: ValueError: 43.125 is no weight"
    status, words = ask(harmful, raw_body, count=31, weight=43.125)
    assert (status, words[: len(said)]) == (422, said)


def test_a_room_that_returns_other_rows_is_at_fault(harmful: Predictor, raw_body: RawBody) -> None:
    """Features of other rows than were sent are never scored."""
    status, words = ask(harmful, raw_body, weight=44)
    assert (status, "build must return a data frame with the index" in words) == (500, True)


def test_the_room_sees_no_credentials(
    make_raw: MakeRaw, tmp_path: Path, raw_body: RawBody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment of the process is a short list of harmless names; rain counts the tokens in it."""
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    loaded = Predictor.load(make_raw(tmp_path / "champion", code=HARMFUL))
    features, _ = loaded.raw.features(json.dumps(raw_body(0, 2)).encode(), max_rows=50)
    assert features.column("rain").to_pylist() == [0.0, 0.0]


def test_the_room_runs_from_its_sealed_folder_alone(make_raw: MakeRaw, tmp_path: Path, raw_body: RawBody) -> None:
    """Two champions whose rooms have one name each answer with their own code."""
    other = HARMFUL.replace("hour=9", "hour=17")
    first = Predictor.load(make_raw(tmp_path / "first", code=HARMFUL))
    second = Predictor.load(make_raw(tmp_path / "second", code=other))
    body = json.dumps(raw_body(0, 1)).encode()
    hours = [each.raw.features(body, max_rows=50)[0].column("hour").to_pylist() for each in (first, second, first)]
    assert hours == [[9], [17], [9]]


@pytest.mark.parametrize("name", ["raw/input.json", "raw/towns.parquet", "src/parcels/features.py"])
def test_no_altered_file_is_run_or_read(name: str, make_raw: MakeRaw, tmp_path: Path) -> None:
    """A flipped byte in the room, its lookups or their record is found before the room's process is started."""
    folder = make_raw(tmp_path / "champion", code="import pathlib; pathlib.Path(__file__).with_name('ran').touch()\n")
    data = bytearray((folder / name).read_bytes())
    data[-2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(TamperedFile, match=Path(name).name):
        Predictor.load(folder)
    assert not (folder / "src" / "parcels" / "ran").exists()


NO_RAW: list[tuple[dict[str, Any], str]] = [
    ({"limit": 10}, "its standing lookups have 0.0 MiB, more than the 0.0 MiB of serve.lookup_megabytes"),
    ({"code": "raise RuntimeError('not today')\n"}, "the room failed: RuntimeError: not today"),
    ({"code": f"{BUILD}    return rows[['kind']]\n"}, "the features town, weight, gift, items, hour, rain, height are"),
]


@pytest.mark.parametrize(("how", "why"), NO_RAW)
def test_a_model_that_cannot_take_raw_rows_says_why(
    how: dict[str, Any], why: str, make_raw: MakeRaw, tmp_path: Path, serving: Serving, raw_body: RawBody
) -> None:
    """Raw rows are a 501 with the reason, and features are answered all the same."""
    loaded = Predictor.load(make_raw(tmp_path / "champion", **how))
    loaded.check()
    with serving(ServingState(loaded)) as url, httpx.Client(base_url=url) as client:
        answer = client.post("/predict/raw", json=raw_body(0, 1))
        said = f"this model takes no raw rows: {why}"
        assert (answer.status_code, answer.json()["error"][: len(said)]) == (501, said)
        card = client.get("/model").json()
        assert (card["raw"]["available"], card["raw"]["example"]) == (False, None)
        assert client.post("/predict", json=card["example"]).status_code == 200
        assert "/predict/raw" not in client.get("/openapi.json").json()["paths"]


@pytest.mark.parametrize(("how", "why"), [*NO_RAW[:2], ({"code": f"{BUILD}    raise KeyError('town')\n"}, "KeyError")])
def test_a_promotion_says_that_raw_rows_will_not_be_answered(
    how: dict[str, Any], why: str, make_raw: MakeRaw, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The room is tried from the folder that is about to serve, so that nobody learns it from a caller's 501."""
    warn_of_raw_rows(make_raw(tmp_path / "broken", **how))
    said = capfd.readouterr().err
    assert "warning: POST /predict/raw is going to answer 501: " in said
    assert why in said
    warn_of_raw_rows(make_raw(tmp_path / "whole"))
    assert capfd.readouterr() == ("", "")


def test_a_server_says_loudly_that_it_takes_no_raw_rows(
    make_raw: MakeRaw,
    source: ModelSource,
    published: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """When it takes over, in the log, and for as long as it serves, in /health."""
    make_raw(published / "champion", code="raise RuntimeError('not today')\n")
    (published / "head").write_text("1", encoding="utf-8")
    state = ServingState()
    ChampionWatcher(source, state, folder=tmp_path / "fetched", poll_seconds=1).check()
    [line] = caplog.messages
    assert line == "version 1 answers POST /predict/raw with 501: the room failed: RuntimeError: not today"
    assert (state.health()["trouble"], state.health()["raw_trouble"]) == (None, line.partition("501: ")[2])


def test_a_model_from_before_raw_rows_serves_features(client: httpx.Client) -> None:
    """A sealed folder without raw/ is one that was recorded earlier: 501, and how to ask instead."""
    answer = client.post("/predict/raw", json={"rows": []})
    assert (answer.status_code, answer.json()["next"]) == (501, "POST /predict takes features; GET /model lists them")
    assert "recorded before models took" in answer.json()["error"]


def test_a_replaced_champion_is_cleared_away(
    make_raw: MakeRaw,
    source: ModelSource,
    published: Path,
    tmp_path: Path,
    raw_body: RawBody,
    seal_again: Callable[..., None],
) -> None:
    """A swap leaves requests of the old room to end, then ends its process and removes its folder."""
    state, fetched = ServingState(), tmp_path / "fetched"
    watcher = ChampionWatcher(source, state, folder=fetched, poll_seconds=1)
    folder = make_raw(published / "champion")
    for version in (1, 2):
        seal_again(folder, version)
        (published / "head").write_text(f"{version}", encoding="utf-8")
        old = state.predictor
        watcher.check()
        assert (state.trouble, state.health()["version"]) == ("", version)
    assert old is not None
    assert old.raw.process is not None
    [child] = old.raw.process._children
    assert ask(old, raw_body)[0] == 200
    assert len([*fetched.glob("pull-*")]) == 2
    del old
    gc.collect()
    assert child.process.returncode is not None
    assert len([*fetched.glob("pull-*")]) == 1
