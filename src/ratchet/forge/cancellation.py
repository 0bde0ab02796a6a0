"""Asking for a run to be cancelled: a file that whoever works on it finds, so that it works between processes."""

from __future__ import annotations

import json

from ratchet.errors import UsageError
from ratchet.forge import run as runs
from ratchet.forge.home import Home
from ratchet.io.files import write_json

ENDING = ".cancel"


def ask(home: Home, number: int, why: str) -> None:
    """Ask for the run to end; `why` stands in its result. Raises UsageError if it has ended, or never was."""
    if runs.find(home, number) is None:
        raise UsageError(f"no run {number} is under way or waits", next_step="ratchet forge status")
    write_json(runs.file(home, number, ENDING), {"why": why})


def asked(home: Home, number: int) -> str:
    """Why the run is to end, or nothing."""
    try:
        return str(json.loads(runs.file(home, number, ENDING).read_text(encoding="utf-8"))["why"])
    except FileNotFoundError:
        return ""
