"""How far phases are, for a ledger with several candidates: what stands still says so, and nothing is made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ratchet.core.candidates import candidates
from ratchet.core.ledger import append
from ratchet.core.ledger_entries import Change, Event, Line, PhaseResult, Registration
from ratchet.core.phase_progress import Progress
from ratchet.core.phases import Phase
from ratchet.flows.phase_progress import phases_progress
from ratchet.settings import load_settings

BEGAN = datetime(2026, 11, 23, 12, tzinfo=UTC)
PHASES = ("gate", {"shadow": {"rows": 10}}, {"canary": {"days": 2, "share": 0.05}})
TREE: dict[str, Any] = {
    "project": {"name": "parcels", "room": "parcels", "task": "binary", "target": "late"},
    "split": {}, "features": {}, "evaluate": {}, "model": {"estimator": "hist_gradient_boosting"},
    "gate": {"metric": "log_loss"},
}  # fmt: skip


def ledger(*, first: int | None = 1) -> list[Line]:
    """Version 2 in its canary, version 3, newer, in its shadow; both compared with `first`, which serves."""
    same: dict[str, Any] = {
        "model": "parcels", "actor": "ada", "time": BEGAN.isoformat(), "reason": "r", "run_id": "r", "fingerprint": "f",
        "seal": "s", "decision_digest": "d", "commit": "c", "trained_on": {}, "metrics": {},
    }  # fmt: skip

    def made(version: int) -> Registration:
        return Registration(
            version=version, model_digest=f"m{version}", verdict="promote", decided="ok", champion=first, policy="p",
            authors=("ada",), batches={}, judged_on=(), phases=tuple(map(Phase.model_validate, PHASES)), **same,
        )  # fmt: skip

    said = {name: same[name] for name in ("model", "actor", "time", "reason")}
    passed = PhaseResult(version=2, place=1, phase="shadow", outcome="passed", numbers={}, **said)
    events: list[Event] = [Change(kind="promotion", version=1, replaces=None, model_digest="m1", **same)]
    entries: list[Line] = []
    for event in [*(events if first else []), made(2), passed, made(3)]:
        entries.append(append(entries, event))
    return entries


def progress(root: Path, entries: list[Line], *, serve: dict[str, Any]) -> dict[int, Progress]:
    """By version, a day after all began."""
    (root / "params.yaml").write_text(yaml.safe_dump({**TREE, "serve": serve}), encoding="utf-8")
    at = BEGAN + timedelta(days=1)
    known = candidates(entries, "parcels", at)
    found = phases_progress(load_settings(root, {}), known, at=at)
    return {each.version: one for each, one in zip(known, found, strict=True) if one}


def test_the_older_one_stands_still(tmp_path: Path) -> None:
    """Servers try the newest alone: whoever waits for the other one learns why it does not get on."""
    (tmp_path / "log").mkdir()
    found = progress(tmp_path, ledger(), serve={"log": "log"})
    assert found[2].text == (
        "answers 5% of the requests; 1 of 2 days, 0 rows; stands still while version 3, which is newer, is on trial"
    )
    assert found[3].text == "answers nobody; 0 of 10 rows"


def test_a_log_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A file where a folder should be is no log; neither is one whose lines nobody lets us read."""
    (tmp_path / "log").write_text("")
    assert progress(tmp_path, ledger(), serve={"log": "log"})[3].unknown == "no log of predictions at log (serve.log)"
    (tmp_path / "log").unlink()
    (tmp_path / "log" / "2026-11-23" / "0badcafe.jsonl").mkdir(parents=True)
    assert "cannot be read" in progress(tmp_path, ledger(), serve={"log": "log"})[3].unknown


def test_without_a_log_nothing_is_tried(tmp_path: Path) -> None:
    """That is known everywhere, and is why the phase does not get on."""
    found = progress(tmp_path, ledger(), serve={"log": None})[3]
    assert (found.unknown, "serve.log is null" in found.text, found.now["rows"]) == ("", True, 0)


def test_a_first_version_is_over_with_it(tmp_path: Path) -> None:
    """There is no champion that it could be tried beside: the next advance says so in the ledger."""
    found = progress(tmp_path, ledger(first=None), serve={"log": "log"})[3]
    assert found.outcome == "passed"
    assert found.text.endswith("ratchet advance")


@pytest.mark.parametrize("version", [2, 3])
def test_what_is_asked_for_is_known_everywhere(tmp_path: Path, version: int) -> None:
    """By the phases in the ledger alone."""
    found = progress(tmp_path, ledger(), serve={"log": "nowhere"})[version]
    wanted = {2: ({"days": 2.0, "evidence": 20.0}, 0.05), 3: ({"rows": 10.0}, None)}
    assert (found.needed, found.share, found.now) == (*wanted[version], {"days": 1.0})
