"""A ledger of any size, as a team of years would have it: made up, with its chain, on the branch of a repository.

Of each ten entries about a version one registers it, some are approvals, holds and phases, and of every second version
one promotes it; now and then somebody rolls back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ratchet.core.chain import Link, dump, linked
from ratchet.core.ledger_entries import PLACED, Change, Freeze, Line, Opinion, PhaseResult, Registration, Said
from ratchet.core.phases import Approval, GatePhase, Phase, Shadow
from ratchet.io.git import git
from ratchet.io.ledger import LedgerBranch
from ratchet.io.ledger_segments import FILE, SEGMENT

BEGUN = datetime(2016, 1, 1, tzinfo=UTC)
PEOPLE = ("ana", "bob", "cleo", "dan")
PHASES = (Phase(gate=GatePhase()), Phase(approval=Approval(count=2)), Phase(shadow=Shadow(rows=20_000)))


def write_ledger(root: Path, model: str, *, versions: int, entries: int, branch: str = "ratchet/ledger") -> None:
    """Put a ledger of so many versions and entries on the branch of the repository at `root`, a commit a segment."""
    ledger = LedgerBranch(root, ".", branch)
    lines = dump(made_up(model, versions=versions, entries=entries)).splitlines(keepends=True)
    files: dict[str, str] = {}
    head = None
    for number, first in enumerate(range(0, len(lines), SEGMENT), start=1):
        segment = lines[first : first + SEGMENT]
        path = f"ledger/{number:06}.jsonl" if first + SEGMENT < len(lines) else FILE
        files[path] = ledger.blob("".join(segment).encode())
        head = ledger.put_blobs(head, files, title=f"entries up to {first + len(segment)}")
    git(["gc", "--quiet"], cwd=root)


def made_up(model: str, *, versions: int, entries: int) -> tuple[Line, ...]:
    """The entries themselves."""
    return tuple(_chain(model, versions, entries))  # type: ignore[arg-type]  # what PLACED names are lines


def _chain(model: str, versions: int, entries: int) -> Iterator[Link]:
    last: list[Link] = []
    serving: list[int] = []
    for number in range(entries):
        version, step = number * versions // entries + 1, number % (entries // versions)
        said = {
            "model": model,
            "actor": PEOPLE[(version + step) % len(PEOPLE)],
            "time": (BEGUN + timedelta(minutes=50 * number)).isoformat(timespec="seconds"),
            "reason": f"log_loss: gain +0.00{version % 90 + 10} a row, better than the champion, p below 0.1",
        }
        kind, body = _event(version, step, serving)
        entry = linked(PLACED[kind], last, kind.model_validate({**said, **body}).model_dump())
        last = [entry]
        yield entry


def _event(version: int, step: int, serving: list[int]) -> tuple[type[Said], dict[str, Any]]:
    """What is written at a step of a version's way; `serving` are the versions that serve, one upon the other."""
    if step == 0:
        return Registration, _registration(version, serving)
    if step == 4:
        body = {"kind": "phase", "version": version, "place": 2, "phase": "shadow", "outcome": "passed"}
        return PhaseResult, {**body, "numbers": {"rows": 20_000.0 + version, "failed": 0.0}}
    if step in (5, 6) and (change := _moved(version, step, serving)):
        return Change, change
    if step in (7, 8) and version % 50 == 0:
        return Freeze, {"kind": "freeze" if step == 7 else "thaw", "until": "", "everything": False}
    kind = "approval" if step in (1, 2) else "release" if step % 2 else "hold"
    return Opinion, {"kind": kind, "version": version, "link": ""}


def _moved(version: int, step: int, serving: list[int]) -> dict[str, Any]:
    """A promotion of every second version, and now and then a rollback after it; empty for the others."""
    if step == 5 and version % 2:
        before = serving[-1] if serving else None
        serving.append(version)
        return {**_change(version), "kind": "promotion", "replaces": before}
    if step == 6 and version % 40 == 1 and len(serving) > 1:
        left = serving.pop()
        return {**_change(serving[-1]), "kind": "rollback", "replaces": left}
    return {}


def _change(version: int) -> dict[str, Any]:
    return {
        "version": version,
        "run_id": _digest(version, "run")[:32],
        "fingerprint": _digest(version, "fingerprint"),
        "model_digest": _digest(version, "model"),
        "seal": _digest(version, "seal"),
        "decision_digest": _digest(version, "decision"),
        "commit": _digest(version, "commit")[:40],
        "trained_on": {f"2013-{month:02}": _digest(month, "batch") for month in range(1, 13)},
        "metrics": {"log_loss": 0.4 + 1 / (version + 9), "auc": 0.7 + 1 / (version + 99)},
    }


def _registration(version: int, serving: list[int]) -> dict[str, Any]:
    change = _change(version)
    return {
        **change,
        "kind": "registered",
        "verdict": "promote",
        "decided": "better than the champion",
        "failed": (),
        "champion": serving[-1] if serving else None,
        "policy": _digest(1, "policy"),
        "authors": ("eve",),
        "batches": {name: digest[:32] for name, digest in change["trained_on"].items()},
        "judged_on": ("2014-01",),
        "phases": PHASES,
        "manifest": _digest(version, "manifest"),
        "signed_by": "release",
    }


def _digest(number: int, what: str) -> str:
    return hashlib.sha256(f"{what} {number}".encode()).hexdigest()
