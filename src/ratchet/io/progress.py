"""What long work says while it runs."""

from __future__ import annotations

from ratchet.core.manifest import Work


def say(line: str) -> None:
    """Print one line at once, also through a pipe."""
    print(line, flush=True)


def report_work(stage: str, work: Work) -> None:
    """Say what a per-batch stage did and what it could keep."""
    removed = f", removed {len(work.prune)}" if work.prune else ""
    say(f"{stage}: made {len(work.make)}, kept {len(work.keep)}{removed}")
