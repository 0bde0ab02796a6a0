"""Following the ledger: new champions are swapped in, everything else leaves the old one serving."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.io.champion import write_entry
from ratchet.serving.champion_watcher import ChampionWatcher
from ratchet.serving.ledger_watcher import LONGEST_PAUSE
from ratchet.serving.refusal import RequestRefused
from ratchet.serving.serving_state import ServingState
from ratchet.serving.source import ModelSource

Publish = Callable[[int], None]


@pytest.fixture
def state() -> ServingState:
    """Nothing serves yet."""
    return ServingState()


@pytest.fixture
def watcher(source: ModelSource, state: ServingState, tmp_path: Path) -> ChampionWatcher:
    """A watcher of `source` that is asked by hand."""
    return ChampionWatcher(source, state, folder=tmp_path / "fetched", poll_seconds=0.02)


def flip_a_byte(path: Path) -> None:
    """Damage a file without changing its length."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_before_the_first_promotion_nothing_serves(watcher: ChampionWatcher, state: ServingState) -> None:
    """An empty ledger is no trouble; there is only nothing to answer from."""
    watcher.check()
    assert (state.predictor, state.trouble) == (None, "")
    with pytest.raises(RequestRefused, match="no champion has been promoted yet"):
        state.health()


def test_a_new_champion_is_served(
    watcher: ChampionWatcher, state: ServingState, publish: Publish, tmp_path: Path
) -> None:
    """Each change of the ledger swaps the champion, and nothing that was fetched is left behind."""
    served = []
    for version in (1, 2):
        publish(version)
        watcher.check()
        served.append(state.health()["version"])
    assert served == [1, 2]
    assert list((tmp_path / "fetched").iterdir()) == []


def test_an_unchanged_ledger_costs_no_pull(
    watcher: ChampionWatcher, state: ServingState, publish: Publish, published: Path
) -> None:
    """While the head is the same, nothing is fetched."""
    publish(1)
    watcher.check()
    before = state.predictor
    (published / "champion").rename(published / "gone")
    watcher.check()
    assert (state.predictor, state.trouble) == (before, "")


@pytest.mark.parametrize("file", ["model.skops", "model.json", "seal.json"])
def test_a_corrupted_champion_is_not_served(
    file: str, watcher: ChampionWatcher, state: ServingState, publish: Publish, published: Path
) -> None:
    """Any changed byte keeps the old champion serving and is told; the mended one is served at the next check."""
    publish(1)
    watcher.check()
    publish(2)
    flip_a_byte(published / "champion" / file)
    watcher.check()
    assert state.health()["version"] == 1
    assert f"{file} has SHA-256" in state.health()["trouble"]
    publish(2)
    watcher.check()
    assert (state.health()["version"], state.health()["trouble"]) == (2, None)


def test_a_first_champion_that_cannot_be_read_is_the_reason_for_503(
    watcher: ChampionWatcher, state: ServingState, publish: Publish, published: Path
) -> None:
    """With nothing to fall back to, the reason is what callers are told."""
    publish(1)
    (published / "champion" / "champion.json").write_text("{", encoding="utf-8")
    watcher.check()
    with pytest.raises(RequestRefused, match="JSON") as caught:
        state.serving()
    assert caught.value.status == 503


def test_an_unreachable_ledger_keeps_the_champion_serving(
    watcher: ChampionWatcher, state: ServingState, publish: Publish, published: Path
) -> None:
    """Trouble is told while it lasts, and gone when it is over."""
    publish(1)
    watcher.check()
    (published / "unreachable").touch()
    watcher.check()
    assert state.health() | {"checked": ""} == {
        "status": "ok", "name": "flights-late", "version": 1, "since": "2013-08-01T00:00:00+00:00", "checked": "",
        "trouble": "git ls-remote failed: no route to host",
        "raw_trouble": "it was recorded before models took their rooms' lookups along; record a newer one",
        "trial": None, "trial_trouble": None,
    }  # fmt: skip
    (published / "unreachable").unlink()
    watcher.check()
    assert state.health()["trouble"] is None


def test_trouble_is_logged_once(
    watcher: ChampionWatcher, published: Path, publish: Publish, caplog: pytest.LogCaptureFixture
) -> None:
    """The same trouble at each poll is one line; another one is another line."""
    caplog.set_level(logging.WARNING, "ratchet.serving")
    (published / "unreachable").touch()
    for _ in range(3):
        watcher.check()
    (published / "unreachable").unlink()
    publish(1)
    flip_a_byte(published / "champion" / "seal.json")
    for _ in range(3):
        watcher.check()
    assert len(caplog.records) == 2


def test_a_ledger_that_goes_back_is_not_followed(
    watcher: ChampionWatcher, state: ServingState, publish: Publish
) -> None:
    """A rollback is a new entry: an older entry, or none, means that the ledger was rewritten."""
    publish(2)
    watcher.check()
    publish(1)
    watcher.check()
    assert state.health()["version"] == 2
    assert state.health()["trouble"].startswith("the ledger went back from entry 2 to entry 1")


def test_a_ledger_that_is_gone_is_told(
    watcher: ChampionWatcher, state: ServingState, publish: Publish, published: Path
) -> None:
    """Without its ledger the server goes on, and says so."""
    publish(1)
    watcher.check()
    (published / "head").unlink()
    watcher.check()
    assert (state.health()["version"], state.health()["trouble"]) == (
        1, "the ledger that this server followed is gone",
    )  # fmt: skip


def test_the_same_entry_is_not_loaded_twice(
    watcher: ChampionWatcher, state: ServingState, publish: Publish, published: Path
) -> None:
    """A head that moves without another champion leaves the predictor as it is."""
    publish(1)
    watcher.check()
    before = state.predictor
    (published / "head").write_text("another commit", encoding="utf-8")
    watcher.check()
    assert (state.predictor, state.trouble) == (before, "")


def test_an_empty_folder_is_no_champion(
    watcher: ChampionWatcher, state: ServingState, publish: Publish, published: Path
) -> None:
    """A pull that brings `null` although the ledger has entries is trouble, not a champion."""
    publish(1)
    write_entry(published / "champion", None)
    watcher.check()
    assert state.trouble.endswith("holds no champion")


def test_failures_slow_the_polls_down(watcher: ChampionWatcher, published: Path) -> None:
    """Each failure in a row doubles the pause, up to a limit; a success brings the short one back."""
    (published / "unreachable").touch()
    pauses = []
    for _ in range(12):
        pauses.append(watcher.pause())
        watcher.check()
    assert pauses[:3] == [0.02, 0.04, 0.08]
    assert pauses[-1] == LONGEST_PAUSE
    (published / "unreachable").unlink()
    watcher.check()
    assert watcher.pause() == 0.02


def test_the_thread_follows_by_itself_and_stops(
    watcher: ChampionWatcher, state: ServingState, publish: Publish
) -> None:
    """Started, it needs no one to ask; stopped, it asks no more."""
    watcher.start()
    publish(1)
    deadline = time.monotonic() + 20
    while state.predictor is None and time.monotonic() < deadline:
        time.sleep(0.01)
    watcher.stop()
    publish(2)
    checked = state.checked
    time.sleep(0.1)
    assert (state.health()["version"], state.checked) == (1, checked)
