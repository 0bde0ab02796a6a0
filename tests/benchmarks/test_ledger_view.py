"""Looking back through the index gives what the whole ledger gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from benchmarks.registry_ledger import BEGUN, write_ledger
from ratchet.core import ledger as rules
from ratchet.core.ledger_entries import Entry, Line, RegistrationEntry
from ratchet.io.git import git
from ratchet.io.ledger import LedgerBranch
from ratchet.io.lineage_index import newest_versions, versions_named

ENTRIES = 700
"""Two closed segments and a part of a third."""


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory) -> LedgerBranch:
    """A made-up ledger of seventy versions."""
    root = tmp_path_factory.mktemp("view")
    git(["init", "--quiet"], cwd=root)
    write_ledger(root, "m", versions=70, entries=ENTRIES)
    return LedgerBranch(root, ".", "ratchet/ledger")


@pytest.fixture(scope="module")
def entries(branch: LedgerBranch) -> tuple[Line, ...]:
    """All of it, read and built."""
    return branch.read()


def test_what_serves_and_served_is_what_the_entries_say(branch: LedgerBranch, entries: tuple[Line, ...]) -> None:
    """The changes, the champion and the newest entry are those that the rules find in the whole ledger."""
    with branch.view() as view:
        assert view.entries(view.served("m")) == rules.served(entries, "m")
        assert view.champion("m") == rules.champion(entries, "m")
        assert view.last == (entries[-1].sequence, entries[-1].hash)
        assert view.entries(view.concerning("m")) == entries
        assert view.champion("another") is None


def test_what_served_at_a_time_is_what_the_entries_say(branch: LedgerBranch, entries: tuple[Line, ...]) -> None:
    """At moments before, between and after all entries, and at each change to the second."""
    last = datetime.fromisoformat(entries[-1].time)
    moments = [BEGUN - timedelta(days=1), last + timedelta(days=1)]
    moments += [datetime.fromisoformat(entry.time) for entry in rules.served(entries, "m")[::5]]
    moments += [moment - timedelta(seconds=1) for moment in moments]
    with branch.view() as view:
        assert [view.champion_at("m", moment) for moment in moments] == [
            rules.champion_at(entries, "m", moment) for moment in moments
        ]


def test_all_about_one_version_is_in_order(branch: LedgerBranch, entries: tuple[Line, ...]) -> None:
    """Its registration, what was said, its phases and its changes, what took it out of service, and nothing else."""
    with branch.view() as view:
        found = view.entries(view.of_version("m", 41))
    assert found == tuple(
        entry for entry in entries if 41 in (getattr(entry, "version", None), getattr(entry, "replaces", None))
    )
    kinds = [entry.kind for entry in found]
    assert (kinds[:2], kinds.count("promotion"), kinds.count("rollback")) == (["registered", "approval"], 1, 1)


def test_the_rows_of_a_kind_are_told_by_model(branch: LedgerBranch, entries: tuple[Line, ...]) -> None:
    """Rows are counted without building anything."""
    with branch.view() as view:
        assert len(view.rows("m", "registered", "phase")) == sum(
            entry.kind in ("registered", "phase") for entry in entries
        )
        assert not view.rows("another", "registered")


def named(entries: Sequence[Line], text: str) -> set[int]:
    """The versions that a text names, by the whole ledger."""
    made = [each for each in entries if isinstance(each, RegistrationEntry | Entry)]
    return {
        each.version
        for each in made
        if each.run_id.startswith(text)
        or each.commit.startswith(text)
        or text.removeprefix("v") == str(each.version)
        or text in each.trained_on
        or (isinstance(each, RegistrationEntry) and text in (*each.batches, *each.judged_on))
    }


def test_a_text_names_the_versions_that_it_names_in_the_entries(
    branch: LedgerBranch, entries: tuple[Line, ...]
) -> None:
    """By number, by how a run or a commit begins, by a batch; of many the newest are kept, and the others counted."""
    one = next(each for each in entries if isinstance(each, RegistrationEntry) and each.version == 33)
    texts = ("v33", "33", one.run_id, one.run_id[:5], one.commit[:6], one.commit, "2013-04", "2014-01", "2013", "zebra")
    with branch.view() as view:
        for text in texts:
            expected = named(entries, text)
            assert set().union(*versions_named(view, "m", text)) == expected
            kept, earlier = newest_versions([versions_named(view, "m", text)], 20)
            assert (kept, earlier) == (set(sorted(expected)[-20:]), max(0, len(expected) - 20))
        assert not set().union(*versions_named(view, "another", "2013-04"))
        assert len(named(entries, "2013-04")) == 70


def test_a_shared_batch_does_not_crowd_out_what_else_is_meant() -> None:
    """Of each way in which versions are named the newest ones are kept: an old version by its number is among them."""
    by_number, by_batch = {3}, set(range(1, 101))
    assert newest_versions([(by_number, set(), set(), by_batch)], 2) == ({3, 99, 100}, 97)
    assert newest_versions([({3},), (by_number, by_batch)], 1) == ({3, 100}, 98)
    assert newest_versions([(by_number, by_batch)], None) == (by_batch, 0)
    assert newest_versions([], 5) == (set(), 0)


def test_entries_that_are_asked_for_are_found_in_any_segment(branch: LedgerBranch, entries: tuple[Line, ...]) -> None:
    """The first and the last of each, and all of them."""
    with branch.view() as view:
        rows = view.concerning("m")
        some = [rows[place] for place in (0, 249, 250, 499, 500, len(rows) - 1)]
        assert view.entries(some) == tuple(entries[row.sequence - 1] for row in some)
        assert [(place.sequence, place.hash) for place in view.index.hashes(248)] == [
            (entry.sequence, entry.hash) for entry in entries[248:]
        ]
