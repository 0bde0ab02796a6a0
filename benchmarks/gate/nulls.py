"""Two models of which neither is better: how often does a rule promote one of them? Rows dealt singly, and by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from benchmarks.gate.bench import REAL, Bench
from benchmarks.gate.budget import ALPHA, FRESH, Budget
from benchmarks.gate.data import Ints
from benchmarks.gate.pool import Pool, log_losses
from benchmarks.gate.record import OURS, Experiment, Finding, Line, Promise, share_line
from benchmarks.gate.rules import DELONG, MLFLOW, NAIVE, ROW, SINGLE, Pair, Rule, delong_auc
from benchmarks.gate.rules import mlflow_auc as by_mlflow_auc
from benchmarks.gate.rules import naive_auc as by_area
from ratchet.core.clusters import jackknifed, replicates
from ratchet.core.comparison import compare
from ratchet.core.metrics import METRICS

ROWS = 2_000
IID, DAYS = Promise(high=0.06), Promise(high=0.08)


def clustered_auc(pair: Pair, _: Budget) -> bool:
    """Ours for a metric that is no mean: the delete-one-day jackknife of the difference of areas, its lower bound."""
    both = [np.column_stack([1 - chances, chances]) for chances in (pair.champion, pair.challenger)]
    auc = METRICS["roc_auc"]
    one, other = (
        replicates(auc.function, (pair.target, scores), pair.clusters, part=auc.of_parts(pair.target, scores))
        for scores in both
    )
    gain = replace(other, value=other.value - one.value, left_out=other.left_out - one.left_out)
    low = jackknifed(gain, alpha=ALPHA).low
    return low is not None and low > 0


def by_week(pair: Pair, _: Budget) -> bool:
    """Ours with a week as the cluster; four of them, where the gate itself would ask for seven."""
    weeks = None if pair.clusters is None else pair.clusters // 7
    return compare(*pair.both_losses, weeks, alpha=ALPHA).p_better < ALPHA


BY_LOSS: Mapping[str, Rule] = {name: rule for name, rule in SINGLE.items() if name != DELONG}
BY_AUC: Mapping[str, Rule] = {OURS: clustered_auc, NAIVE: by_area, MLFLOW: by_mlflow_auc, DELONG: delong_auc}


def independent_rows(bench: Bench) -> Finding:
    """Two refits of one recipe whose scores are exchanged row by row: an exact null on independent rows."""
    trials = bench.times(2_000, 100)
    lines = []
    for pool in bench.pools(*REAL):
        random = bench.random("independent", pool.name)
        pairs = (_independent(pool, random) for _ in range(trials))
        lines.append(share_line(f"{pool.name}, 2,000 rows", _shares(pairs, SINGLE), trials, IID))
    return Finding(name="independent-rows", lines=tuple(lines))


def _independent(pool: Pool, random: np.random.Generator) -> Pair:
    rows = random.integers(0, pool.rows, ROWS)
    return _pair(pool, random, rows, pool.of("base")).swapped(random.random(ROWS) < 0.5)


def whole_days(bench: Bench) -> Finding:
    """The same on windows of consecutive real days, where whole days are exchanged: an exact null by day."""
    pool, trials = bench.best("flights"), bench.times(400, 40)
    lines = []
    for length in (7, 28):
        for measure, rules in (("log loss", BY_LOSS), ("AUC", BY_AUC)):
            random = bench.random("days", length)
            shares = _shares((_window(pool, random, length) for _ in range(trials)), rules)
            setting = f"{pool.name}, {length} days, {measure}"
            lines.append(share_line(setting, shares, trials, DAYS))
    lines += [_centred(bench, pool, kind, trials) for kind in ("base", "logistic")]
    return Finding(
        name="whole-days",
        lines=tuple(lines),
        remarks=(
            "The two lines without a promise are a limit of the gate. The gain is 0 over the whole half-year, not in "
            "every month of it: two models of different kinds take turns with the season, and 28 days in a row say "
            "which one is better in these weeks. Clusters of a week help, and not enough: a season is longer. `lag1` "
            "of a decision shows that neighbouring days agree; only rows of other seasons mend it.",
        ),
    )


def _window(pool: Pool, random: np.random.Generator, length: int) -> Pair:
    rows, days = window(pool, random, length)
    pair = _pair(pool, random, rows, pool.of("base"), clusters=days)
    return pair.swapped((random.random(days.max() + 1) < 0.5)[days])


def window(pool: Pool, random: np.random.Generator, length: int) -> tuple[Ints, Ints]:
    """The rows of `length` consecutive days that begin anywhere, and each row's day counted from the first."""
    days = known_days(pool)
    first = int(random.integers(days.min(), days.max() - length + 2))
    rows = np.flatnonzero((days >= first) & (days < first + length))
    return rows, days[rows] - first


def known_days(pool: Pool) -> Ints:
    """The day of each row. Raises ValueError for a data set that has none."""
    if pool.days is None:
        raise ValueError(f"{pool.name} has no days")
    return pool.days


def _centred(bench: Bench, pool: Pool, kind: str, trials: int) -> Line:
    """Two models, the true difference taken out of every row: no better over the half-year, days as they were."""
    random = bench.random("centred", kind)
    rules = {**{name: BY_LOSS[name] for name in (OURS, NAIVE, ROW)}, "ours, by week": by_week}
    pairs = (_level_pair(pool, random, kind) for _ in range(trials))
    return share_line(f"{pool.name}, 28 days, centred, {kind} and base", _shares(pairs, rules), trials)


def _level_pair(pool: Pool, random: np.random.Generator, kind: str) -> Pair:
    rows, days = window(pool, random, 28)
    one, other = int(random.choice(pool.of("base"))), int(random.choice(pool.of(kind)))
    scores = [pool.probabilities(model, rows) for model in (one, other)]
    first, second = (log_losses(pool.target[rows], each) for each in scores)
    level = second - (pool.truth[other] - pool.truth[one])
    return Pair(
        target=pool.target[rows], champion=scores[0], challenger=scores[1], clusters=days, losses=(first, level)
    )


def _pair(pool: Pool, random: np.random.Generator, rows: Ints, models: Ints, *, clusters: Ints | None = None) -> Pair:
    one, other = random.choice(models, 2, replace=False)
    return Pair(
        target=pool.target[rows],
        champion=pool.probabilities(one, rows),
        challenger=pool.probabilities(other, rows),
        clusters=clusters,
    )


def _shares(pairs: Iterator[Pair], rules: Mapping[str, Rule]) -> dict[str, float]:
    """The share of pairs that each rule promotes."""
    promoted: Counter[str] = Counter()
    trials = 0
    for pair in pairs:
        trials += 1
        promoted.update(name for name, rule in rules.items() if rule(pair, FRESH))
    return {name: promoted[name] / trials for name in rules}


EXPERIMENTS = (
    Experiment(numbers="1", name="independent-rows", title="No better, independent rows", run=independent_rows),
    Experiment(numbers="2", name="whole-days", title="No better, days of flights", run=whole_days),
)
