"""Fifty million flights through ingest, validate and featurize: memory, growth, and a plain polars script beside it.

    python -m benchmarks.data_path --years 15 --copies 10     (50 million rows; about half an hour, 8 GB of disk)

The flights of 2013 are moved to other years, each flight `--copies` times with a number of its own. Ours is the three
stages as `dvc.yaml` runs them; the alternative is `plain_data.py`. Both read the same raw Parquet files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from benchmarks.measure import Cost
from benchmarks.months import moved_months, write_month
from benchmarks.project import PER_BATCH, PYTHON, REPOSITORY, Projects, stage


@dataclass(frozen=True)
class Used:
    """What a command used: seconds, and the most memory it held, in MB."""

    cost: Cost
    memory: float


def main() -> None:
    """Make the batches, run both sides, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=15)
    parser.add_argument("--copies", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        projects = Projects(Path(name))
        _measure(projects, asked.years, asked.copies)


def _measure(projects: Projects, years: int, copies: int) -> None:
    small, large = _project(projects, 1, copies), _project(projects, years, copies)
    print("| | rows | CPU s | wall s | µs a row (CPU) | most memory, MB |\n|---|---:|---:|---:|---:|---:|", flush=True)
    first = _ours(projects, small)
    ours = _ours(projects, large)
    plain = used(projects, (PYTHON, str(REPOSITORY / "benchmarks/plain_data.py"), ".", "out"), large)
    for name, run, project in (("one year", first, small), ("ours", ours, large), ("plain_data.py", plain, large)):
        _print(name, run, _rows(project))
    per_row = (ours.cost.cpu / _rows(large)) / (first.cost.cpu / _rows(small))
    print(f"\nCPU, ours / plain_data.py: {ours.cost.cpu / plain.cost.cpu:.2f} (goal 1.5)")
    print(f"wall, ours / plain_data.py: {ours.cost.wall / plain.cost.wall:.2f}")
    print(f"time per row, {years} years / one: {per_row:.2f}")
    print(f"most memory, ours: {ours.memory:,.0f} MB (goal 2,000)")


def _ours(projects: Projects, project: Path) -> Used:
    """The three stages, one after the other."""
    parts = []
    for name in PER_BATCH:
        parts.append(used(projects, stage(name), project))
        _print(name, parts[-1], _rows(project))
    cost = sum((part.cost for part in parts), Cost(0.0, 0.0))
    return Used(cost, max(part.memory for part in parts))


def used(projects: Projects, command: Sequence[str], cwd: Path) -> Used:
    """Run a command; its own CPU seconds, wall seconds and peak memory. Raises CalledProcessError if it fails."""
    begun = time.perf_counter()
    environment = {**projects.place.environment, "PYTHONPATH": str(cwd / "src"), "POLARS_MAX_THREADS": "1"}
    with projects.place.log.open("wb") as log:
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=log, stderr=log)
        _, status, spent = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.stderr.write(projects.place.log.read_text(encoding="utf-8", errors="replace")[-3000:])
        raise subprocess.CalledProcessError(process.returncode, command)
    cost = Cost(spent.ru_utime + spent.ru_stime, time.perf_counter() - begun)
    return Used(cost, spent.ru_maxrss / 1000)


def _print(name: str, run: Used, rows: int) -> None:
    per_row = 1e6 * run.cost.cpu / rows
    print(
        f"| {name} | {rows:,} | {run.cost.cpu:.1f} | {run.cost.wall:.1f} | {per_row:.2f} | {run.memory:,.0f} |",
        flush=True,
    )


def _project(projects: Projects, years: int, copies: int) -> Path:
    project = projects.fresh(batches=())
    schema = project / "src/flights/schema.yaml"
    text = schema.read_text(encoding="utf-8")
    schema.write_text(text.replace("min: 1, max: 9999,", "min: 1, max: 9999999,"), encoding="utf-8")
    source = projects.fresh()
    for name, tables in moved_months(source / "data/raw", years, copies):
        write_month(project / "data/raw" / name, tables)
    shutil.rmtree(source)
    return project


def _rows(project: Path) -> int:
    found = (project / "data/raw").glob("*/rows.parquet")
    return sum(int(pl.scan_parquet(path).select(pl.len()).collect().item()) for path in found)


if __name__ == "__main__":
    main()
