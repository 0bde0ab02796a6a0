"""`make bench`: measure against the alternatives, print the table and write it to docs/benchmarks.md.

    python -m benchmarks.run [--rounds N] [--only pipeline|nothing-changed|growth|many-batches]

With `--only` the table is printed and the page stays as it is, as its numbers belong to one run.
The exit code is 1 if a goal was missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import page
from benchmarks.cases import CASES, ROUNDS
from benchmarks.measure import Comparison
from benchmarks.project import Projects


def main() -> int:
    """Run the cases; returns the exit code."""
    asked = _arguments()
    comparisons: list[Comparison] = []
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as folder:
        projects = Projects(Path(folder))
        for name in CASES if asked.only is None else [asked.only]:
            rounds = asked.rounds or ROUNDS[name]
            print(f"{name}: {rounds} rounds", file=sys.stderr, flush=True)
            comparisons += CASES[name](projects, rounds)
    print(page.table(comparisons))
    if asked.only is None:
        page.write(comparisons)
    return 0 if all(comparison.reached for comparison in comparisons) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure against the alternatives; writes docs/benchmarks.md.")
    parser.add_argument("--rounds", type=int, help="rounds of every case; the default is one number for each")
    parser.add_argument("--only", choices=CASES, help="one case alone; the page is then not written")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
