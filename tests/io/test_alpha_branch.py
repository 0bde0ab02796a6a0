"""The alpha ledger on a real git branch: every racing writer gets its place, and the ledger stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from ratchet.core.alpha_ledger import Charge, Entry, Question, answered, asked
from ratchet.core.alpha_level import charge, level
from ratchet.core.gate_params import Reuse
from ratchet.core.ledger_entries import Change
from ratchet.core.ledger_entries import Entry as Promoted
from ratchet.errors import ServiceFailed
from ratchet.io.alpha_branch import AlphaBranch
from ratchet.io.git import git
from ratchet.io.ledger import LedgerBranch

BRANCH = "ratchet/ledger"
BUDGET = Reuse(policy="ledger", runs=20)
TIME = "2026-01-01T00:00:00+00:00"


def question(name: str) -> Question:
    return Question(holdout="h", rows="r", challenger=name, champion="baseline", policy="p")


def charged(name: str) -> Callable[[tuple[Entry, ...]], Charge | None]:
    """Pays for the question about one challenger, unless that was done."""

    def decide(entries: tuple[Entry, ...]) -> Charge | None:
        found = level(entries, question(name), fresh_alpha=0.1, reuse=BUDGET)
        return None if found.cached else charge(question(name), found, reuse=BUDGET, actor="a", time=TIME)

    return decide


def promoted(_: tuple[object, ...]) -> Change:
    return Change(
        kind="promotion", model="m", version=1, replaces=None, run_id="r", fingerprint="f", model_digest="d", seal="s",
        decision_digest="d", commit="c", trained_on={}, metrics={}, actor="a", time=TIME, reason="it is better",
    )  # fmt: skip


@pytest.fixture
def clone(repository: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """Makes clones of one bare repository."""
    git(["clone", "--quiet", "--bare", str(repository("source")), "hub.git"], cwd=tmp_path)

    def make(name: str) -> Path:
        git(["clone", "--quiet", "hub.git", name], cwd=tmp_path)
        return tmp_path / name

    return make


def test_ten_racing_writers_are_all_written_in_one_chain(clone: Callable[[str], Path]) -> None:
    """Each is charged once, as another run of the budget, whoever was faster."""
    branches = [AlphaBranch(clone(f"clone{number}"), "origin", BRANCH) for number in range(10)]
    barrier = Barrier(len(branches))

    def write(number: int) -> None:
        barrier.wait(timeout=60)
        branches[number].append(charged(f"challenger{number}"))

    with ThreadPoolExecutor(len(branches)) as pool:
        list(pool.map(write, range(len(branches))))
    lines = branches[0].read()
    assert sorted(line.challenger for line in lines) == [f"challenger{number}" for number in range(10)]
    assert [line.run for line in lines] == list(range(1, 11))


def test_a_question_that_was_charged_writes_nothing(clone: Callable[[str], Path]) -> None:
    """The branch stays where it was, and the lines are those that are there."""
    branch = AlphaBranch(clone("one"), "origin", BRANCH)
    before = branch.append(charged("a"))
    head = branch.head()
    assert (branch.append(charged("a")), branch.head()) == (before, head)


def test_an_answer_follows_its_charge(clone: Callable[[str], Path]) -> None:
    """What one clone paid for another one can close, and everybody reads the answer."""
    one, two = (AlphaBranch(clone(name), "origin", BRANCH) for name in ("one", "two"))
    one.append(charged("a"))
    two.append(lambda lines: answered(lines, question("a"), "promote", actor="b", time=TIME))
    assert [found.answer for found in asked(one.read(), "h")] == ["promote"]


def test_the_two_ledgers_share_a_branch_and_leave_each_other_alone(clone: Callable[[str], Path]) -> None:
    """A charge keeps the champions' ledger, and a promotion keeps the charges."""
    root = clone("one")
    alpha, ledger = AlphaBranch(root, "origin", BRANCH), LedgerBranch(root, "origin", BRANCH)
    assert (alpha.read(), ledger.read()) == ((), ())
    first = alpha.append(charged("a"))
    entry = ledger.append(promoted, Promoted)
    second = alpha.append(charged("b"))
    assert ledger.read() == (entry,)
    assert alpha.read() == second
    assert second[:1] == first


def test_a_charge_meanwhile_is_no_rival_of_a_promotion(clone: Callable[[str], Path]) -> None:
    """A promotion is refused for another promotion alone: it is written on top of the charge that overtook it."""
    one, two = clone("one"), clone("two")

    def overtaken(entries: tuple[object, ...]) -> Change:
        AlphaBranch(two, "origin", BRANCH).append(charged("a"))
        return promoted(entries)

    entry = LedgerBranch(one, "origin", BRANCH).append(overtaken, Promoted)
    assert LedgerBranch(two, "origin", BRANCH).read() == (entry,)
    assert [line.challenger for line in AlphaBranch(one, "origin", BRANCH).read()] == ["a"]


def test_who_may_not_push_is_told_at_once(clone: Callable[[str], Path]) -> None:
    """A remote that refuses is not taken for a race: nothing is tried again and again."""
    root = clone("one")
    hook = root.parent / "hub.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with pytest.raises(ServiceFailed, match="protected branch"):
        AlphaBranch(root, "origin", BRANCH).append(charged("a"))
