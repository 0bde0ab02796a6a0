"""The ledger's rules, against a plain simulation and against anybody who edits its file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ratchet.core.ledger import (
    GENESIS,
    append,
    champion,
    champion_at,
    dump,
    load,
    not_loading,
    rollback_target,
    withdrawn,
)
from ratchet.core.ledger_entries import Change, Entry
from ratchet.errors import PromotionRefused, TamperedFile

START = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
"""Any text that UTF-8 can hold, with the marks that some take for the end of a line."""


def change(version: int, replaces: int | None, *, minute: int = 0, kind: str = "promotion", reason: str = "") -> Change:
    return Change.model_validate(
        {
            "kind": kind, "model": "m", "version": version, "replaces": replaces, "run_id": "r", "fingerprint": "f",
            "model_digest": f"model-{version}", "seal": "s", "decision_digest": "d", "commit": "c",
            "trained_on": {"2013-01": "x"}, "metrics": {"auc": 0.1 + version}, "actor": "a",
            "time": (START + timedelta(minutes=minute)).isoformat(), "reason": reason,
        }
    )  # fmt: skip


def chain(*versions: int) -> list[Entry]:
    """Promotions of `versions`, a minute apart."""
    entries: list[Entry] = []
    for minute, version in enumerate(versions):
        serving = champion(entries, "m")
        entries.append(append(entries, change(version, serving.version if serving else None, minute=minute)))
    return entries


def roll_back(entries: Sequence[Entry]) -> list[Entry]:
    """The ledger after one more rollback."""
    target = rollback_target(entries, "m")
    step = change(target.version, entries[-1].version, minute=len(entries), kind="rollback")
    return [*entries, append(entries, step)]


class LedgerMachine(RuleBasedStateMachine):
    """Any sequence of promotions and rollbacks, beside a simulation that knows only version numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.served: list[tuple[datetime, int]] = []
        self.stack: list[int] = []
        self.now = START

    def _put(self, version: int, kind: str, reason: str, wait: int) -> None:
        serving = self.served[-1][1] if self.served else None
        self.now += timedelta(minutes=wait)
        minute = int((self.now - START).total_seconds() // 60)
        asked = change(version, serving, minute=minute, kind=kind, reason=reason)
        self.entries.append(append(self.entries, asked))
        self.served.append((self.now, version))
        if kind == "rollback" and version in self.stack:
            while self.stack[-1] != version:
                self.stack.pop()
        else:
            self.stack.append(version)

    @rule(reason=TEXTS, wait=st.integers(0, 3))
    def promote_new(self, reason: str, wait: int) -> None:
        """A version that never served."""
        self._put(len({version for _, version in self.served}) + 1, "promotion", reason, wait)

    @precondition(lambda self: self.served)
    @rule(data=st.data(), wait=st.integers(0, 3))
    def promote_old(self, data: st.DataObject, wait: int) -> None:
        """A version that served before."""
        self._put(data.draw(st.sampled_from(sorted({version for _, version in self.served}))), "promotion", "", wait)

    @precondition(lambda self: self.served)
    @rule(data=st.data(), wait=st.integers(0, 3))
    def go_back_to(self, data: st.DataObject, wait: int) -> None:
        """To any version that ever served."""
        self._put(data.draw(st.sampled_from(sorted({version for _, version in self.served}))), "rollback", "", wait)

    @rule(wait=st.integers(0, 3))
    def go_back(self, wait: int) -> None:
        """Back to what served before the serving version came, or a refusal where nothing did."""
        target = self.stack[-2] if len(self.stack) > 1 else None
        if target is None:
            with pytest.raises(PromotionRefused):
                rollback_target(self.entries, "m")
        else:
            assert rollback_target(self.entries, "m").version == target
            self._put(target, "rollback", "", wait)

    @precondition(lambda self: self.served)
    @rule(stale=st.integers(0, 99))
    def race(self, stale: int) -> None:
        """A change that replaces another version than the serving one is refused."""
        if stale != self.served[-1][1]:
            with pytest.raises(PromotionRefused):
                append(self.entries, change(100, stale))

    @rule(minute=st.integers(-1, 200))
    def ask(self, minute: int) -> None:
        """What served at a moment is the last version that came up to then."""
        moment = START + timedelta(minutes=minute)
        found = champion_at(self.entries, "m", moment)
        assert (found.version if found else None) == next(
            (version for time, version in reversed(self.served) if time <= moment), None
        )

    @invariant()
    def survives_its_file(self) -> None:
        """The chain verifies when it is read back, equal to itself, and the last version serves."""
        assert load(dump(self.entries)) == tuple(self.entries)
        serving = champion(self.entries, "m")
        assert (serving.version if serving else None) == (self.served[-1][1] if self.served else None)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_what_did_not_load_is_known_until_it_serves_again() -> None:
    """By the promotion over it, the latest one; one that had a way back says nothing about what it replaced."""
    entries: list[Entry] = []
    for version, replaces, failure in ((1, None, ""), (2, 1, ""), (3, 2, "no trees"), (4, 3, "no trees")):
        event = change(version, replaces, minute=version).model_copy(update={"no_way_back": failure})
        entries.append(append(entries, event))
    assert load(dump(entries)) == tuple(entries)
    assert {version: entry.sequence for version, entry in not_loading(entries, "m").items()} == {2: 3, 3: 4}
    assert not_loading(entries, "other") == {}
    entries.append(append(entries, change(3, 4, minute=5, kind="rollback")))
    assert set(not_loading(entries, "m")) == {2}


def edited(line: str, field: str, value: object) -> str:
    return json.dumps({**json.loads(line), field: value})


EDITS = {
    "version": 99, "replaces": 7, "actor": "somebody else", "time": "2020-01-01T00:00:00+00:00", "reason": "another",
    "metrics": {"auc": 1.0}, "model_digest": "another", "seal": "another", "kind": "rollback", "sequence": 9,
    "previous": GENESIS[:-1] + "1", "hash": GENESIS, "run_id": "another", "trained_on": {}, "commit": "another",
    "decision_digest": "another", "fingerprint": "another", "model": "another",
    "overrides": [{"conditions": ["better"], "reason": "r", "actor": "a", "expires": "2026-01-01T00:00:00+00:00"}],
    "no_way_back": "it did not load",
}  # fmt: skip


def test_every_field_is_edited_below() -> None:
    """The property that follows tries each field that an entry has."""
    assert set(EDITS) == set(Entry.model_fields)


@settings(deadline=None)
@given(count=st.integers(1, 6), place=st.integers(0, 5), field=st.sampled_from(sorted(EDITS)))
def test_an_edited_field_is_found(count: int, place: int, field: str) -> None:
    """Whatever is changed in whichever line, the ledger is not read, and the line is named at the latest."""
    lines = dump(chain(*range(1, count + 1))).splitlines()
    place %= count
    lines[place] = edited(lines[place], field, EDITS[field])
    with pytest.raises(TamperedFile, match=f"^ledger entry {place + 1} "):
        load("\n".join(lines) + "\n")


@settings(deadline=None)
@given(count=st.integers(2, 7), data=st.data())
def test_a_dropped_line_is_found(count: int, data: st.DataObject) -> None:
    """A line that is missing before the last one breaks the chain at its place."""
    lines = dump(chain(*range(1, count + 1))).splitlines(keepends=True)
    place = data.draw(st.integers(0, count - 2))
    with pytest.raises(TamperedFile, match=f"^ledger entry {place + 1} does not follow"):
        load("".join(lines[:place] + lines[place + 1 :]))


@settings(deadline=None)
@given(count=st.integers(2, 6), data=st.data())
def test_reordered_lines_are_found(count: int, data: st.DataObject) -> None:
    """Every order but the one in which they were written is refused."""
    lines = dump(chain(*range(1, count + 1))).splitlines(keepends=True)
    order = data.draw(st.permutations(range(count)).filter(lambda order: order != list(range(count))))
    with pytest.raises(TamperedFile, match="does not follow the entry before it"):
        load("".join(lines[place] for place in order))


@settings(deadline=None)
@given(count=st.integers(1, 6), place=st.integers(0, 5))
def test_a_doubled_line_is_found(count: int, place: int) -> None:
    """No entry counts twice."""
    lines = dump(chain(*range(1, count + 1))).splitlines(keepends=True)
    place %= count
    with pytest.raises(TamperedFile, match=f"^ledger entry {place + 2} does not follow"):
        load("".join([*lines[: place + 1], *lines[place:]]))


@pytest.mark.parametrize("line", ["", "{", "null", "<<<<<<< HEAD", '{"version": 1}'])
def test_a_line_that_is_no_entry_is_named(line: str) -> None:
    """Conflict marks, cut lines and empty ones are not skipped."""
    with pytest.raises(TamperedFile, match=r"^ledger entry 2 cannot be read"):
        load(dump(chain(1)) + line + "\n")


def test_an_empty_file_is_an_empty_ledger() -> None:
    """Before the first promotion nothing serves."""
    assert (load(""), champion(load(""), "m"), champion_at(load(""), "m", START)) == ((), None, None)


def test_the_first_entry_names_the_genesis() -> None:
    """The chain begins at a fixed place, and each entry names the one before it."""
    first, second = chain(1, 2)
    assert (first.previous, second.previous, first.sequence, second.sequence) == (GENESIS, first.hash, 1, 2)


def test_rolling_back_twice_goes_back_two_versions() -> None:
    """A rollback is no promotion of what it returns to: the next one goes further back."""
    once = roll_back(chain(1, 2, 3))
    twice = roll_back(once)
    assert (once[-1].version, twice[-1].version) == (2, 1)


def test_rolling_back_goes_to_what_served_and_not_to_the_number_below() -> None:
    """Versions that were registered but never served are no targets."""
    assert rollback_target(chain(3, 7), "m").version == 3


@pytest.mark.parametrize("entries", [[], chain(1), roll_back(chain(1, 2))], ids=["empty", "first", "back at first"])
def test_nothing_before_refuses_a_rollback(entries: list[Entry]) -> None:
    """Where nothing served before, the refusal says so."""
    with pytest.raises(PromotionRefused, match="nothing"):
        rollback_target(entries, "m")


def test_a_change_that_replaces_what_does_not_serve_is_refused() -> None:
    """The refusal names both versions: the one that serves and the one that was expected."""
    with pytest.raises(PromotionRefused, match=r"version 2 serves, but the change replaces version 1"):
        append(chain(1, 2), change(3, 1))


def test_only_what_a_rollback_left_is_withdrawn() -> None:
    """A model that was replaced by a better one may come back; one that was rolled back is marked with its rollback."""
    entries = roll_back(chain(1, 2, 3))
    assert withdrawn(entries, "m") == {"model-3": entries[-1]}
