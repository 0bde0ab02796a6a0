"""Which version is on trial, and whom a canary answers."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.candidates import candidates
from ratchet.core.ledger import append
from ratchet.core.ledger_entries import Event, Line, Opinion, PhaseResult, Registration
from ratchet.core.phases import Phase
from ratchet.core.trials import TrialPlan, answers, on_trial

MODEL = "flights-late"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
TIME = "2026-11-23T12:00:00+00:00"
SHADOW: dict[str, Any] = {"shadow": {"rows": 100}}
CANARY: dict[str, Any] = {"canary": {"rows": 100, "share": 0.25}}


def registration(version: int, *phases: Any, model: str = MODEL) -> Registration:
    return Registration(
        model=model, actor="ada", time=TIME, reason="r", version=version, run_id=f"run {version}", fingerprint="f",
        model_digest=f"digest {version}", seal=f"seal {version}", decision_digest="d", verdict="promote", decided="ok",
        champion=None, policy="p", commit="c", authors=("ada",), trained_on={}, batches={}, judged_on=(), metrics={},
        phases=tuple(Phase.model_validate(each) for each in phases),
    )  # fmt: skip


def passed(version: int, place: int, phase: Literal["shadow", "canary"]) -> PhaseResult:
    return PhaseResult(
        model=MODEL, actor="ada", time=TIME, reason="fine", version=version, place=place, phase=phase,
        outcome="passed", numbers={},
    )  # fmt: skip


def plan(*events: Event) -> TrialPlan | None:
    entries: list[Line] = []
    for event in events:
        entries.append(append(entries, event))
    return on_trial(candidates(entries, MODEL, NOW))


def test_nothing_is_on_trial_without_a_phase_of_rows() -> None:
    """A version that waits for people, or for nothing, is run by no server."""
    assert plan(registration(1, "gate")) is None
    assert plan(registration(1, "gate", {"approval": {}}, SHADOW)) is None


def test_a_phase_of_rows_puts_a_version_on_trial_and_a_result_moves_it_on() -> None:
    """It is in its shadow, then in its canary with the share that was declared, then in neither."""
    steps: list[Event] = [registration(1, "gate", SHADOW, CANARY), passed(1, 1, "shadow"), passed(1, 2, "canary")]
    found = [plan(*steps[:count]) for count in (1, 2, 3)]
    assert [(each.phase, each.place, each.share) if each else None for each in found] == [
        ("shadow", 1, 0.0), ("canary", 2, 0.25), None,
    ]  # fmt: skip


def test_the_newest_version_is_the_one_on_trial() -> None:
    """Of several that wait for rows one is tried; another model's are none of ours."""
    found = plan(registration(1, "gate", SHADOW), registration(2, "gate", SHADOW), registration(9, SHADOW, model="no"))
    assert found is not None
    assert found.entry.version == 2


def test_a_hold_takes_a_version_off_trial() -> None:
    """Whoever holds a candidate stops its trial as well; a release brings it back."""
    said: dict[str, Any] = {"model": MODEL, "actor": "bob", "time": TIME, "reason": "wait", "version": 1}
    begun = registration(1, "gate", CANARY)
    assert plan(begun, Opinion(kind="hold", **said)) is None
    assert plan(begun, Opinion(kind="hold", **said), Opinion(kind="release", **said)) is not None


def test_a_plan_reads_back_equal() -> None:
    """What a server is told is what was decided."""
    found = plan(registration(1, "gate", CANARY))
    assert found is not None
    assert TrialPlan.model_validate_json(found.model_dump_json()) == found


@given(st.text(), st.integers(1, 10**6), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_keeps_whom_a_smaller_one_answers(key: str, version: int, one: float, other: float) -> None:
    """The same key gets the same answer each time, and nobody is lost when the share grows."""
    small, large = sorted((one, other))
    assert answers(key, version=version, share=small) == answers(key, version=version, share=small)
    assert answers(key, version=version, share=small) <= answers(key, version=version, share=large)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.9])
def test_the_share_is_what_was_declared(share: float) -> None:
    """Of 20,000 keys as many are answered as chance allows, for each version another draw."""
    drawn = [{key for key in range(20_000) if answers(f"{key}", version=v, share=share)} for v in (1, 2)]
    reach = 5 * math.sqrt(20_000 * share * (1 - share))
    assert all(abs(len(each) - 20_000 * share) < reach for each in drawn)
    assert abs(len(drawn[0] & drawn[1]) - 20_000 * share**2) < reach
