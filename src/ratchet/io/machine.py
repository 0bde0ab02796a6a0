"""What this process runs on and in: the processor, the threads, the packages."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from pathlib import Path

from ratchet.core.lineage_record import Environment, Machine
from ratchet.io import files
from ratchet.settings import find_home

CPU_INFO = Path("/proc/cpuinfo")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
LOCK = "requirements/run.txt"


def machine() -> Machine:
    """The hardware under this process."""
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        architecture=platform.machine(),
        processor=_processor(),
        cores=_cores(),
        threads={name: os.environ.get(name) for name in THREADS},
    )


def environment(root: Path) -> Environment:
    """The interpreter, everything that is installed beside it, and the lock of the project at `root`."""
    lock = find_home(root) / LOCK
    found = importlib.metadata.distributions()
    return Environment(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages={_normal(each.name): each.version for each in found if each.name},
        lock=files.digest(lock) if lock.is_file() else "",
    )


def _normal(name: str) -> str:
    """A package's name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _processor() -> str:
    """Linux names the model in a file; elsewhere Python may know it."""
    if CPU_INFO.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", CPU_INFO.read_text(errors="replace"), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or "unknown"


def _cores() -> int:
    """Those that this process may use, where the system says it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
