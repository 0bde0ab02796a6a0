"""The acceptance experiments of the gate: `python -m benchmarks.gate`.

    python -m benchmarks.gate [--only NAME ...] [--scale 0.1] [--seed 0] [--cache FOLDER]

Each finding is printed and kept in the cache folder. A full run (scale 1, seed 0) writes docs/gate-evidence.md and its
pictures once every experiment has a finding. The exit code is 1 if a promise is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")


def main() -> int:
    """Run what was asked for; returns the exit code."""
    from benchmarks.gate.bench import CACHE, Bench
    from benchmarks.gate.experiments import EXPERIMENTS, publish, run

    parser = argparse.ArgumentParser(description="The acceptance experiments of the gate.")
    names = [experiment.name for experiment in EXPERIMENTS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"some of {', '.join(names)}")
    parser.add_argument("--scale", type=float, default=1.0, help="of the repetitions of a full run")
    parser.add_argument("--seed", type=int, default=0, help="of all draws and fits")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where models, data and findings are kept")
    asked = parser.parse_args()
    if not 0 < asked.scale <= 1:
        parser.error(f"--scale is a share of a full run, above 0 and at most 1, not {asked.scale}")
    bench = Bench(cache=asked.cache, seed=asked.seed, scale=asked.scale)
    findings = [run(bench, one) for one in EXPERIMENTS if not asked.only or one.name in asked.only]
    publish(bench)
    return 0 if all(line.kept is not False for finding in findings for line in finding.lines) else 1


if __name__ == "__main__":
    sys.exit(main())
