"""Benchmarks are scripts beside the package: tests of them see the repository's folder."""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

if str(REPOSITORY) not in sys.path:
    sys.path.append(str(REPOSITORY))
