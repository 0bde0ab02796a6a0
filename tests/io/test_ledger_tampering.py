"""Whatever somebody does to the ledger's branch is found: by the chain, or by what a clone has seen of it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.core.chain import split
from ratchet.core.ledger import append, dump
from ratchet.core.ledger_entries import Change, Entry, Line
from ratchet.errors import ServiceFailed, TamperedFile
from ratchet.io import ledger_index, ledger_segments
from ratchet.io.git import git
from ratchet.io.ledger import FILE, LedgerBranch
from ratchet.io.ledger_segments import in_order

BRANCH = "ratchet/ledger"
ENTRIES = 8
"""Two closed segments of three, and two entries in the open one."""


def change(version: int, *, actor: str = "a") -> Change:
    return Change(
        kind="promotion", model="m", version=version, replaces=version - 1 or None, run_id=f"r{version}",
        fingerprint="f", model_digest=f"d{version}", seal="s", decision_digest="d", commit="c", trained_on={},
        metrics={"auc": 0.7}, actor=actor, time="2026-01-01T00:00:00+00:00", reason="it is better",
    )  # fmt: skip


def grow(ledger: LedgerBranch, *versions: int) -> None:
    for version in versions:
        ledger.append(lambda _entries, version=version: change(version), Entry)  # type: ignore[misc]  # bound at once


def write(ledger: LedgerBranch, lines: list[bytes]) -> None:
    """Put these lines on the branch by force, in segments of three, as somebody who may push can."""
    pieces = [lines[place : place + 3] for place in range(0, len(lines), 3)] or [[]]
    files = {f"ledger/{number:06}.jsonl": piece for number, piece in enumerate(pieces[:-1], start=1)}
    files[FILE] = pieces[-1]
    blobs = {path: ledger.blob(b"".join(line + b"\n" for line in piece)) for path, piece in files.items()}
    assert ledger.put_blobs(ledger.head(), blobs, title="by force")


def lines_of(ledger: LedgerBranch) -> list[bytes]:
    return [line for text in ledger.contents(in_order(ledger.blobs(ledger.head()))) for line in split(text)]


def chained(*actors: str) -> list[bytes]:
    """A whole chain with right hashes, by other people."""
    entries: list[Line] = []
    for version, actor in enumerate(actors, start=1):
        entries.append(append(entries, change(version, actor=actor)))
    return split(dump(entries))


@pytest.fixture
def ledger(repository: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LedgerBranch:
    """A clone that has seen eight entries, of a repository beside it."""
    monkeypatch.setattr(ledger_segments, "SEGMENT", 3)
    git(["clone", "--quiet", "--bare", str(repository("source")), "hub.git"], cwd=tmp_path)
    git(["clone", "--quiet", "hub.git", "one"], cwd=tmp_path)
    found = LedgerBranch(tmp_path / "one", "origin", BRANCH)
    write(found, chained(*"a" * ENTRIES))
    found.read()
    return found


@pytest.fixture
def fresh(ledger: LedgerBranch, tmp_path: Path) -> LedgerBranch:
    """A clone that has seen nothing yet."""
    git(["clone", "--quiet", "hub.git", "two"], cwd=tmp_path)
    return LedgerBranch(tmp_path / "two", "origin", BRANCH)


def edited(lines: list[bytes]) -> list[bytes]:
    return [lines[0], json.dumps({**json.loads(lines[1]), "actor": "b"}).encode(), *lines[2:]]


def rewritten(lines: list[bytes]) -> list[bytes]:
    return chained("a", "a", "a", "b", *("a" for _ in lines[4:]))


BY_CHAIN: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "edited": (edited, "entry 2 was edited"),
    "dropped": (lambda lines: lines[:4] + lines[5:], "entry 5 does not follow"),
    "first dropped": (lambda lines: lines[1:], "entry 1 does not follow"),
    "reordered": (lambda lines: [*lines[:5], lines[6], lines[5], lines[7]], "entry 6 does not follow"),
    "doubled": (lambda lines: [*lines, lines[-1]], "entry 9 does not follow"),
    "segments swapped": (lambda lines: [*lines[3:6], *lines[:3], *lines[6:]], "entry 1 does not follow"),
    "segment dropped": (lambda lines: [*lines[:3], *lines[6:]], "entry 4 does not follow"),
    "no entry": (lambda lines: [*lines, b"{}"], "entry 9 cannot be read"),
}
BY_MEMORY: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "cut off": (lambda lines: lines[:-1], r"entry 8 is gone: .*\(promotion of m version 8, 2026-01-01"),
    "cut off at a segment": (lambda lines: lines[:6], "entry 7 is gone"),
    "emptied": (lambda _lines: [], "entry 1 is gone"),
    "rewritten": (rewritten, r"entry 4 is another now .*\(promotion of m version 4, 2026-01-01"),
    "rewritten and shorter": (lambda lines: rewritten(lines)[:5], "entry 4 is another now"),
    "rewritten and longer": (lambda lines: rewritten([*lines, b"", b""]), "entry 4 is another now"),
}


@pytest.mark.parametrize("kind", [*BY_CHAIN, *BY_MEMORY])
def test_a_clone_that_has_seen_the_ledger_finds_it(ledger: LedgerBranch, kind: str) -> None:
    """Whatever was done to the branch, nothing reads it or writes on top of it, and the first entry is named."""
    tamper, words = {**BY_CHAIN, **BY_MEMORY}[kind]
    write(ledger, tamper(lines_of(ledger)))
    with pytest.raises(TamperedFile, match=words):
        ledger.read()
    with pytest.raises(TamperedFile, match=words), ledger.view():
        pass
    with pytest.raises(TamperedFile, match=words):
        grow(ledger, ENTRIES + 1)


@pytest.mark.parametrize("kind", BY_CHAIN)
def test_a_fresh_clone_finds_what_breaks_the_chain(fresh: LedgerBranch, kind: str) -> None:
    """No memory is needed for what the hashes show."""
    tamper, words = BY_CHAIN[kind]
    write(fresh, tamper(lines_of(fresh)))
    with pytest.raises(TamperedFile, match=words):
        fresh.read()


def test_a_deleted_branch_is_found(ledger: LedgerBranch) -> None:
    """No ledger at all is no empty one, where there was one."""
    git(["push", "--quiet", "origin", f":refs/heads/{BRANCH}"], cwd=ledger.root)
    with pytest.raises(TamperedFile, match="entry 1 is gone"):
        ledger.read()


def test_what_was_done_to_the_branch_can_be_accepted(ledger: LedgerBranch) -> None:
    """After somebody has looked, the clone goes on from the branch as it is; a broken chain is never accepted."""
    lines = lines_of(ledger)
    write(ledger, lines[:5])
    ledger.accept()
    assert [entry.sequence for entry in ledger.read()] == [1, 2, 3, 4, 5]
    write(ledger, edited(lines))
    with pytest.raises(TamperedFile, match="entry 2 was edited"):
        ledger.accept()


def test_an_older_answer_is_no_cut(ledger: LedgerBranch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked for the branch just before another process of this clone wrote asks again, and sees all."""
    answers = [ledger.head()]
    grow(ledger, ENTRIES + 1)
    now = ledger.head()
    monkeypatch.setattr(LedgerBranch, "head", lambda _self: answers.pop() if answers else now)
    assert len(ledger.read()) == ENTRIES + 1


