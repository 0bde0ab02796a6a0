"""The table in docs/benchmarks.md, between two markers."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.measure import Comparison, cpu, wall
from benchmarks.project import REPOSITORY

PAGE = REPOSITORY / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
LIBRARIES = ("dvc", "mlflow", "scikit-learn", "pandas", "numpy", "pyarrow")
HEAD = (
    "| | ours | alternative | CPU s, ours | CPU s, alternative | CPU ratio | goal | wall ratio | rounds |",
    "|---|---|---|---:|---:|---:|---:|---:|---:|",
)


def table(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as a Markdown table."""
    return "\n".join([*HEAD, *map(_row, comparisons)])


def write(comparisons: Sequence[Comparison]) -> None:
    """Put the table and where it was measured between the markers. Raises RuntimeError if they are not there."""
    page = PAGE.read_text(encoding="utf-8")
    if not (BEGIN in page and END in page):
        raise RuntimeError(f"{PAGE} has no lines {BEGIN} and {END} to write between")
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{_where()}\n\n{table(comparisons)}\n{END}{tail}", encoding="utf-8")


def _row(comparison: Comparison) -> str:
    ours, alternative = comparison.medians(cpu)
    goal = "" if comparison.goal is None else f"≤ {comparison.goal:g}{'' if comparison.reached else ' **missed**'}"
    cells = (
        comparison.name,
        comparison.ours,
        comparison.alternative,
        f"{ours:.2f}",
        f"{alternative:.2f}",
        f"**{comparison.ratio(cpu):.2f}**",
        goal,
        f"{comparison.ratio(wall):.2f}",
        str(len(comparison.rounds)),
    )
    return f"| {' | '.join(cells)} |"


def _where() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return (
        f"Measured on {date.today():%d %B %Y}: {os.cpu_count()} cores, {_processor()}, {platform.system()}; "
        f"Python {platform.python_version()}, {versions}."
    )


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    text = facts.read_text(encoding="utf-8") if facts.is_file() else ""
    found = re.search(r"^model name\s*: (.+)$", text, flags=re.MULTILINE)
    return found[1] if found else platform.machine()
