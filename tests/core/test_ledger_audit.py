"""Looking over a whole ledger: promotions that were written past the rules are found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ratchet.core.chain import Link, linked
from ratchet.core.ledger_audit import audit
from ratchet.core.ledger_entries import PLACED, Change, Freeze, Line, Opinion, Registration, Said
from ratchet.core.phases import Approval, GatePhase, Phase

Step = tuple[type[Said], dict[str, Any]]


def said(step: int) -> dict[str, Any]:
    return {"model": "m", "actor": "ana", "time": f"2026-01-{step + 1:02}T00:00:00+00:00", "reason": "so"}


def registered(version: int, champion: int | None) -> Step:
    return Registration, {
        "version": version, "run_id": f"r{version}", "fingerprint": "f", "model_digest": f"d{version}", "seal": "s",
        "decision_digest": f"k{version}", "verdict": "promote", "decided": "better", "champion": champion,
        "policy": "p", "commit": "c", "authors": ("eve",), "trained_on": {}, "batches": {}, "judged_on": (),
        "metrics": {}, "phases": (Phase(gate=GatePhase()), Phase(approval=Approval())),
    }  # fmt: skip


def approved(version: int) -> Step:
    return Opinion, {"kind": "approval", "version": version}


def moved(version: int, replaces: int | None, kind: str = "promotion") -> Step:
    return Change, {
        "kind": kind, "version": version, "replaces": replaces, "run_id": f"r{version}", "fingerprint": "f",
        "model_digest": f"d{version}", "seal": "s", "decision_digest": f"k{version}", "commit": "c", "trained_on": {},
        "metrics": {},
    }  # fmt: skip


def ledger(*steps: Step) -> tuple[Line, ...]:
    """The steps as a chain with right hashes, whatever they say: no rule is asked."""
    entries: list[Link] = []
    for number, (kind, body) in enumerate(steps):
        event = kind.model_validate({**said(number), **body})
        entries.append(linked(PLACED[kind], entries, event.model_dump()))
    return tuple(entries)  # type: ignore[arg-type]  # what PLACED names are lines


GOOD = (registered(1, None), approved(1), moved(1, None), registered(2, 1), approved(2), moved(2, 1))


def test_what_went_through_its_phases_is_right() -> None:
    """Two promotions and a rollback by the rules: nothing is wrong."""
    found = audit(ledger(*GOOD, moved(1, 2, "rollback")))
    assert (found.promotions, found.unregistered, found.problems) == (2, 0, [])


def without(place: int) -> Callable[[Sequence[Step]], Sequence[Step]]:
    return lambda steps: [*steps[:place], *steps[place + 1 :]]


WRONG: dict[str, tuple[Sequence[Step], str]] = {
    "no approval": (without(4)(GOOD), "entry 5 promotes what was not ready: version 2 is waiting"),
    "approved afterwards": ([*GOOD[:4], GOOD[5], GOOD[4]], "entry 5 promotes what was not ready"),
    "never registered": (without(3)(GOOD), "entry 5 promotes what was not ready: version 2 of m was never registered"),
    "frozen": ([*GOOD[:5], (Freeze, {"kind": "freeze"}), GOOD[5]], "promotions are frozen"),
    "rejected": ([*GOOD[:5], (Opinion, {"kind": "rejection", "version": 2}), GOOD[5]], "version 2 is rejected"),
    "another served": ([*GOOD[:5], moved(2, 7)], "entry 6 replaces version 7, and 1 served"),
    "compared with another": ([*GOOD[:3], registered(2, None), *GOOD[4:]], "compared with"),
    "back to what never served": ([*GOOD, moved(3, 2, "rollback")], "goes back to version 3, which never served"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_was_written_past_the_rules_is_named(kind: str) -> None:
    """One entry breaks a rule, and one sentence names it."""
    steps, words = WRONG[kind]
    problems = audit(ledger(*steps)).problems
    assert len(problems) == 1
    assert words in problems[0]


def test_promotions_of_before_versions_were_registered_are_counted() -> None:
    """A ledger that begins with promotions alone is not wrong, and it is said how many there are."""
    found = audit(ledger(moved(1, None), registered(2, 1), approved(2), moved(2, 1)))
    assert (found.promotions, found.unregistered, found.problems) == (2, 1, [])
