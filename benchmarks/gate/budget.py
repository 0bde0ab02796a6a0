"""How often the same rows have been asked, and the level that our ledger grants the next question."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ratchet.core.alpha_ledger import Charge, Question
from ratchet.core.alpha_level import Level, charge, level
from ratchet.core.gate_params import Reuse

ALPHA = 0.05
"""One-sided risk of every rule that has one, so that rules are compared at the same promise."""
HOLDOUT = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The run that is asked for now, from 1, how many were promoted before it, and how many runs are planned."""

    run: int = 1
    promotions: int = 0
    runs: int = 1


FRESH = Budget()
"""One decision on rows that nobody has asked before."""


def ledger_level(budget: Budget) -> float:
    """The level of this run on a holdout that is asked again and again; 0 once the ledger is exhausted."""
    return granted(budget.run, budget.promotions, budget.runs).alpha


@lru_cache(maxsize=10_000)
def granted(run: int, promotions: int, runs: int) -> Level:
    """What the ledger says of run `run` after so many promotions; it depends on their number, not on their order."""
    charges = history(run - 1, min(promotions, terms(runs).max_promotions), runs)  # after the last, none is charged
    return level(charges, question(run), fresh_alpha=ALPHA, reuse=terms(runs), frozen=True)


def history(runs_before: int, promotions: int, runs: int) -> list[Charge]:
    """The ledger of a frozen holdout that answered `runs_before` questions, the last `promotions` with promote."""
    charges: list[Charge] = []
    held = runs_before - promotions
    for run in range(1, runs_before + 1):
        spent = granted(run, max(0, run - 1 - held), runs)
        asked = charge(question(run), spent, reuse=terms(runs), actor="bench", time="2013-01-01T00:00:00Z")
        charges.append(asked.model_copy(update={"answer": "promote" if run > held else "not"}))
    return charges


def question(run: int) -> Question:
    """A challenger that was never asked about before."""
    return Question(holdout=HOLDOUT, rows=HOLDOUT, challenger=f"{run:064x}", champion="0" * 64, policy="0" * 64)


def terms(runs: int) -> Reuse:
    """The policy of a frozen holdout: a budget of .05 over so many runs, and promotions as params.yaml has them."""
    return Reuse(policy="ledger", alpha=ALPHA, runs=runs)
