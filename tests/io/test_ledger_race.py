"""Twenty promoters at once, each with a clone of its own: one wins, the others are told, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Change, Entry, Line, Opinion, OpinionEntry, Registration, RegistrationEntry
from ratchet.core.phases import Phase
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


def registration(version: int, serving: int | None, number: int) -> Registration:
    """Each of its own run; a phase keeps the newer ones from closing the older: the gate comes last."""
    return Registration(
        model="m", version=version, run_id=f"run {version}", fingerprint="f", model_digest=f"d{version}", seal="s",
        decision_digest="d", verdict="promote", decided="better", champion=serving, policy="p", commit="c",
        authors=("ada",), trained_on={}, batches={}, judged_on=(), metrics={},
        phases=(Phase.model_validate({"approval": {}}), Phase.model_validate("gate")),
        actor=f"promoter {number}", time=TIME, reason="r",
    )  # fmt: skip


def promotion(version: int, serving: int | None, number: int) -> Change:
    """What replaces `serving`."""
    return Change(
        kind="promotion", model="m", version=version, replaces=serving, run_id=f"run {version}", fingerprint="f",
        model_digest=f"d{version}", seal="s", decision_digest="d", commit="c", trained_on={}, metrics={},
        actor=f"promoter {number}", time=TIME, reason="r",
    )  # fmt: skip


@pytest.mark.slow
def test_of_twenty_promoters_one_wins_each_round(clones: list[LedgerBranch]) -> None:
    """Each registers and approves its own version, which all must be there; of the promotions exactly one is."""
    for rounds in range(ROUNDS):
        before = clones[0].read()
        serving = champion(before, "m")
        against = serving.version if serving else None
        start = Barrier(PROMOTERS)

        def race(
            number: int, against: int | None = against, first: int = rounds * PROMOTERS + 1, start: Barrier = start
        ) -> int | None:
            ledger, version = clones[number], first + number
            start.wait(60)
            ledger.append(lambda _: registration(version, against, number), RegistrationEntry)
            start.wait(60)
            if number == 0:
                approve(ledger, range(first, first + PROMOTERS))
            start.wait(60)
            held: list[int] = []

            def decide(entries: tuple[Line, ...]) -> Change:
                if not held:
                    held.append(len(entries))
                    start.wait(60)
                return promotion(version, against, number)

            try:
                return ledger.append(decide, Entry).version
            except ChampionChanged:
                return None

        with ThreadPoolExecutor(PROMOTERS) as pool:
            won = [version for version in pool.map(race, range(PROMOTERS)) if version is not None]
        after = clones[-1].read()
        assert after[: len(before)] == before
        new = after[len(before) :]
        [entry] = [each for each in new if isinstance(each, Entry)]
        assert (won, entry.replaces) == ([entry.version], against)
        registered = [each.actor for each in new if isinstance(each, RegistrationEntry)]
        assert sorted(registered) == sorted(f"promoter {number}" for number in range(PROMOTERS))
        assert len(new) == PROMOTERS + 2
    assert all(ledger.read() == after for ledger in clones)


def approve(ledger: LedgerBranch, versions: range) -> None:
    """The newest alone would do: what is as far as it and older is closed by it."""
    for version in versions[-1:]:
        said = Opinion(kind="approval", model="m", version=version, actor="bob", time=TIME, reason="r")
        ledger.append(lambda _, said=said: said, OpinionEntry)  # type: ignore[misc]  # its own of each turn
