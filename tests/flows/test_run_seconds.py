"""What a run remembers of its stages, also when one of them ends early."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.errors import StageFailed
from ratchet.flows import run
from ratchet.io import timings


def fake(root: Path, ran: dict[str, float], restored: list[str], fails: str = "") -> Callable[[], list[str]]:
    """Stands for what reproduces: stages say how long they took, the lock moves on, and one may end early."""

    def reproduce() -> list[str]:
        with Path(os.environ[timings.VARIABLE]).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps({"stage": name, "seconds": each}) + "\n" for name, each in ran.items())
        with (root / "dvc.lock").open("a", encoding="utf-8") as file:
            file.writelines(f"# {name}\n" for name in (*ran, *restored))
        if fails:
            raise StageFailed(fails, 3)
        return [*restored, *ran]

    return reproduce


def test_a_run_that_goes_on_after_a_failure_remembers_both(tmp_path: Path) -> None:
    """The first one's seconds are kept although it failed; the second gives its own, and the lock has had both."""
    with pytest.raises(StageFailed):
        run._reproduce(tmp_path, fake(tmp_path, {"ingest": 0.5}, [], fails="train"))
    assert run._reproduce(tmp_path, fake(tmp_path, {"train": 12.0}, ["gate"])) == (("gate", "train"), {"train": 12.0})
    found = timings.run_of_lock(tmp_path)
    assert found is not None
    assert (found.seconds, found.restored, found.whole) == ({"ingest": 0.5, "train": 12.0}, ["gate"], True)


def test_a_run_after_a_whole_one_stands_alone(tmp_path: Path) -> None:
    """Its seconds are those of its own stages; how long the others last took is still known."""
    run._reproduce(tmp_path, fake(tmp_path, {"ingest": 0.5, "train": 12.0}, []))
    run._reproduce(tmp_path, fake(tmp_path, {"train": 11.0}, []))
    found = timings.run_of_lock(tmp_path)
    assert found is not None
    assert (found.seconds, found.last) == ({"train": 11.0}, {"ingest": 0.5, "train": 11.0})


def test_a_run_that_had_nothing_to_do_leaves_the_record(tmp_path: Path) -> None:
    """As one that only writes the gate's answer down; the lock is still that of the run that computed it."""
    run._reproduce(tmp_path, fake(tmp_path, {"ingest": 0.5}, []))
    before = timings.run_of_lock(tmp_path)
    assert run._reproduce(tmp_path, list) == ((), {})
    assert timings.run_of_lock(tmp_path) == before


def test_a_run_without_the_gate_is_completed_by_the_next(tmp_path: Path) -> None:
    """Both count as one."""
    run._reproduce(tmp_path, fake(tmp_path, {"train": 12.0}, []), whole=False)
    run._reproduce(tmp_path, fake(tmp_path, {"gate": 0.5}, []))
    found = timings.run_of_lock(tmp_path)
    assert found is not None
    assert (found.seconds, found.whole) == ({"train": 12.0, "gate": 0.5}, True)
