"""The code that decides, as one digest: an answer about sealed rows is that of these rules and of no others.

It is of what the code does: comments, docstrings and the shape of lines do not count, so that a release which changes
nothing about decisions asks no question anew.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CORE = Path(__file__).parents[1] / "core"
DECIDING = (
    "alpha_level.py",
    "calibration.py",
    "clusters.py",
    "comparison.py",
    "conditions/*.py",
    "evaluation.py",
    "evidence/*.py",
    "gate/*.py",
    "gate_params.py",
    "holm.py",
    "leakage/*.py",
    "metric*.py",
    "prices.py",
    "ranking.py",
    "row_costs.py",
    "scoring.py",
)
"""What the evidence is computed with and what judges it, below `core`."""
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def deciding(core: Path = CORE) -> Iterator[Path]:
    """The files that decide, in the order of their names."""
    yield from sorted(path for pattern in DECIDING for path in core.glob(pattern))


@cache
def digest(core: Path = CORE) -> str:
    """SHA-256 of what the files that decide do."""
    found = hashlib.sha256()
    for path in deciding(core):
        found.update(f"{path.relative_to(core)}\0{_meaning(path)}\0".encode())
    return found.hexdigest()


def _meaning(path: Path) -> str:
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, Documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)
