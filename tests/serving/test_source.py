"""Champions from a real ledger branch, brought by a process of their own."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ratchet.core.ledger_entries import Change, Entry
from ratchet.errors import ServiceFailed
from ratchet.io.ledger import LedgerBranch
from ratchet.serving.champion_watcher import ChampionWatcher
from ratchet.serving.serving_state import ServingState
from ratchet.serving.source import LedgerSource

Write = Callable[[Path, str], None]


def promote(ledger: LedgerBranch, entry: Entry) -> None:
    """Append the same change to a real ledger."""
    change = Change(**entry.model_dump(include=set(Change.model_fields)))
    ledger.append(lambda _entries: change, Entry)


def gone(pid: int) -> bool:
    """Whether a process has ended, even if nobody has asked for its exit code yet."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return True


def test_the_head_is_that_of_the_ledger_branch(
    project: Path, make_champion: Callable[..., Entry], tmp_path: Path
) -> None:
    """None before the first entry, and another commit after each."""
    ledger = LedgerBranch(project, "origin", "ratchet/ledger")
    source = LedgerSource(ledger)
    heads = [source.head()]
    for version in (1, 2):
        promote(ledger, make_champion(tmp_path / f"{version}", version))
        heads.append(source.head())
    assert heads[0] is None
    assert len(set(heads)) == 3


def test_a_promotion_in_the_ledger_is_served(project: Path, make_champion: Callable[..., Entry]) -> None:
    """From the ledger's entry to the champion that answers, with git and the pull as they are."""
    ledger = LedgerBranch(project, "origin", "ratchet/ledger")
    state = ServingState()
    watcher = ChampionWatcher(LedgerSource(ledger), state, folder=project / "fetched", poll_seconds=1)
    watcher.check()
    assert state.predictor is None
    promote(ledger, make_champion(project / "champion"))
    watcher.check()
    assert (state.trouble, state.health()["version"]) == ("", 1)


def test_a_remote_that_is_gone_is_told(project: Path, make_champion: Callable[..., Entry]) -> None:
    """What git says reaches /health, and the champion serves on."""
    ledger = LedgerBranch(project, "origin", "ratchet/ledger")
    promote(ledger, make_champion(project / "champion"))
    state = ServingState()
    watcher = ChampionWatcher(LedgerSource(ledger), state, folder=project / "fetched", poll_seconds=1)
    watcher.check()
    subprocess.run(["git", "remote", "set-url", "origin", str(project / "nowhere")], cwd=project, check=True)
    watcher.check()
    assert state.health()["version"] == 1
    assert "git ls-remote failed" in state.health()["trouble"]


def test_a_failed_pull_repeats_its_words(project: Path, pull_says: Write) -> None:
    """The exit code and the last words of the pull are in the error."""
    pull_says(project, "import sys; print('the registry is asleep', file=sys.stderr); sys.exit(5)")
    source = LedgerSource(LedgerBranch(project, "origin", "ratchet/ledger"))
    with pytest.raises(ServiceFailed, match=r"^ratchet champion pull ended with 5: the registry is asleep"):
        source.pull(project / "into")


def test_a_pull_under_way_can_be_cancelled(project: Path, pull_says: Write) -> None:
    """Cancelling ends the process and whatever it started, and refuses the next pull."""
    pull_says(
        project,
        "import pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "pathlib.Path('started.part').write_text(str(child.pid)); pathlib.Path('started.part').rename('started')\n"
        "time.sleep(60)",
    )
    source = LedgerSource(LedgerBranch(project, "origin", "ratchet/ledger"))
    errors: list[ServiceFailed] = []

    def pull() -> None:
        try:
            source.pull(project / "into")
        except ServiceFailed as error:
            errors.append(error)

    thread = threading.Thread(target=pull)
    thread.start()
    deadline = time.monotonic() + 30
    while not (project / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    source.cancel()
    thread.join(10)
    child = int((project / "started").read_text(encoding="utf-8"))
    assert [f"{error.message}" for error in errors] == ["ratchet champion pull ended with -9: "]
    deadline = time.monotonic() + 10
    while not gone(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert gone(child)
    with pytest.raises(ServiceFailed, match="the server is stopping"):
        source.pull(project / "into")
