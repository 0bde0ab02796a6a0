"""What each stage did, and what made it differ from the base's."""

from __future__ import annotations

from typing import Any

from ratchet.core.change.records import StageRun
from ratchet.core.change.stages import Took, reasons, stage_runs

BASE: dict[str, Any] = {
    "cmd": "python -m ratchet.stages train",
    "deps": [
        {"path": "data/features", "hash": "md5", "md5": "1.dir"},
        {"path": "src/ratchet/core/split.py", "hash": "md5", "md5": "2"},
        {"path": "src/ratchet/core/gone.py", "hash": "md5", "md5": "3"},
    ],
    "params": {"params.yaml": {"model": {"params": {"learning_rate": 0.1}, "seed": 0}, "split": {"holdout": 1}}},
}
HEAD: dict[str, Any] = {
    "cmd": "python -m ratchet.stages train --fast",
    "deps": [
        {"path": "src/ratchet/core/split.py", "hash": "md5", "md5": "2"},
        {"path": "src/flights/features.py", "hash": "md5", "md5": "4"},
        {"path": "data/features", "hash": "md5", "md5": "9.dir"},
    ],
    "params": {"params.yaml": {"model": {"params": {"learning_rate": 0.2}, "seed": 0}, "split": {"holdout": 1}}},
}


def test_reasons_name_the_command_data_parameters_and_code() -> None:
    """In that order; a dependency counts that changed, came or went, and parameters are named by their dotted key."""
    assert reasons(BASE, HEAD) == (
        "its command",
        "data/features",
        "params: model.params.learning_rate",
        "src/flights/features.py",
        "src/ratchet/core/gone.py",
    )


def test_an_unchanged_lock_gives_no_reason() -> None:
    """The order of the dependencies in the file does not count."""
    assert reasons(BASE, {**BASE, "deps": BASE["deps"][::-1]}) == ()


def test_every_stage_is_told_in_the_pipelines_order() -> None:
    """One that ran has seconds; one that did not has what it last took; one of several stands where they are made."""
    took = Took(seconds={"train@a": 12.5}, restored=("ingest",), last={"train@a": 3.0, "ingest": 0.5})
    head = {"gate": BASE, "train@a": BASE, "ingest": BASE}
    assert stage_runs(("ingest", "train", "gate"), {"ingest": BASE, "train@a": HEAD}, head, took) == (
        StageRun(name="ingest", state="restored", seconds=None, saved=0.5, reasons=()),
        StageRun(name="train@a", state="ran", seconds=12.5, saved=None, reasons=reasons(HEAD, BASE)),
        StageRun(
            name="gate", state="unchanged", seconds=None, saved=None,
            reasons=("everything: the base has not computed it",),
        ),
    )  # fmt: skip