@pytest.mark.parametrize("left", [None, b"", b"rubbish" * 1000], ids=["deleted", "empty", "rubbish"])
def test_a_lost_index_is_made_anew(ledger: LedgerBranch, left: bytes | None) -> None:
    """The index is a convenience: without it, or with one that cannot be read, the branch is read as by a new clone."""
    assert ledger.index is not None
    entries = ledger.read()
    ledger.index.unlink()
    if left is not None:
        ledger.index.write_bytes(left)
    assert ledger.read() == entries
    with ledger.view() as view:
        assert view.entries(view.served("m")) == entries


def test_an_index_that_says_something_else_is_not_believed(ledger: LedgerBranch) -> None:
    """A line is held against its hash when it is read; where the index hides one, verifying finds it."""
    assert ledger.index is not None
    with sqlite3.connect(ledger.index) as database:
        database.execute("UPDATE segment SET ends = zeroblob(length(ends)) WHERE last = 8")
        database.execute("UPDATE line SET kind = 'hold' WHERE sequence = 7")
    with ledger.view() as view:
        rows = view.served("m")
        assert [row.sequence for row in rows] == [1, 2, 3, 4, 5, 6, 8]
        with pytest.raises(TamperedFile, match="entry 8 "):
            view.entries(rows)
    assert "wrong about entry 7" in ledger.misplaced(ledger.head())
    assert [entry.sequence for entry in ledger.read()] == list(range(1, ENTRIES + 1))


