"""Lineage by the ledger alone: from any end to all the others, whatever was promoted and rolled back in between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.ledger import append, champion, champion_at, rollback_target
from ratchet.core.ledger_entries import Change, Entry, Event, Line, Opinion, Registration
from ratchet.core.lineage import Answered, Asked, Descent, End, Lineage, ends, has, told_by
from ratchet.core.lineage_descent import descent
from ratchet.core.lineage_graph import graph_of, newest, reached
from ratchet.core.lineage_picture import DESCENTS_DRAWN, HEIGHT, WIDTH, picture_of
from ratchet.core.phases import GatePhase, Phase

START = datetime(2026, 1, 1, tzinfo=UTC)
BATCHES = tuple(f"2013-{month:02}" for month in range(1, 13))


def facts(version: int, minute: int) -> dict[str, object]:
    """What a registration and a promotion of a version have in common."""
    return {
        "model": "m", "version": version, "run_id": f"{version:02x}{'a' * 30}", "fingerprint": f"f{version}",
        "model_digest": f"model-{version}", "seal": "s", "decision_digest": "d",
        "commit": f"{version // 2:02x}{'c' * 38}",
        "trained_on": {name: f"features {name}" for name in BATCHES[:version]}, "metrics": {"auc": 0.5},
        "actor": "ana", "time": (START + timedelta(minutes=minute)).isoformat(), "reason": "why",
    }  # fmt: skip


def registration(version: int, minute: int) -> Registration:
    return Registration.model_validate(
        {
            **facts(version, minute), "verdict": "promote", "decided": "better", "champion": None, "policy": "p",
            "authors": ("eve",), "judged_on": (BATCHES[version],), "phases": (Phase(gate=GatePhase()),),
            "batches": {name: f"raw {name}" for name in BATCHES[: version + 1]},
        }
    )  # fmt: skip


def change(version: int, minute: int, entries: Sequence[Line], kind: str) -> Change:
    serving = champion(entries, "m")
    return Change.model_validate(
        {**facts(version, minute), "kind": kind, "replaces": serving.version if serving else None}
    )


@st.composite
def ledgers(draw: st.DrawFn) -> list[Line]:
    """Versions in order, some approved, some promoted, some of these taken back, and of another model one."""
    entries: list[Line] = []

    def put(event: Event) -> None:
        entries.append(append(entries, event))

    for version in range(1, draw(st.integers(1, 8)) + 1):
        put(registration(version, len(entries)))
        if draw(st.booleans()):
            time = (START + timedelta(minutes=len(entries))).isoformat()
            put(Opinion(kind="approval", model="m", version=version, actor="bob", time=time, reason="good"))
        if draw(st.booleans()):
            put(change(version, len(entries), entries, "promotion"))
            if draw(st.booleans()) and len({each.version for each in entries if isinstance(each, Entry)}) > 1:
                put(change(rollback_target(entries, "m").version, len(entries), entries, "rollback"))
    put(registration(1, len(entries)).model_copy(update={"model": "other", "run_id": "f" * 32}))
    return entries


def runs_of(entries: Sequence[Line], end: End, name: str) -> set[str]:
    return {run for run, told in told_by(entries, "m").items() if has(told, end, name)}


def own_ends(found: Descent) -> list[tuple[End, str]]:
    """Each end that a descent can be asked for by, by its full name."""
    return [
        ("version", str(found.version)),
        ("run", found.run_id),
        ("commit", found.commit),
        *(("batch", batch.name) for batch in found.batches),
    ]


@given(ledgers())
def test_each_end_of_a_descent_leads_back_to_it(entries: list[Line]) -> None:
    """By its full name each end is found, and among what hangs on it is the run it was taken from."""
    told = told_by(entries, "m")
    assert "f" * 32 not in told
    for run, each in told.items():
        for end, name in own_ends(descent(each)):
            assert Asked(end=end, name=name) in ends(told.values(), name)
            assert run in runs_of(entries, end, name)


@given(ledgers())
def test_two_ends_that_share_a_run_lead_to_each_other(entries: list[Line]) -> None:
    """Being part of one lineage has no direction: what is asked for makes no difference."""
    told = told_by(entries, "m")
    for each in told.values():
        for (one, first), (other, second) in combinations(own_ends(descent(each)), 2):
            assert runs_of(entries, one, first) & runs_of(entries, other, second)


@given(ledgers())
def test_from_each_node_of_a_run_all_others_are_reached(entries: list[Line]) -> None:
    """Batches, commit, decision, version, times of service and answers all hang together."""
    answered = Answered(requests=1, rows=2, first="a", last="b")
    for each in told_by(entries, "m").values():
        found = descent(each).model_copy(update={"answered": answered})
        graph = graph_of(Lineage(model="m", asked=Asked(end="run", name=each.run_id), descents=(found,)))
        everything = {node.name for node in graph.nodes}
        assert len(everything) == len(found.batches) + 5 + len(found.services)
        for node in everything:
            assert reached(graph, node) == everything


@given(ledgers(), st.integers(0, 40))
def test_at_each_moment_the_ledgers_champion_is_in_service(entries: list[Line], minute: int) -> None:
    """Of all times of service exactly one holds a moment, that of the version which the ledger says served."""
    moment = START + timedelta(minutes=minute, seconds=30)
    found = [
        told.source.version
        for told in told_by(entries, "m").values()
        for each in descent(told).services
        if datetime.fromisoformat(each.since) <= moment
        and (each.until is None or moment < datetime.fromisoformat(each.until))
    ]
    serving = champion_at(entries, "m", moment)
    assert found == ([serving.version] if serving else [])


@given(ledgers())
def test_a_part_of_the_ledger_tells_the_same(entries: list[Line]) -> None:
    """The entries of one version alone, with the times of what replaced it, are enough."""
    changes = [each for each in entries if isinstance(each, Entry)]
    left = {before.sequence: after.time for before, after in pairwise(changes)}
    for run, told in told_by(entries, "m").items():
        own = [each for each in entries if getattr(each, "version", None) == told.source.version]
        assert descent(told_by(own, "m", left)[run]) == descent(told)


def test_what_can_be_two_things_is_said_to_be_both() -> None:
    """Versions are numbers, and numbers begin hashes; one that is too short for a hash is a version alone."""
    told = told_by([append([], registration(1, 0))], "m").values()
    (only,) = told
    assert only.registered is not None
    only.registered = only.registered.model_copy(update={"version": 1234, "commit": "1234" + "0" * 36})
    assert {each.end for each in ends(told, "1234")} == {"version", "commit"}
    assert {each.end for each in ends(told, "v1234")} == {"version"}
    assert ends(told, "123") == []
    assert [each.end for each in ends(told, "01aaaa")] == ["run"]
    assert ends(told, "2013") == []


@pytest.mark.parametrize("versions", [1, 3, 11])
def test_no_box_of_the_picture_lies_on_another(versions: int) -> None:
    """However many versions: every box is inside of the picture and by itself, and the one asked for is marked."""
    entries: list[Line] = []
    for version in range(1, versions + 1):
        entries.append(append(entries, registration(version, len(entries))))
        entries.append(append(entries, change(version, len(entries), entries, "promotion")))
    found = tuple(map(descent, told_by(entries, "m").values()))
    picture = picture_of(Lineage(model="m", asked=Asked(end="batch", name=BATCHES[0]), descents=found))
    for box in picture.boxes:
        assert 0 <= box.x <= picture.width - WIDTH
        assert 0 <= box.y <= picture.height - HEIGHT
    for one, other in combinations(picture.boxes, 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT
    assert [box.node.title for box in picture.boxes if box.asked] == [BATCHES[0]]


def test_of_many_versions_the_newest_are_drawn() -> None:
    """What is left out is counted, with what was left out before."""
    (told,) = told_by([append([], registration(1, 0))], "m").values()
    many = tuple(descent(told).model_copy(update={"run_id": f"r{number}", "version": number}) for number in range(40))
    lineage = Lineage(model="m", asked=Asked(end="batch", name=BATCHES[0]), descents=many, earlier=2)
    assert [each.version for each in newest(lineage, 2).descents] == [38, 39]
    assert picture_of(lineage).left_out == f"{42 - DESCENTS_DRAWN} older runs"
