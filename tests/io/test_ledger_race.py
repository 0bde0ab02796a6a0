"""Twenty promoters at once, each with a clone of its own: one wins, the others are told, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Change, Entry, Freeze, FreezeEntry, Line
from ratchet.errors import ChampionChanged
from ratchet.io.git import git
from ratchet.io.ledger import LedgerBranch

PROMOTERS, ROUNDS = 20, 3
TIME = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def clones(repository: Callable[[str], Path], tmp_path: Path) -> list[LedgerBranch]:
    """The ledger of one remote, as each of twenty clones sees it."""
    git(["clone", "--quiet", "--bare", str(repository("source")), "hub.git"], cwd=tmp_path)
    for number in range(PROMOTERS):
        git(["clone", "--quiet", "hub.git", str(number)], cwd=tmp_path)
    return [LedgerBranch(tmp_path / str(number), "origin", "ratchet/ledger") for number in range(PROMOTERS)]


def promotion(version: int, serving: int | None, number: int) -> Change:
    """What replaces `serving`."""
    return Change(
        kind="promotion", model="m", version=version, replaces=serving, run_id=f"run {version}", fingerprint="f",
        model_digest=f"d{version}", seal="s", decision_digest="d", commit="c", trained_on={}, metrics={},
        actor=f"promoter {number}", time=TIME, reason="r",
    )  # fmt: skip


def note(number: int) -> Freeze:
    """Something that everybody may write at any time, about a model of their own."""
    return Freeze(kind="freeze", model=f"m{number}", actor=f"promoter {number}", time=TIME, reason="r")


@pytest.mark.slow
def test_of_twenty_promoters_one_wins_each_round(clones: list[LedgerBranch]) -> None:
    """All have read the same ledger before anybody writes: one promotion is added, and each other's is refused.

    What they write besides is all there: losing a race for the branch is not losing an entry.
    """
    for turn in range(ROUNDS):
        before = clones[0].read()
        serving = champion(before, "m")
        against = serving.version if serving else None
        start = Barrier(PROMOTERS)

        def race(number: int, against: int | None = against, turn: int = turn, start: Barrier = start) -> int | None:
            asked = 0

            def decide(_: tuple[Line, ...]) -> Change:
                nonlocal asked
                if asked == 0:
                    start.wait(60)
                asked += 1
                return promotion(turn * PROMOTERS + number + 1, against, number)

            try:
                won = clones[number].append(decide, Entry).version
            except ChampionChanged:
                won = None
            clones[number].append(lambda _: note(number), FreezeEntry)
            return won

        with ThreadPoolExecutor(PROMOTERS) as pool:
            won = [version for version in pool.map(race, range(PROMOTERS)) if version is not None]
        after = clones[-1].read()
        new = after[len(before) :]
        assert after[: len(before)] == before
        assert [(each.version, each.replaces) for each in new if isinstance(each, Entry)] == [(won[0], against)]
        assert len(won) == 1
        notes = sorted(each.actor for each in new if isinstance(each, FreezeEntry))
        assert notes == sorted(f"promoter {number}" for number in range(PROMOTERS))
        assert len(new) == PROMOTERS + 1
    assert all(ledger.read() == after for ledger in clones)
