"""An index that another version of the program has written is built anew, and what it has seen still counts."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.core.ledger import append, dump
from ratchet.core.ledger_entries import Freeze, Line
from ratchet.errors import TamperedFile
from ratchet.io.git import git
from ratchet.io.ledger import FILE, LedgerBranch

ENTRIES = 3


def write(ledger: LedgerBranch, count: int, actor: str = "a") -> None:
    """Put so many entries by this person on the branch by force."""
    entries: list[Line] = []
    for day in range(1, count + 1):
        called = Freeze(kind="freeze", model="m", actor=actor, time=f"2026-01-0{day}T00:00:00+00:00", reason="why")
        entries.append(append(entries, called))
    assert ledger.put_blobs(ledger.head(), {FILE: ledger.blob(dump(entries).encode())}, title="by force")


@pytest.fixture
def ledger(repository: Callable[[str], Path]) -> LedgerBranch:
    """A repository that has seen three entries, with an index of the second layout."""
    found = LedgerBranch(repository("alone"), ".", "ratchet/ledger")
    write(found, ENTRIES)
    found.read()
    assert found.index is not None
    older = [(*each, "freeze", "m", f"2026-01-0{each.sequence}T00:00:00+00:00") for each in found.remembered()]
    found.index.unlink()
    with sqlite3.connect(found.index) as database:
        database.execute("CREATE TABLE segment (place, blob, last, hash)")
        database.execute("CREATE TABLE line (sequence, hash, kind, model, time, version, run_id, place, start, size)")
        database.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, NULL, '', 0, 0, 0)", older)
        database.execute("PRAGMA user_version = 2")
    return found


@pytest.mark.parametrize("writable", [True, False], ids=["written", "only read"])
def test_an_older_index_remembers_what_was_seen(
    ledger: LedgerBranch, monkeypatch: pytest.MonkeyPatch, *, writable: bool
) -> None:
    """The first look after an upgrade reads all entries again, and finds that one was cut off or is another."""
    monkeypatch.setattr(os, "access", lambda _path, _mode: writable)
    write(ledger, ENTRIES - 1)
    with pytest.raises(TamperedFile, match=r"entry 3 is gone.*freeze of m, 2026-01-03"):
        ledger.read()
    write(ledger, ENTRIES, actor="b")
    with pytest.raises(TamperedFile, match="entry 1 is another now"):
        ledger.read()
    git(["update-ref", "-d", "refs/heads/ratchet/ledger"], cwd=ledger.root)
    with pytest.raises(TamperedFile, match="entry 1 is gone"):
        ledger.read()


@pytest.mark.parametrize("writable", [True, False], ids=["written", "only read"])
def test_an_older_index_is_built_anew(ledger: LedgerBranch, monkeypatch: pytest.MonkeyPatch, *, writable: bool) -> None:
    """With the columns that it did not have, as a new clone's."""
    monkeypatch.setattr(os, "access", lambda _path, _mode: writable)
    write(ledger, ENTRIES + 1)
    with ledger.view() as view:
        assert [entry.sequence for entry in view.entries(view.concerning("m"))] == [1, 2, 3, 4]
    assert bool(ledger.misplaced(ledger.head())) is not writable
