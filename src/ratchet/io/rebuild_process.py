"""Starting `ratchet.io.rebuilding` in the Python of its choice, and reading what it found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ratchet.core.lineage_record import Environment, Lineage, Machine
from ratchet.errors import ServiceFailed
from ratchet.io.machine import KERNELS, THREADS
from ratchet.settings import find_home


@dataclass(frozen=True, kw_only=True)
class Made:
    """What came out. `failed` is the stage that ended early with its last `words`; then there are no results.

    `answers` has rows and the largest difference (None: no number) of `golden`, where there are any, and `predictions`.
    """

    environment: Environment
    machine: Machine
    failed: str = ""
    words: str = ""
    lineage: Lineage | None = None
    answers: dict[str, tuple[int, float | None]] | None = None


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """In which Python it is made again (None: this one), and as which machine's libraries were told to compute."""

    python: Path | None
    machine: Machine


def make_again(root: Path, target: str, recorded: Path, conditions: Conditions) -> Made:
    """Run the pipeline of the workspace at `root` as far as `target`, and let its model answer beside the `recorded`.

    Raises ServiceFailed if DVC fails, or the results cannot be read.
    """
    python = str(conditions.python or sys.executable)
    result = find_home(root) / ".dvc" / "rebuilt.json"
    done = subprocess.run(
        [python, "-m", "ratchet.io.rebuilding", str(root), target, str(recorded), str(result)],
        env={
            **_told(conditions.machine),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DVC_SITE_CACHE_DIR": str(find_home(root) / ".dvc" / "site"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    words = _last_words(done.stderr)
    if not result.is_file():
        missing = "its lock has not what Ratchet needs today: leave --environment out, or mend what is said"
        step = missing if conditions.python else "mend what is said, and try again"
        raise ServiceFailed(f"it could not be made again: {words}", next_step=step)
    return _read(json.loads(result.read_bytes()), words)


def _read(found: dict[str, Any], words: str) -> Made:
    here = Made(
        environment=Environment.model_validate_json(json.dumps(found["environment"])),
        machine=Machine.model_validate_json(json.dumps(found["machine"])),
    )
    if found["failed"]:
        return replace(here, failed=found["failed"], words=words)
    answers = {name: (each["rows"], each["largest"]) for name, each in found["answers"].items()}
    return replace(here, lineage=Lineage.model_validate_json(json.dumps(found["lineage"])), answers=answers)


def _told(machine: Machine) -> dict[str, str]:
    """The environment, with the threads and kernels that are on record: with others, sums are rounded otherwise.

    What this shell alone has set of them is taken away.
    """
    told = {**dict.fromkeys((*THREADS, *KERNELS)), **machine.threads, **(machine.kernels or {})}
    others = {name: value for name, value in os.environ.items() if name not in told}
    return others | {name: value for name, value in told.items() if value is not None}


def _last_words(said: str) -> str:
    """The last line of an error that says what is wrong: not what to do next."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.strip().startswith("next:")]
    return lines[-1] if lines else "nothing was said"
