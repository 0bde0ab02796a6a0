"""The vote attack: 200 coin-flip models are asked about, and those that the answers favour vote on every row.

Each model is right half of the time, whatever the holdout says; so is their vote. What the vote scores on the holdout
beyond a half is what the answers gave away of its labels (Blum and Hardt, ICML 2015, section 4.1).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate.bench import Bench
from benchmarks.gate.budget import Budget
from benchmarks.gate.record import OURS, Experiment, Finding, Line, Promise, mean_error
from benchmarks.gate.rules import DELONG, REPEATED, Pair, Rule

Bits = NDArray[np.bool_]
QUERIES, ROWS = 200, 2_000
SURE, UNSURE = 0.6, 0.4
"""What a coin-flip model says of the class it picks, and of the other."""
RULES: Mapping[str, Rule] = {name: rule for name, rule in REPEATED.items() if name != DELONG}


def attack(bench: Bench) -> Finding:
    """The accuracy that the vote claims on the holdout: through each gate's answers, and with the accuracy shown."""
    pool, attacks = bench.best("census", "flights"), bench.times(100, 10)
    random = bench.random("votes")
    claims: dict[str, list[float]] = {name: [] for name in (*RULES, "accuracy shown", "accuracy shown to .01")}
    for _ in range(attacks):
        target = pool.target[random.integers(0, pool.rows, ROWS)] == 1
        guesses = random.random((QUERIES + 1, ROWS)) < 0.5
        for name, rule in RULES.items():
            claims[name].append(claimed(target, guesses[promoted(target, guesses, rule)], random))
        right = (guesses == target).mean(axis=1)
        claims["accuracy shown"].append(shown(target, guesses, right, random))
        claims["accuracy shown to .01"].append(shown(target, guesses, np.round(right, 2), random))
    values = {name: float(np.mean(claim)) for name, claim in claims.items()}
    setting = f"{pool.name} labels, 200 queries, 2,000 rows: claimed accuracy (truth .5)"
    line = Line(
        setting=setting, values=values, trials=attacks, promise=Promise(high=0.51), error=mean_error(claims[OURS])
    )
    return Finding(name="votes", lines=(line,))


def promoted(target: Bits, guesses: Bits, rule: Rule) -> list[int]:
    """Which of the models the gate promoted, each against the champion of the moment; the first starts as champion."""
    chances = np.where(guesses, SURE, UNSURE)
    labels = target.astype(np.int64)
    champion = 0
    chosen: list[int] = []
    for run in range(1, len(guesses)):
        pair = Pair(target=labels, champion=chances[champion], challenger=chances[run])
        if rule(pair, Budget(run=run, promotions=len(chosen), runs=QUERIES)):
            champion = run
            chosen.append(run)
    return chosen


def claimed(target: Bits, voters: Bits, random: np.random.Generator) -> float:
    """The accuracy of the voters' majority on the holdout; a coin decides where they are split, or where none votes."""
    return _accuracy(target, 2 * voters.sum(axis=0) - len(voters), random)


def shown(target: Bits, guesses: Bits, accuracies: NDArray[np.float64], random: np.random.Generator) -> float:
    """The same where the accuracies are known: models below a half vote for the opposite."""
    weights = np.sign(accuracies - 0.5)
    return _accuracy(target, weights @ (2.0 * guesses - 1), random)


def _accuracy(target: Bits, votes: NDArray[np.float64], random: np.random.Generator) -> float:
    chosen = np.where(votes == 0, random.random(len(target)) < 0.5, votes > 0)
    return float((chosen == target).mean())


EXPERIMENTS = (Experiment(numbers="6", name="votes", title="The vote attack", run=attack),)
