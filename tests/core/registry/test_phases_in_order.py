"""No version serves before its phases: which approvals count, what lasts how long, what closes a candidate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.ledger_entries import PhaseResult
from ratchet.core.params import Promotion
from ratchet.errors import ChampionChanged, PromotionRefused

if TYPE_CHECKING:
    from tests.core.registry.conftest import Book

SHADOW: dict[str, Any] = {"shadow": {"rows": 10}}
CANARY: dict[str, Any] = {"canary": {"rows": 10}}


def approval(count: int = 1, *people: str, **more: Any) -> dict[str, Any]:
    return {"approval": {"count": count, "of": people, **more}}


@pytest.mark.parametrize("phases", [["gate", approval()], ["gate", SHADOW], ["gate", CANARY], [approval(), "gate"]])
def test_a_phase_that_is_not_passed_keeps_the_promotion_out_of_the_ledger(book: Book, phases: list[Any]) -> None:
    """Whoever writes the entry: the ledger refuses it and stays as it was."""
    book.register(1, *phases)
    before = book.entries
    with pytest.raises(PromotionRefused, match="version 1 is waiting"):
        book.promote(1)
    assert book.entries == before


def test_a_version_that_nobody_registered_is_not_promoted(book: Book) -> None:
    """Once a model has candidates, each promotion is of one."""
    book.register(1)
    with pytest.raises(PromotionRefused, match="version 2 of m was never registered"):
        book.promote(2)


def test_a_version_that_never_served_is_nothing_to_go_back_to(book: Book) -> None:
    """A rollback is no way around the phases."""
    book.register(1)
    book.promote(1)
    book.register(2, "gate", approval())
    with pytest.raises(PromotionRefused, match="version 2 of m never served"):
        book.roll_back(2)


def test_a_number_stands_for_one_run(book: Book) -> None:
    """A registry that was made anew counts from 1 again: its version 1 is not the ledger's."""
    book.register(1)
    with pytest.raises(PromotionRefused, match=r"knows version 1 of m as run run m 1, .* as run another"):
        book.register(1, run_id="another")


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_result_of_another_phase_is_refused(book: Book, place: int) -> None:
    """A result is of the phase that the version is in: neither of one to come, nor of one behind it."""
    book.register(1, "gate", approval(), SHADOW, CANARY)
    book.say("approval", 1)
    with pytest.raises(PromotionRefused, match=r"is waiting in phase 3 \(shadow\)"):
        book.judge(1, place, "canary" if place == 3 else "shadow")


def test_a_result_that_came_too_early_counts_for_nothing(book: Book) -> None:
    """Also where somebody wrote it past every rule: the phase begins when the one before it is passed."""
    book.register(1, "gate", approval(), SHADOW)
    early = PhaseResult(
        model="m", actor="eve", time=book.now.isoformat(), reason="", version=1, place=2, phase="shadow",
        outcome="passed", numbers={},
    )  # fmt: skip
    book.write(early, unchecked=True)
    book.wait(minutes=1)
    with pytest.raises(PromotionRefused):
        book.promote(1)
    assert book.state(1) == "waiting"


def test_each_approval_phase_is_asked_for_itself(book: Book) -> None:
    """What was approved before the shadow is no approval of what the shadow showed."""
    book.register(1, "gate", approval(1, "bob"), SHADOW, approval(1, "bob"))
    book.say("approval", 1)
    book.judge(1, 2, "shadow")
    assert (book.state(1), book.find(1).place, book.find(1).people) == ("waiting", 3, ("bob",))
    book.say("approval", 1)
    assert book.state(1) == "ready"


@pytest.mark.parametrize(("who", "counts"), [("bob", True), ("ada", False), ("eve", False)])
def test_authors_and_strangers_do_not_approve(book: Book, who: str, counts: bool) -> None:
    """Those who may are named, and whoever made the change is not among them, named or not."""
    book.register(1, "gate", approval(1, "ada", "bob"))
    book.say("approval", 1, by=who)
    assert book.state(1) == ("ready" if counts else "waiting")


def test_one_person_is_one_approval(book: Book) -> None:
    """However often they say it."""
    book.register(1, "gate", approval(2))
    for _ in range(3):
        book.say("approval", 1)
    assert book.find(1).why == "1 more approval"
    book.say("approval", 1, by="eve")
    assert book.state(1) == "ready"


@settings(deadline=None)
@given(data=st.data())
def test_a_team_stands_for_its_members(data: st.DataObject) -> None:
    """As it was when the version was registered: names alone reach the ledger."""
    names = st.sampled_from(["ada", "bob", "cleo", "dan"])
    risk = data.draw(st.lists(names, min_size=2, unique=True))
    promotion = Promotion.model_validate(
        {"phases": ["gate", approval(1, "risk", "eve")], "teams": {"risk": risk}, "roles": {"promote": ["risk"]}}
    )
    rule = promotion.named_phases[1].approval
    assert rule is not None
    assert (set(rule.of), set(promotion.may("promote")), promotion.may("train")) == ({*risk, "eve"}, set(risk), ())


