"""Is what is planned what is found? The advisor's rows against measured power, and when a ledger is exhausted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.gate.bench import Bench
from benchmarks.gate.budget import ALPHA, FRESH, Budget, granted, history, ledger_level, question, terms
from benchmarks.gate.data import Floats, Ints
from benchmarks.gate.nulls import known_days
from benchmarks.gate.pool import Pool, log_losses
from benchmarks.gate.record import OURS, Experiment, Finding, Line, Promise, share_line
from benchmarks.gate.rules import SINGLE, Pair
from ratchet.core.advisor import Plan, Spread, detectable_effect, plan_labels
from ratchet.core.alpha_level import level
from ratchet.core.comparison import Comparison, compare

POWER = 0.8
PILOT = 10_000
LANDS = Promise(low=0.75, high=0.87)
PAIRS = (
    ("flights", "half", "base"),
    ("flights", "logistic", "base"),
    ("flights", "dropped", "base"),
    ("flights", "base", "slow"),
    ("census", "half", "base"),
    ("census", "dropped", "base"),
    ("stops", "half", "base"),
    ("stops", "overfit", "base"),
)
"""A worse and a better model each, from different data and with different ways to be better."""
SIZES = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000)


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Two models of a pool with their (n,) losses over the population; the second is truly better."""

    pool: Pool
    models: tuple[int, int]
    losses: tuple[Floats, Floats]

    @property
    def gain(self) -> float:
        """The true gain of the second."""
        return float(self.losses[0].mean() - self.losses[1].mean())

    def on(self, rows: Ints, clusters: Ints | None = None) -> Comparison:
        """Our comparison on these rows."""
        return compare(self.losses[0][rows], self.losses[1][rows], clusters, alpha=ALPHA)

    def pair(self, rows: Ints) -> Pair:
        """What every rule is given of these rows."""
        first, second = (self.pool.probabilities(model, rows) for model in self.models)
        losses = (self.losses[0][rows], self.losses[1][rows])
        return Pair(target=self.pool.target[rows], champion=first, challenger=second, losses=losses)


def contest(pool: Pool, worse: str, good: str) -> Contest:
    """The typical model of each kind: the one whose truth is the median."""
    models = (_typical(pool, worse), _typical(pool, good))
    everyone = slice(None)
    first, second = (log_losses(pool.target, pool.probabilities(model, everyone)) for model in models)
    return Contest(pool=pool, models=models, losses=(first, second))


