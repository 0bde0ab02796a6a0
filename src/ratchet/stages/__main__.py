"""`python -m ratchet.stages NAME`: what `dvc.yaml` runs, in the project's root folder."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from pathlib import Path

STAGES = ("ingest", "validate", "featurize", "train", "evaluate", "gate")


def main(name: str, root: Path) -> int:
    """Run one stage; returns the exit code, with the message of an expected error on standard error."""
    # One thread, whatever the machine: with another number of threads sums are added in another order and the model is
    # another one; and with more, OpenMP spins as soon as anything else runs and a fit takes up to ten times as long.
    os.environ["OMP_NUM_THREADS"] = "1"
    started = time.monotonic()
    from ratchet.errors import RatchetError

    # Imports make many objects and no garbage: Python's default, a search each 700 objects, costs a tenth of a stage.
    gc.set_threshold(100_000)
    try:
        importlib.import_module(f"ratchet.stages.{name}").run(root)
    except RatchetError as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    finally:
        # What ends with the process needs no collecting.
        gc.freeze()
    _say_how_long(name, time.monotonic() - started)
    return 0


def _say_how_long(name: str, seconds: float) -> None:
    """Append a line to the file that RATCHET_TIMINGS names, where a run has named one (`ratchet.io.timings`)."""
    if path := os.environ.get("RATCHET_TIMINGS"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"stage": name, "seconds": round(seconds, 3)}) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in STAGES:
        sys.exit(f"usage: python -m ratchet.stages {'|'.join(STAGES)}")
    sys.exit(main(sys.argv[1], Path.cwd()))
