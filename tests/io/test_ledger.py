"""The ledger on a real git branch: appends race, and one wins."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from ratchet.core.ledger import champion, dump
from ratchet.core.ledger_entries import Change, Entry, Line
from ratchet.errors import ChampionChanged, PromotionRefused, ServiceFailed, TamperedFile
from ratchet.io.git import git
from ratchet.io.ledger import FILE, LedgerBranch

BRANCH = "ratchet/ledger"
Decide = Callable[[tuple[Line, ...]], Change]


def promote(version: int, *, actor: str = "a", model: str = "m") -> Decide:
    """A promotion that was decided against what serves when it is first asked, and holds on to that."""
    first: list[int | None] = []

    def decide(entries: tuple[Line, ...]) -> Change:
        serving = champion(entries, model)
        first.append(serving.version if serving else None)
        return Change(
            kind="promotion", model=model, version=version, replaces=first[0], run_id="r",
            fingerprint="f", model_digest="d", seal="s", decision_digest="d", commit="c", trained_on={},
            metrics={"auc": 0.7}, actor=actor, time="2026-01-01T00:00:00+00:00", reason="it is better",
        )  # fmt: skip

    return decide


def versions(ledger: LedgerBranch) -> list[int]:
    return [entry.version for entry in ledger.read() if isinstance(entry, Entry)]


@pytest.fixture
def clones(repository: Callable[[str], Path], tmp_path: Path) -> tuple[LedgerBranch, LedgerBranch]:
    """Two clones of one bare repository, and the ledger as each of them sees it."""
    git(["clone", "--quiet", "--bare", str(repository("source")), "hub.git"], cwd=tmp_path)
    for name in ("one", "two"):
        git(["clone", "--quiet", "hub.git", name], cwd=tmp_path)
    return LedgerBranch(tmp_path / "one", "origin", BRANCH), LedgerBranch(tmp_path / "two", "origin", BRANCH)


@pytest.fixture
def local(repository: Callable[[str], Path]) -> LedgerBranch:
    """The ledger of a repository that has no remote."""
    return LedgerBranch(repository("alone"), ".", BRANCH)


def test_before_the_first_entry_the_ledger_is_empty(clones: tuple[LedgerBranch, LedgerBranch]) -> None:
    """No branch is an empty ledger, not an error."""
    assert (clones[0].head(), clones[0].read()) == (None, ())


def test_what_one_clone_appends_the_other_reads(clones: tuple[LedgerBranch, LedgerBranch]) -> None:
    """Entries written from either clone form one chain, seen from both."""
    one, two = clones
    first = one.append(promote(1), Entry)
    second = two.append(promote(2), Entry)
    assert one.read() == two.read() == (first, second)


def test_an_append_that_lost_a_race_is_told_and_writes_nothing(clones: tuple[LedgerBranch, LedgerBranch]) -> None:
    """Whoever decides while somebody else writes gets ChampionChanged; the ledger holds the winner alone."""
    one, two = clones
    one.append(promote(1), Entry)

    mine = promote(3)

    def overtaken(entries: tuple[Line, ...]) -> Change:
        if len(entries) == 1:
            two.append(promote(2), Entry)
        return mine(entries)

    with pytest.raises(ChampionChanged, match="version 2 serves, but the change replaces version 1"):
        one.append(overtaken, Entry)
    assert versions(one) == versions(two) == [1, 2]


def test_the_very_first_append_can_lose_too(clones: tuple[LedgerBranch, LedgerBranch]) -> None:
    """Two first champions at once: one of them is the first, the other is told."""
    one, two = clones

    mine = promote(1)

    def overtaken(entries: tuple[Line, ...]) -> Change:
        if not entries:
            two.append(promote(2), Entry)
        return mine(entries)

    with pytest.raises(ChampionChanged):
        one.append(overtaken, Entry)
    assert versions(one) == [2]


def test_of_racing_appends_exactly_one_wins(clones: tuple[LedgerBranch, LedgerBranch]) -> None:
    """Both clones read the same head before either pushes: one entry is added, and its writer is the one who knows."""
    clones[0].append(promote(1), Entry)
    barrier = Barrier(2)

    def race(place: int) -> int | None:
        mine = promote(place + 2)

        def decide(entries: tuple[Line, ...]) -> Change:
            if len(entries) == 1:
                barrier.wait(timeout=30)
            return mine(entries)

        try:
            return clones[place].append(decide, Entry).version
        except ChampionChanged:
            return None

    with ThreadPoolExecutor(2) as pool:
        won = [version for version in pool.map(race, (0, 1)) if version is not None]
    assert len(won) == 1
    assert versions(clones[0]) == versions(clones[1]) == [1, *won]


def test_a_refused_decision_writes_nothing(local: LedgerBranch) -> None:
    """What `decide` raises comes out, and the branch stays where it was."""
    local.append(promote(1), Entry)
    head = local.head()

    def refuse(_: tuple[Line, ...]) -> Change:
        raise PromotionRefused("not today")

    with pytest.raises(PromotionRefused, match="not today"):
        local.append(refuse, Entry)
    assert local.head() == head


def test_a_repository_without_a_remote_keeps_its_own_ledger(local: LedgerBranch) -> None:
    """With "." as its remote, the ledger is a local branch."""
    entry = local.append(promote(1), Entry)
    assert local.read() == (entry,)
    assert git(["rev-parse", f"refs/heads/{BRANCH}"], cwd=local.root) == local.head()


def test_a_dirty_work_tree_is_neither_touched_nor_in_the_way(local: LedgerBranch) -> None:
    """Changed, staged and new files, and HEAD, are what they were; only the ledger branch is new."""
    (local.root / "code.py").write_text("x = 2\n", encoding="utf-8")
    (local.root / "staged.py").write_text("", encoding="utf-8")
    git(["add", "staged.py"], cwd=local.root)
    (local.root / "new.py").write_text("", encoding="utf-8")

    def state() -> tuple[str, str, list[str]]:
        status = git(["status", "--porcelain", "--branch"], cwd=local.root)
        return status, git(["rev-parse", "HEAD"], cwd=local.root), sorted(path.name for path in local.root.iterdir())

    before = state()
    local.append(promote(1), Entry)
    local.append(promote(2), Entry)
    assert versions(local) == [1, 2]
    assert state() == before


def test_the_branch_holds_one_file_and_shares_no_history(local: LedgerBranch) -> None:
    """Cloning the code does not bring the ledger, and each entry is one commit."""
    local.append(promote(1), Entry)
    local.append(promote(2), Entry)
    assert git(["ls-tree", "--name-only", BRANCH], cwd=local.root) == FILE
    assert git(["rev-list", "--count", BRANCH], cwd=local.root) == "2"
    assert git(["rev-list", "--count", BRANCH, "--not", "main"], cwd=local.root) == "2"


def test_a_reason_of_any_characters_comes_back(local: LedgerBranch) -> None:
    """Marks that some take for the end of a line do not break the ledger for whoever reads it next."""
    reason = "two\nlines \u2028 and \x85 ü 🟢"

    def decide(entries: tuple[Line, ...]) -> Change:
        return promote(1)(entries).model_copy(update={"reason": reason})

    local.append(decide, Entry)
    assert [entry.reason for entry in local.read()] == [reason]


def rewrite(ledger: LedgerBranch, text: str) -> None:
    """Put other words on the ledger branch, as somebody with push rights could."""
    blob = git(["hash-object", "-w", "--stdin"], cwd=ledger.root, input=text.encode())
    tree = git(["mktree"], cwd=ledger.root, input=f"100644 blob {blob}\t{FILE}\n".encode())
    commit = git(["commit-tree", tree, "-m", "forged"], cwd=ledger.root)
    git(["push", "--quiet", "--force", ledger.remote, f"{commit}:{ledger.ref}"], cwd=ledger.root)


def test_a_tampered_branch_is_neither_read_nor_extended(clones: tuple[LedgerBranch, LedgerBranch]) -> None:
    """An edited entry stops every reader and writer, in every clone, and names the entry."""
    one, two = clones
    one.append(promote(1), Entry)
    one.append(promote(2), Entry)
    rewrite(one, dump(one.read()).replace('"actor":"a"', '"actor":"b"', 1))
    forged = one.head()
    for ledger in (one, two):
        with pytest.raises(TamperedFile, match=r"^ledger entry 1 was edited"):
            ledger.read()
        with pytest.raises(TamperedFile):
            ledger.append(promote(3), Entry)
    assert one.head() == forged


def test_a_remote_that_is_gone_is_said(clones: tuple[LedgerBranch, LedgerBranch]) -> None:
    """Git's own words reach the person, and no ledger is taken for an empty one."""
    shutil.rmtree(clones[0].root.parent / "hub.git")
    with pytest.raises(ServiceFailed, match="git ls-remote failed"):
        clones[0].read()


def test_a_push_that_is_refused_is_not_called_a_race(clones: tuple[LedgerBranch, LedgerBranch]) -> None:
    """Where the remote forbids the push and nobody else wrote, the failure is the remote's."""
    hook = clones[0].root.parent / "hub.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with pytest.raises(ServiceFailed, match="protected branch"):
        clones[0].append(promote(1), Entry)
    assert clones[0].read() == ()
