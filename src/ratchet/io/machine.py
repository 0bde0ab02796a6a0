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
KERNELS = (
    "OPENBLAS_CORETYPE", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES",
)  # fmt: skip
"""Variables by which a numerical library runs other code than it would by itself."""
VECTORS = ("sse", "ssse", "avx", "fma", "neon", "asimd", "sve")
"""How the names of vector instructions begin, on x86 and on ARM."""
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
        kernels={name: os.environ.get(name) for name in KERNELS},
        vectors=_vectors(),
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
    return _cpu_info("model name") or platform.processor() or "unknown"


def _vectors() -> tuple[str, ...] | None:
    """None where the system does not name them."""
    names = _cpu_info("(?:flags|Features)").split()
    return tuple(sorted({name for name in names if name.startswith(VECTORS)})) or None


def _cpu_info(field: str) -> str:
    """What Linux says of its first processor; empty if it does not, and on other systems."""
    said = CPU_INFO.read_text(errors="replace") if CPU_INFO.is_file() else ""
    found = re.search(rf"^{field}\s*:\s*(.+)$", said, re.MULTILINE)
    return found[1].strip() if found else ""


def _cores() -> int:
    """Those that this process may use, where the system says it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