def test_a_row_that_was_taken_out_of_the_index_is_found(ledger: LedgerBranch) -> None:
    """Hiding an entry from those who look back does not hide it from whoever verifies."""
    assert ledger.index is not None
    assert not ledger.misplaced(ledger.head())
    with sqlite3.connect(ledger.index) as database:
        database.execute("DELETE FROM line WHERE sequence = 8")
    assert "wrong about entry 8" in ledger.misplaced(ledger.head())


def test_an_index_that_cannot_be_written_still_remembers(ledger: LedgerBranch, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a clone that is only read, such as a server's, new entries are read and a cut branch is found."""
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    grow(ledger, ENTRIES + 1)
    assert len(ledger.read()) == ENTRIES + 1
    assert len(ledger.remembered()) == ENTRIES
    write(ledger, lines_of(ledger)[:6])
    with pytest.raises(TamperedFile, match="entry 7 is gone"):
        ledger.read()


def test_a_full_disk_is_no_tampering(ledger: LedgerBranch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the index cannot be written for want of space, the error says so, and nothing is remembered by half."""
    before = ledger.remembered()
    monkeypatch.setattr(ledger_index, "ROW", ledger_index.ROW.replace("line", "nowhere"))
    write(ledger, [*lines_of(ledger)[:ENTRIES], *chained(*"a" * (ENTRIES + 1))[ENTRIES:]])
    with pytest.raises(ServiceFailed, match=r"the index of the ledger, .* failed") as failed:
        ledger.read()
    assert not isinstance(failed.value, TamperedFile)
    assert ledger.remembered() == before


def test_closed_segments_never_change(ledger: LedgerBranch) -> None:
    """An append writes the open segment alone; a full one keeps its bytes under another name."""
    before = ledger.blobs(ledger.head())
    grow(ledger, 9, 10)
    after = ledger.blobs(ledger.head())
    assert sorted(after) == ["ledger.jsonl", "ledger/000001.jsonl", "ledger/000002.jsonl", "ledger/000003.jsonl"]
    assert {path: after[path] for path in before if path != FILE} == {
        path: blob for path, blob in before.items() if path != FILE
    }
    assert len(lines_of(ledger)) == 10


def test_a_ledger_of_one_long_file_is_read_and_then_cut(fresh: LedgerBranch, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before there were segments stays readable, with the same entries after the next append."""
    monkeypatch.setattr(ledger_segments, "SEGMENT", 1000)
    lines = lines_of(fresh)
    head = fresh.put_blobs(fresh.head(), {FILE: fresh.blob(b"".join(line + b"\n" for line in lines))}, title="old")
    old = fresh.read()
    monkeypatch.setattr(ledger_segments, "SEGMENT", 3)
    grow(fresh, ENTRIES + 1)
    assert fresh.read()[:-1] == old == fresh.read_at(head)
    assert len(in_order(fresh.blobs(fresh.head()))) == 3


def test_the_branch_keeps_its_other_files(ledger: LedgerBranch) -> None:
    """What else lies on the branch, in a folder or not, is there after an append."""
    head = ledger.head()
    more = {**ledger.blobs(head), "alpha.jsonl": ledger.blob(b"x"), "notes/a/b.txt": ledger.blob(b"y")}
    assert ledger.put_blobs(head, more, title="more")
    grow(ledger, 9)
    assert {path: ledger.blobs(ledger.head())[path] for path in ("alpha.jsonl", "notes/a/b.txt")} == {
        path: more[path] for path in ("alpha.jsonl", "notes/a/b.txt")
    }
