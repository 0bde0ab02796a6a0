"""The sealed rows: the one place that their labels are read for judging, and what is kept of them.

`data/sealed/` is an output of the pipeline that git, MLflow and reports never see: it holds the evidence of the rows
that judge, and the decision in full. Where the policy is `open` the same files are written, and are no secret.
"""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ratchet.core.decision import Decision, Evidence, Look
from ratchet.errors import DataRefused, ServiceFailed
from ratchet.io import files, layout, rules

Result = TypeVar("Result")

EVIDENCE = "evidence.json"
DECISION = "decision.json"


def unspoken(work: Callable[[], Result]) -> Result:
    """What `work` returns. While it has labels of sealed rows in hand nothing is printed, and no error says a word.

    Raises DataRefused, which names no more than the kind of the error, for any exception: its message and its frames
    may hold a label. It is raised outside of the handler, as it would carry the other one along from within.
    """
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(action="ignore"),
        ):
            return work()
    except Exception as error:
        kind = type(error).__name__
    raise DataRefused(
        f"the sealed rows could not be judged: {kind}",
        next_step="gate.reuse.policy: open shows why, and gives the promise of sealed rows up",
    )


def write_evidence(root: Path, evidence: Evidence) -> None:
    """Write what `evaluate` found on the rows that judge."""
    files.write_json(root / layout.SEALED / EVIDENCE, evidence.model_dump(mode="json"))


def read_evidence(root: Path) -> Evidence:
    """What `evaluate` wrote, with the digest of the code that decides by it.

    Raises ServiceFailed, which quotes nothing of it, if it is not there or not whole.
    """
    path = root / layout.SEALED / EVIDENCE
    text = _bytes(path)
    try:
        return Evidence.model_validate_json(text).model_copy(update={"rules": rules.digest()})
    except ValueError:
        problem = f"{path} is not what this version of evaluate writes"
    raise ServiceFailed(problem, next_step="remove it; ratchet run makes it again")


def write_decision(root: Path, decision: Decision) -> None:
    """Write the decision in full."""
    files.write_json(root / layout.SEALED / DECISION, decision.model_dump(mode="json"))


def digests(root: Path) -> tuple[str, str]:
    """SHA-256 of the evidence and of the decision in full."""
    folder = root / layout.SEALED
    return files.digest(folder / EVIDENCE), files.digest(folder / DECISION)


def read_look(root: Path) -> Look | None:
    """Which look at the rows that judge this is (`data/level.json`); None: none was charged. Raises ServiceFailed."""
    text = _bytes(root / layout.LEVEL)
    return None if json.loads(text) is None else Look.model_validate_json(text)


def write_look(root: Path, look: Look | None) -> None:
    """Write `data/level.json`, which the gate waits for."""
    files.write_json(root / layout.LEVEL, look.model_dump(mode="json") if look else None)


def write_look_if_new(root: Path, look: Look | None) -> None:
    """Write `data/level.json` unless it says so already: a file that is not touched keeps its time stamp."""
    try:
        known = read_look(root) == look
    except (ServiceFailed, ValueError):
        known = False
    if not known:
        write_look(root, look)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ServiceFailed(f"{path} is not there", next_step="ratchet run makes it") from error
