"""Merge two versions of `dvc.lock` stage by stage, so that the result claims nothing that neither side computed.

A stage's entry says: this command, on these inputs and parameters, made these outputs. Two entries can therefore not be
mixed line by line, as a merge of text would: the mixture is a computation nobody did, and DVC would believe it. A stage
that one side changed is taken from there; one that both changed, each in its own way, is left out, and DVC runs it, or
restores it if that very combination was computed before. A stage behind one that was left out can stay: DVC compares
the hashes of its inputs with what it finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from ratchet.errors import UsageError

STAGES = "stages"
"""The key of a lock below which its stages are."""

PLACES = ("", "models/*/")
"""Where projects lie: at the top of the repository, and in folders of `models/`."""

LOCKS = ("dvc.lock", *(f"{place}data/computed.yaml" for place in PLACES))
RESULTS = tuple(
    f"{place}{name}" for place in PLACES for name in ("data/metrics/*.json", "data/decision.json", "data/level.json")
)
"""Which files are merged by these rules: patterns as in `.gitattributes`. `computed.yaml` has a line for each entry of
the lock (`core.computed`), and the same shape. Results are outputs of stages that git holds;
where both sides made them anew their stage is left out of the lock, so either version may stay until it runs."""

CLASH = object()
"""What is chosen where both sides changed a value differently."""


def merge_locks(base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """The lock that follows from `ours` and `theirs`, which both came from `base`; all three are parsed locks.

    Which side is called ours makes no difference but for the order of stages. Raises UsageError if another key than
    `stages` was changed on both sides in different ways: no rule says what it means.

    >>> old, new = {"stages": {"train": {"outs": [1]}}}, {"stages": {"train": {"outs": [2]}}}
    >>> merge_locks(old, old, new) == new
    True
    """
    merged = {key: _agreed(key, base, ours, theirs) for key in _keys(base, ours, theirs) if key != STAGES}
    kept = {key: value for key, value in merged.items() if value is not None}
    if STAGES not in ours and STAGES not in theirs:
        return kept
    return {**kept, STAGES: _stages(*(_stages_of(lock) for lock in (base, ours, theirs)))}


def left_out(merged: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """The stages that both sides have and the merged lock does not: DVC runs them."""
    both = _stages_of(ours).keys() & _stages_of(theirs).keys()
    return sorted(both - _stages_of(merged).keys())


def is_lock(path: str) -> bool:
    """Whether a path, relative to the repository, is a lock: in any folder, as DVC has it."""
    return any(PurePosixPath(path).match(pattern) for pattern in LOCKS)


def is_result(path: str) -> bool:
    """Whether a path, relative to the repository, is an output that git holds."""
    # Both made absolute, so that a pattern stands for the whole path and not for its end.
    return any(PurePosixPath("/", path).match(f"/{pattern}") for pattern in RESULTS)


def _keys(*mappings: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(key for each in mappings for key in each))


def _stages_of(lock: Mapping[str, Any]) -> Mapping[str, Any]:
    # A lock that DVC emptied has the key with nothing below it.
    return lock.get(STAGES) or {}


def _stages(base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {name: _choose(base.get(name), ours.get(name), theirs.get(name)) for name in _keys(base, ours, theirs)}
    return {name: entry for name, entry in chosen.items() if entry is not None and entry is not CLASH}


def _choose(base: Any, ours: Any, theirs: Any) -> Any:
    """The value of the side that changed it, None if that side removed it; CLASH if both changed it differently."""
    if theirs in (ours, base):
        return ours
    return theirs if ours == base else CLASH


def _agreed(key: str, *sides: Mapping[str, Any]) -> Any:
    base, ours, theirs = (side.get(key) for side in sides)
    chosen = _choose(base, ours, theirs)
    if chosen is CLASH:
        raise UsageError(
            f"both sides changed {key} of dvc.lock, each in its own way, and no rule says which is right",
            next_step="write it into dvc.lock by hand, then ratchet run",
        )
    return chosen
