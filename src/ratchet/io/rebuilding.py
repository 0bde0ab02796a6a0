"""Making a version again: `python -m ratchet.io.rebuilding FOLDER TARGET RECORDED RESULT`, a process of its own.

FOLDER is a workspace without outputs and without a lock, RECORDED the sealed model that was recorded. Every stage runs,
and nothing is put into DVC's cache. A process of its own, since it may be another environment's Python, and since DVC
hands its own environment on to the stages.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ratchet.io import dvc, files, layout
from ratchet.settings import find_home, shared

NOWHERE = ".dvc/no-runs"
"""The run cache, which is empty: what was computed elsewhere proves nothing."""


def rebuild(root: Path, target: str, recorded: Path) -> dict[str, Any]:
    """Run the pipeline as far as `target`, and say in what and what came out; `failed` is a stage that ended early."""
    from ratchet.io.machine import environment, machine

    failed = _reproduce(root, target)
    place = {
        "failed": failed,
        "environment": environment(root).model_dump(mode="json"),
        "machine": machine().model_dump(mode="json"),
    }
    return place if failed else {**place, "lineage": _lineage(root), "answers": _answers(root, recorded)}


def _reproduce(root: Path, target: str) -> str:
    """The stage that failed; empty if none did."""
    from dvc.exceptions import ReproductionError

    with dvc.project(root, None) as repo:
        repo.stage_cache.cache_dir = str(find_home(root) / NOWHERE)
        try:
            repo.reproduce(target, no_commit=True)
        except ReproductionError as error:
            if dvc.EXIT_CODE.search(str(error.__cause__)) is None:
                raise
            said = str(error)
            return said.split("'")[1] if "'" in said else target
    return ""


def _lineage(root: Path) -> dict[str, Any]:
    from ratchet.core.judged import Evaluation
    from ratchet.core.lineage_record import Use
    from ratchet.io.lineage import lineage_of
    from ratchet.io.model_folder import read_record
    from ratchet.io.other_room import room_digest
    from ratchet.io.room import read_params, room_folder

    params, record = read_params(root), read_record(root / layout.MODEL)
    evaluation = Evaluation.model_validate_json((root / layout.EVALUATION / "evaluation.json").read_bytes())
    used: dict[Use, Any] = {"training": record.trained_on, "judging": evaluation.holdout}
    found = lineage_of(root, params, room_folder(root, params.project.room), used)
    # The stages ran the workspace's own code, which this process need not be.
    code = room_digest(root / shared(root, "src") / "ratchet")
    return found.model_copy(update={"code": code}).model_dump(mode="json")


def _answers(root: Path, recorded: Path) -> dict[str, Any]:
    """Rows and the largest difference: of the recorded model's golden requests, and of the rows to look at."""
    from ratchet.core.feature_table import model_inputs
    from ratchet.core.golden import Golden, answered
    from ratchet.core.scoring import score
    from ratchet.io import model_folder
    from ratchet.io.golden import GOLDEN
    from ratchet.io.looked_at import looked_at
    from ratchet.io.room import read_params

    then, now = model_folder.read(recorded), model_folder.read(root / layout.MODEL)
    found = {}
    if (recorded / GOLDEN).is_file():
        golden = Golden.model_validate_json((recorded / GOLDEN).read_bytes())
        found["golden"] = _apart(golden.scores, answered(now.pipeline, now.record, golden.columns))
    features = looked_at(root, read_params(root)).features
    old, new = (
        score(each.pipeline, each.record.task, model_inputs(features, each.record.features)) for each in (then, now)
    )
    found["predictions"] = _apart(old, new)
    return found


def _apart(expected: Any, found: Any) -> dict[str, Any]:
    """The largest difference, relative to 1 or to the larger value; infinite for another shape, or where one is NaN."""
    import numpy as np

    old, new = np.asarray(expected, dtype=np.float64), np.asarray(found, dtype=np.float64)
    if old.shape != new.shape:
        return {"rows": len(old), "largest": None}
    apart = np.abs(old - new) / np.maximum(1.0, np.maximum(np.abs(old), np.abs(new)))
    largest = float(apart.max(initial=0.0))
    return {"rows": len(old), "largest": largest if np.isfinite(largest) else None}


if __name__ == "__main__":
    files.write_json(Path(sys.argv[4]), rebuild(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
