"""Candidates as `ratchet queue` shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

from ratchet.core.candidates import Candidate
from ratchet.core.phase_progress import Progress
from ratchet.flows.queue import Waiting


def queue_table(waiting: Sequence[Waiting]) -> str:
    """One block a version: where it stands, since when, and for whom it waits."""
    return "\n".join(_block(each) for each in waiting)


def queue_json(waiting: Waiting) -> str:
    """One line of JSON."""
    found = waiting.candidate
    return json.dumps(
        {
            "model": found.entry.model,
            "version": found.version,
            "state": found.state,
            "why": found.why,
            "phase": found.phase.name if found.phase else None,
            "passed": [phase.name for phase in found.entry.phases[: found.place]],
            "since": found.since.isoformat(),
            "seconds": round(waiting.waited.total_seconds()),
            "progress": _progress(waiting.progress) if waiting.progress else None,
            "approved_by": [said.actor for said in found.approvals],
            "waits_for": list(found.people),
            "frozen": waiting.frozen.reason if waiting.frozen else None,
            "commit": found.entry.commit,
            "run": found.entry.run_id,
        }
    )


def _progress(progress: Progress) -> dict[str, object]:
    """What is in `needed` alone is not known here."""
    return {
        "text": progress.text,
        "now": dict(progress.now),
        "needed": dict(progress.needed),
        "share": progress.share,
        "unknown": progress.unknown or None,
        "outcome": progress.outcome,
    }


def _block(waiting: Waiting) -> str:
    found = waiting.candidate
    waited = f", for {age(waiting.waited)}" if found.open else ""
    lines = [f"{found.entry.model} version {found.version}: {found.state}{waited}: {found.why}", f"    {_way(found)}"]
    if waiting.progress:
        lines.append(f"    {waiting.progress.text}")
    if found.people:
        lines.append(f"    waits for {', '.join(found.people)}")
    if waiting.frozen and found.open:
        lines.append(f"    frozen by {waiting.frozen.actor}: {waiting.frozen.reason}")
    return "\n".join(lines)


def _way(found: Candidate) -> str:
    """The phases in their order, those that are passed, the one it is in, and those to come."""
    steps = (f"{phase.name}{_mark(place, found.place)}" for place, phase in enumerate(found.entry.phases))
    return " > ".join([*steps, "serves"])


def _mark(place: int, now: int) -> str:
    return " (done)" if place < now else " (now)" if place == now else ""


def age(waited: timedelta) -> str:
    """How long, in one unit.

    >>> age(timedelta(hours=30))
    '30 hours'
    """
    seconds = waited.total_seconds()
    for unit, size, least in (("days", 86_400, 2), ("hours", 3_600, 2), ("minutes", 60, 2)):
        if seconds >= least * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
