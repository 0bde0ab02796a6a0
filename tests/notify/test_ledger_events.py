"""What the entries of a ledger mean to somebody who is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ratchet.core.ledger_events import LedgerEvent, ledger_events

if TYPE_CHECKING:
    from tests.notify.conftest import Told

    from ratchet.core.ledger_entries import Event, Line

APPROVAL = {"approval": {"of": ["grace", "kai"]}}
SHADOW = {"shadow": {"rows": 10}}


def found(entries: tuple[Line, ...], after: int = 0) -> list[LedgerEvent]:
    """The events of parcels."""
    return list(ledger_events(entries, "parcels", after=after))


def names(entries: tuple[Line, ...], after: int = 0) -> list[str]:
    """Their names."""
    return [each.name for each in found(entries, after)]


def test_a_way_into_service_and_back(tell: Told) -> None:
    """Each entry is told once, and that somebody is waited for when the version comes to that phase."""
    first: list[Event] = [tell.registered(1), tell.change("promotion", 1, None)]
    second: list[Event] = [
        tell.registered(2, "gate", APPROVAL, SHADOW, champion=1),
        tell.opinion("hold", 2, "kai"),
        tell.opinion("release", 2, "kai"),
        tell.opinion("approval", 2, "grace", link="https://ci.example/7"),
        tell.phase(2, 2, "shadow", "passed"),
        tell.change("promotion", 2, 1),
        tell.change("rollback", 1, 2),
    ]
    entries = tell.ledger(*first, *second)
    assert names(entries) == [
        "registered", "promoted", "registered", "waiting", "held", "released", "waiting", "approved", "passed",
        "promoted", "rolled_back",
    ]  # fmt: skip
    waiting = found(entries)[3].data("parcels")
    assert (waiting["version"], waiting["waits_for"], waiting["entry"]) == (2, ["grace", "kai"], 3)
    promoted = found(entries)[9].data("parcels")
    assert (promoted["replaces"], promoted["run"], promoted["commit"]) == (1, "r2", "c2")
    assert "no_way_back" not in promoted


def test_a_promotion_without_a_way_back_says_what_failed(tell: Told) -> None:
    """Whoever is told that it serves learns that there is nothing to go back to."""
    lost = tell.change("promotion", 2, 1).model_copy(update={"no_way_back": "no trees"})
    entries = tell.ledger(
        tell.registered(1), tell.change("promotion", 1, None), tell.registered(2, "gate", champion=1), lost
    )
    assert found(entries)[-1].data("parcels")["no_way_back"] == "no trees"


@pytest.mark.parametrize("phases", [("gate", APPROVAL, SHADOW), (APPROVAL, "gate", SHADOW)])
def test_a_refusal_is_told_with_its_reason(tell: Told, phases: tuple[object, ...]) -> None:
    """Of a phase that rows decide, and of a gate that comes after somebody's word."""
    verdict = "promote" if phases[0] == "gate" else "reject"
    entries = tell.ledger(
        tell.registered(1, *phases, verdict=verdict),
        tell.opinion("approval", 1, "grace"),
        *([tell.phase(1, 2, "shadow", "failed")] if verdict == "promote" else []),
    )
    last = found(entries)[-1]
    assert last.name == "refused"
    assert last.data("parcels")["reason"] in ("shadow: because", "the gate says reject: it says so")


def test_only_what_concerns_the_model_and_is_new_is_told(tell: Told) -> None:
    """A freeze of everything concerns all, one of another model does not, nor do its versions."""
    other = type(tell)("letters")
    entries = tell.ledger(
        other.registered(1), other.change("promotion", 1, None), other.freeze("freeze"),
        other.freeze("freeze", everything=True), tell.freeze("thaw"), tell.registered(1),
    )  # fmt: skip
    assert names(entries) == ["frozen", "thawed", "registered"]
    assert [each.version for each in found(entries)] == [None, None, 1]
    assert names(entries, after=5) == ["registered"]


def test_an_event_keeps_its_id(tell: Told) -> None:
    """However long the ledger has grown since, and no two have the same."""
    events: list[Event] = [
        tell.registered(1, "gate", APPROVAL),
        tell.opinion("approval", 1, "grace"),
        tell.freeze("freeze"),
    ]
    whole = [each.identity for each in found(tell.ledger(*events))]
    assert len(set(whole)) == len(whole) == 4
    for size in range(1, 4):
        part = [each.identity for each in found(tell.ledger(*events[:size]))]
        assert part == whole[: len(part)]