def _typical(pool: Pool, kind: str) -> int:
    models = pool.of(kind)
    return int(models[np.argsort(pool.truth[models])[len(models) // 2]])


def advisor(bench: Bench) -> Finding:
    """Plan for a power of .80 by a pilot of 10,000 rows, then measure the power at what was planned."""
    lines = []
    for name, worse, good in PAIRS:
        pool = bench.pool(name)
        two = contest(pool, worse, good) if pool else None
        if pool and two and two.gain > 0:
            lines.append(_planned(bench, two, f"{pool.name}, {worse} to {good}"))
    lines.append(_planned_days(bench, contest(bench.best("flights"), "half", "base")))
    remark = (
        "The line without a promise plans whole days: a pilot of 56 days says by how much days differ, and a lucky one "
        "plans too few. It is the mean over many pilots; rows drawn singly know their spread far better."
    )
    return Finding(name="advisor", lines=tuple(lines), remarks=(remark,))


def _planned(bench: Bench, two: Contest, setting: str) -> Line:
    random, trials = bench.random("advisor", setting), bench.times(500, 100)
    pilot = two.on(random.integers(0, two.pool.rows, PILOT))
    rows = _plan(pilot, two, ALPHA).rows
    found = sum(two.on(random.integers(0, two.pool.rows, rows)).p_better < ALPHA for _ in range(trials))
    setting = f"{setting}: {rows:,} rows for {two.gain:.4f}"
    return share_line(setting, {OURS: found / trials}, trials, LANDS)


def _planned_days(bench: Bench, two: Contest) -> Line:
    random, trials = bench.random("advisor", "days"), bench.times(200, 20)
    days = known_days(two.pool)
    rows_of = [np.flatnonzero(days == day) for day in np.unique(days)]
    found, planned = 0, []
    for _ in range(trials):
        planned.append(_plan(_of_days(two, rows_of, random, 56), two, ALPHA).clusters)
        found += _of_days(two, rows_of, random, planned[-1]).p_better < ALPHA
    setting = f"{two.pool.name}, half to base, whole days: {int(np.median(planned))} days for {two.gain:.4f}"
    return share_line(setting, {OURS: found / trials}, trials)


def _plan(pilot: Comparison, two: Contest, alpha: float) -> Plan:
    """What the advisor says after a pilot. Raises ValueError if the pilot does not say how much rows vary."""
    return plan_labels(_spread(pilot), alpha=alpha, power=POWER, min_effect=two.gain)


def _spread(pilot: Comparison) -> Spread:
    spread = Spread.of(pilot)
    if spread is None:
        raise ValueError(f"a pilot of {pilot.rows} rows does not say how much rows vary")
    return spread


def _of_days(two: Contest, rows_of: list[Ints], random: np.random.Generator, count: int) -> Comparison:
    drawn = random.integers(0, len(rows_of), max(2, count))
    rows = np.concatenate([rows_of[day] for day in drawn])
    return two.on(rows, np.repeat(np.arange(len(drawn)), [len(rows_of[day]) for day in drawn]))


def curve(bench: Bench) -> Finding:
    """How many rows each rule needs to find a real gain: half to all of the data, flights and census."""
    lines: list[Line] = []
    curves: dict[str, Any] = {}
    trials = bench.times(200, 20)
    for pool in bench.pools("flights", "census"):
        two, random = contest(pool, "half", "base"), bench.random("curve", pool.name)
        told: dict[str, Any] = {"gain": two.gain, "rows": [], "found": {}}
        curves[pool.name] = told
        for rows in SIZES:
            pairs = [two.pair(random.integers(0, pool.rows, rows)) for _ in range(trials)]
            found = {name: sum(rule(pair, FRESH) for pair in pairs) / trials for name, rule in SINGLE.items()}
            asked = [Budget(run=1, runs=200), Budget(run=100, runs=200, promotions=1)]
            p_values = [compare(*pair.both_losses, alpha=ALPHA).p_better for pair in pairs]
            for budget in asked:
                name = f"ours, run {budget.run} of 200, {budget.promotions} promoted"
                found[name] = sum(p < ledger_level(budget) for p in p_values) / trials
            setting = f"{pool.name}, a gain of {two.gain:.4f} on {rows:,} rows: found"
            lines.append(share_line(setting, found, trials))
            told["rows"].append(rows)
            for name, share in found.items():
                told["found"].setdefault(name, []).append(share)
    return Finding(name="power", lines=tuple(lines), curves=curves)


def exhaustion(bench: Bench) -> Finding:
    """While a ledger is not exhausted, the gain it was planned for is found at least every other time."""
    pool, trials = bench.best("census", "flights"), bench.times(300, 50)
    two, random, runs = contest(pool, "half", "base"), bench.random("exhaustion"), 200
    pilot = two.on(random.integers(0, pool.rows, PILOT))
    rows = round(1.2 * _plan(pilot, two, ledger_level(Budget(runs=runs))).rows)
    p_values = np.array([two.on(random.integers(0, pool.rows, rows)).p_better for _ in range(trials)])
    open_: list[float] = []
    spent: list[float] = []
    for promotions in range(terms(runs).max_promotions):
        for run in range(promotions + 1, runs + 1):
            alpha = ledger_level(Budget(run=run, promotions=promotions, runs=runs))
            effect = detectable_effect(_spread(pilot), clusters=rows, alpha=alpha, power=POWER)
            (spent if effect > two.gain else open_).append(float(np.mean(p_values < alpha)))
    lines = (
        share_line(
            f"{pool.name}, {rows:,} rows, {len(open_)} of {len(open_) + len(spent)} states not exhausted: lowest power",
            {OURS: min(open_)},
            trials,
            Promise(low=0.5),
        ),
        Line(setting="asked again: exhausted", values={OURS: _again(20)}, trials=20, promise=Promise(high=0.0)),
    )
    return Finding(name="exhaustion", lines=lines)


def _again(runs: int) -> float:
    """The share of questions that a spent ledger refuses when they are asked a second time."""
    charges = history(runs, 0, runs)
    again = [
        level(charges, question(run), fresh_alpha=ALPHA, reuse=terms(runs), frozen=True) for run in range(1, runs + 1)
    ]
    if not granted(runs + 1, 0, runs).exhausted:
        raise RuntimeError(f"the ledger is not exhausted after {runs} runs: there is nothing to ask again")
    return sum(bool(each.exhausted) or not each.cached for each in again) / runs


EXPERIMENTS = (
    Experiment(numbers="8", name="advisor", title="The advisor's plan for a power of .80", run=advisor),
    Experiment(numbers="7", name="power", title="Rows it takes to find a real gain", run=curve),
    Experiment(numbers="9", name="exhaustion", title="When a ledger is exhausted", run=exhaustion),
)
