"""Processes that outlived their run, found as GitHub's runner finds them: by RUNNER_TRACKING_ID in their environment.

Only where /proc is; elsewhere nothing is found, and a stray process ends by itself or stays.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

VARIABLE = "RUNNER_TRACKING_ID"


def find(marker: str) -> list[int]:
    """The ids of this user's processes that carry `marker`, without the one that asks."""
    wanted = f"{VARIABLE}={marker}".encode()
    return [pid for pid in _processes() if pid != os.getpid() and wanted in _environment(pid)]


def end(marker: str) -> list[int]:
    """Kill the processes that carry `marker` and return their ids."""
    ended = find(marker)
    for pid in ended:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return ended


def _processes() -> list[int]:
    proc = Path("/proc")
    return [int(path.name) for path in proc.iterdir() if path.name.isdigit()] if proc.is_dir() else []


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