@settings(deadline=None)
@given(days=st.integers(1, 30), seconds=st.integers(0, 40 * 86_400))
def test_an_approval_expires(new_book: Callable[[], Book], days: int, seconds: int) -> None:
    """It counts until the days that were declared are over, and not a moment longer."""
    book = new_book()
    book.register(1, "gate", approval(expires_days=days))
    book.say("approval", 1)
    book.wait(seconds=seconds)
    assert book.state(1) == ("ready" if seconds < days * 86_400 else "waiting")


def test_what_was_approved_in_time_stays_approved(book: Book) -> None:
    """Once a later phase was judged, the approval has done its work."""
    book.register(1, "gate", approval(expires_days=1), SHADOW)
    book.say("approval", 1)
    book.judge(1, 2, "shadow")
    book.wait(days=9)
    assert book.state(1) == "ready"


def test_a_clock_that_is_behind_revives_nothing(book: Book) -> None:
    """What is over by the ledger's own times stays over, and what was just said on another machine counts."""
    book.register(1, "gate", approval(expires_days=2))
    book.say("approval", 1)
    book.wait(days=3)
    book.freeze(model="other")
    book.wait(days=-3)
    assert book.state(1) == "waiting"
    book.say("approval", 1, time="2026-02-01T00:00:00+00:00")
    assert book.state(1) == "ready"


def test_an_override_lets_the_gate_pass_while_it_lasts(book: Book) -> None:
    """Each failed condition must be taken; when the override is over, the gate's word is back."""
    book.register(1, verdict="hold", failed=("better", "cost"))
    book.override(1, "better")
    assert book.state(1) == "refused"
    book.override(1, "cost", days=1)
    assert book.state(1) == "ready"
    book.wait(days=1)
    with pytest.raises(PromotionRefused, match="version 1 is refused: the gate says hold"):
        book.promote(1)


def test_another_champion_makes_a_candidate_stale(book: Book) -> None:
    """It was compared with what does not serve any more, and the refusal is of its own kind."""
    book.register(1)
    book.register(2, approval(), "gate")
    book.promote(1)
    assert book.state(2) == "stale"
    with pytest.raises(ChampionChanged, match="compared with version none, and version 1 serves"):
        book.promote(2)


def test_a_newer_version_that_is_as_far_closes_the_older(book: Book) -> None:
    """Not one that is behind it, is held, was rejected, failed, or was compared with another champion."""
    book.register(1, "gate", approval(), SHADOW)
    book.say("approval", 1)
    book.register(2, "gate", approval(), SHADOW)
    assert (book.state(1), book.state(2)) == ("waiting", "waiting")
    book.say("approval", 2)
    assert (book.state(1), book.state(2)) == ("superseded", "waiting")
    book.say("hold", 2)
    assert (book.state(1), book.state(2)) == ("waiting", "held")
    book.say("release", 2)
    book.judge(2, 2, "shadow", passed=False)
    assert (book.state(1), book.state(2)) == ("waiting", "failed")
    book.register(3, champion=7)
    assert (book.state(1), book.state(3)) == ("waiting", "stale")


def test_going_back_brings_no_older_candidate_into_service(book: Book) -> None:
    """What was closed by the version that is taken back stays closed, though it was compared with what serves again."""
    book.register(1)
    book.promote(1)
    book.register(2, "gate", approval(expires_days=3))
    book.say("approval", 2)
    book.register(3, "gate", approval(expires_days=1))
    book.say("approval", 3)
    book.promote(3)
    book.wait(days=2)
    book.roll_back(1)
    assert (book.state(2), book.state(3)) == ("superseded", "withdrawn")


def test_a_rejection_is_for_good_and_a_hold_until_its_release(book: Book) -> None:
    """Neither is undone by an approval."""
    book.register(1)
    book.say("hold", 1)
    assert book.state(1) == "held"
    book.say("release", 1)
    assert book.state(1) == "ready"
    book.say("rejection", 1)
    book.say("approval", 1)
    book.say("release", 1)
    with pytest.raises(PromotionRefused, match="version 1 is rejected: by bob"):
        book.promote(1)


def test_a_shorter_freeze_does_not_end_a_longer_one(book: Book) -> None:
    """Freezes last until they are over or thawed, each kind by its own thaw; the one that lasts longest is told."""
    book.register(1)
    book.freeze(hours=48, reason="release")
    book.freeze(hours=1, reason="lunch")
    book.freeze(everything=True, model="other", reason="audit")
    book.wait(hours=2)
    with pytest.raises(PromotionRefused, match="until somebody thaws it by ada: audit"):
        book.promote(1)
    book.thaw(everything=True)
    with pytest.raises(PromotionRefused, match=r"frozen until 2026-01-03T00:00:00\+00:00 by ada: release"):
        book.promote(1)
    book.thaw()
    book.promote(1)
    assert book.serving() == 1


def test_a_freeze_of_one_model_is_none_of_another(book: Book) -> None:
    """And going back is possible in any freeze."""
    book.register(1)
    book.promote(1)
    book.register(2)
    book.promote(2)
    book.freeze()
    book.register(1, model="other")
    book.promote(1, model="other")
    book.roll_back(1)
    assert (book.serving(), book.serving("other")) == (1, 1)
