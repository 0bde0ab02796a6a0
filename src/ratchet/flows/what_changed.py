"""What differs between a base commit and the work tree: parameters, dependencies, code, stages, and data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.core.change.dependencies import dependency_changes as compare_locked
from ratchet.core.change.params import param_changes as compare_trees
from ratchet.core.change.records import DependencyChange, FileChange, ParamChange, StageRun
from ratchet.core.change.stages import Took
from ratchet.core.change.stages import stage_runs as compare_locks
from ratchet.flows.data_change import data_change
from ratchet.io import code_change, layout, timings
from ratchet.io.revision import Revision
from ratchet.io.yaml_lines import key_lines
from ratchet.io.yaml_text import parse_yaml
from ratchet.settings import PARAMS, shared

__all__ = ["code_changes", "data_change", "dependency_changes", "param_changes", "stage_runs"]

PIPELINE = "dvc.yaml"
LOCKED = "requirements/run.txt"


def param_changes(base: Revision) -> tuple[ParamChange, ...]:
    """The keys of params.yaml that differ, each with its line in the work tree's file. Raises UsageError."""
    text = _text(base, PARAMS)
    old = parse_yaml(base.text(PARAMS) or "", source=f"{PARAMS} of {base.commit[:9]}")
    return compare_trees(old or {}, parse_yaml(text, source=PARAMS) or {}, key_lines(text))


def dependency_changes(base: Revision) -> tuple[DependencyChange, ...]:
    """The locked packages that a run installs and that differ."""
    locked = shared(base.root, LOCKED)
    return compare_locked(base.text(locked) or "", _text(base, locked))


def code_changes(base: Revision) -> tuple[FileChange, ...]:
    """The files of code that differ; what can change the model comes first. Raises ServiceFailed."""
    return code_change.code_changes(base)


def stage_runs(base: Revision) -> tuple[StageRun, ...]:
    """What each stage did in the run that led to the `dvc.lock` that is here, and what differs from the base's lock.

    Where that run was not made here, as after a clone, every stage counts as unchanged. Raises UsageError.
    """
    root = base.root
    run = timings.run_of_lock(root)
    took = Took(
        seconds=run.seconds if run else {},
        restored=run.restored if run else (),
        last=timings.last_seconds(root),
    )
    order = _stages(_text(base, PIPELINE), PIPELINE)
    return compare_locks(list(order), base.lock(), _stages(_text(base, layout.LOCK), layout.LOCK), took)


def _text(base: Revision, path: str) -> str:
    """A file of the work tree; empty if it is not there."""
    file = base.root / path
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _stages(text: str, source: str) -> Mapping[str, Any]:
    tree = parse_yaml(text, source=source)
    stages = tree.get("stages") if isinstance(tree, Mapping) else None
    return stages if isinstance(stages, Mapping) else {}
