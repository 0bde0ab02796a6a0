"""Looking back through the index gives what the whole ledger gives."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from benchmarks.registry_ledger import BEGUN, write_ledger
from ratchet.core import ledger as rules
from ratchet.core.ledger_entries import Line
from ratchet.io.git import git
from ratchet.io.ledger import LedgerBranch

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
