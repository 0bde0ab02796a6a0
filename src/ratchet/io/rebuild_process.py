"""Starting `ratchet.io.rebuilding` in the Python of its choice, and reading what it found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratchet.core.lineage_record import Lineage
from ratchet.errors import ServiceFailed
from ratchet.settings import find_home


@dataclass(frozen=True, kw_only=True)
class Made:
    """What came out. `failed` is the stage that ended early with its last `words`; then there is nothing else.

    `answers` has rows and the largest difference (None: no number) of `golden`, where there are any, and `predictions`.
    """

    failed: str = ""
    words: str = ""
    lineage: Lineage | None = None
    answers: dict[str, tuple[int, float | None]] | None = None


def make_again(root: Path, target: str, recorded: Path, python: Path | None = None) -> Made:
    """Run the pipeline of the workspace at `root` as far as `target`, and let its model answer beside the `recorded`.

    Raises ServiceFailed if DVC fails, or the results cannot be read.
    """
    result = find_home(root) / ".dvc" / "rebuilt.json"
    done = subprocess.run(
        [str(python or sys.executable), "-m", "ratchet.io.rebuilding", str(root), target, str(recorded), str(result)],
        env={
            **os.environ,
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
        raise ServiceFailed(f"it could not be made again: {words}", next_step="mend what is said, and try again")
    found: dict[str, Any] = json.loads(result.read_bytes())
    if found["failed"]:
        return Made(failed=found["failed"], words=words)
    answers = {name: (each["rows"], each["largest"]) for name, each in found["answers"].items()}
    return Made(lineage=Lineage.model_validate_json(json.dumps(found["lineage"])), answers=answers)


def _last_words(said: str) -> str:
    """The last line of an error that says what is wrong: not what to do next."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.strip().startswith("next:")]
    return lines[-1] if lines else "nothing was said"
