"""Our statistics, and the rivals', against other people's code and against brute force."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from benchmarks.gate.bench import Bench
from benchmarks.gate.budget import ALPHA, granted
from benchmarks.gate.delong import delong
from benchmarks.gate.record import OURS, Experiment, Finding, Line, Promise, share_line
from benchmarks.gate.rules import bennett_rows, hoeffding_rows
from ratchet.core.comparison import compare
from ratchet.core.eprocess import bounds, e_values
from ratchet.core.holm import holm

INPUTS = 20
CLOSE = Promise(high=1e-9)
RUNS = 12
"""Of the ledger whose histories are all gone through: 2^12."""


def oracles(bench: Bench) -> Finding:
    """The largest difference over 20 random inputs each, and two counts over everything there is."""
    random = bench.random("oracles")
    checks = {
        "DeLong's p and MLstatkit's: largest difference": _largest(delong_apart, random),
        "paired t of independent rows and scipy's: largest difference": _largest(t_apart, random),
        "clusters of one row and independent rows: largest difference": _largest(singles_apart, random),
        "ledger before a promotion and online-fdr's spending: decisions that differ": _largest(spending_apart, random),
        "Holm and the closed test of all subsets: decisions that differ": _largest(holm_apart, random),
    }
    lines = [Line(setting=name, values={OURS: found}, trials=INPUTS, promise=CLOSE) for name, found in checks.items()]
    lines += [_ledger(), _sequence(random), _stream(bench), *_ease()]
    remark = (
        "Once something was promoted the ledger has no counterpart in online-fdr: the sum over all histories of "
        "answers is what its promise rests on."
    )
    return Finding(name="oracles", lines=tuple(lines), remarks=(remark,))


def _largest(apart: object, random: np.random.Generator) -> float:
    if not callable(apart):
        raise TypeError(f"{apart} compares nothing")
    return max(float(apart(random)) for _ in range(INPUTS))


def delong_apart(random: np.random.Generator) -> float:
    """Two-sided p of DeLong's test here and in MLstatkit."""
    from MLstatkit import Delong_test  # type: ignore[import-untyped] # it has no types

    target = (random.random(300) < 0.3).astype(np.int64)
    one, other = (random.random(300) + target * 0.3 for _ in range(2))
    theirs = Delong_test(target, one, other, return_ci=False, return_auc=False)
    ours = delong(target, one, other)
    return abs(2 * min(ours.p_better, 1 - ours.p_better) - float(theirs[1]))


def t_apart(random: np.random.Generator) -> float:
    """One-sided p of the paired t test here and in scipy."""
    from scipy.stats import ttest_rel

    one, other = random.exponential(size=(2, 200))
    return abs(compare(one, other, alpha=ALPHA).p_better - float(ttest_rel(one, other, alternative="greater").pvalue))


def singles_apart(random: np.random.Generator) -> float:
    """A cluster per row is the same as no clusters."""
    one, other = random.exponential(size=(2, 200))
    named = compare(one, other, random.permutation(200), alpha=ALPHA)
    return abs(named.p_better - compare(one, other, alpha=ALPHA).p_better)


def holm_apart(random: np.random.Generator) -> float:
    """How many of 8 hypotheses Holm rejects and the closed test does not, or the other way."""
    p_values = (random.random(8) ** 3).tolist()
    return float(sum(one != other for one, other in zip(holm(p_values, ALPHA), closed(p_values), strict=True)))


def closed(p_values: Sequence[float]) -> tuple[bool, ...]:
    """Each hypothesis is rejected if Bonferroni rejects every set of hypotheses that it is in."""
    everything = range(len(p_values))
    sets = [some for size in everything for some in itertools.combinations(everything, size + 1)]
    rejected = {some: min(p_values[one] for one in some) * len(some) <= ALPHA for some in sets}
    return tuple(all(rejected[some] for some in sets if one in some) for one in everything)


def spending_apart(random: np.random.Generator) -> float:
    """Decisions of the ledger before any promotion that differ from online-fdr's spending of half the budget."""
    from online_fdr.p_values.spending.alpha_spending import AlphaSpending
    from online_fdr.p_values.spending.functions.bonferroni import Bonferroni

    theirs = AlphaSpending(alpha=ALPHA / 2, spend_func=Bonferroni(k=RUNS))
    p_values = random.uniform(0, ALPHA / RUNS, size=RUNS).tolist()
    ours = [value <= granted(run, 0, RUNS).alpha for run, value in enumerate(p_values, start=1)]
    return float(sum(theirs.test_one(value) != mine for value, mine in zip(p_values, ours, strict=True)))


def _sequence(random: np.random.Generator) -> Line:
    """The e-process's bounds beside ville's asymptotic confidence sequence, which they become with many clusters."""
    from ville import AsymptoticCS  # type: ignore[import-untyped] # it has no types

    means = random.normal(size=4_000)
    theirs = AsymptoticCS(alpha=2 * ALPHA, t_opt=500, min_samples=2).fit(means)
    low, high = bounds(means, planned=500, alpha=ALPHA)
    apart = abs((high[-1] - low[-1]) / (theirs.upper_[-1] - theirs.lower_[-1]) - 1)
    setting = "e-process's bounds and ville's after 4,000 clusters: relative difference of widths"
    return Line(setting=setting, values={OURS: float(apart)}, trials=1, promise=Promise(high=0.002))


def _ledger() -> Line:
    """The levels of every history of answers, one challenger for each: their sum is the risk of any false promotion."""
    total = math.fsum(
        granted(run, sum(answers), RUNS).alpha
        for run in range(1, RUNS + 1)
        for answers in itertools.product((0, 1), repeat=run - 1)
    )
    setting = f"ledger of {RUNS} runs: levels of all {2**RUNS:,} histories, summed"
    return Line(setting=setting, values={OURS: total}, trials=2**RUNS, promise=Promise(high=ALPHA))


def _stream(bench: Bench) -> Line:
    """The e-process on normal means: how often it ever reaches 1/alpha in 1,000 looks."""
    random, trials = bench.random("oracles", "stream"), bench.times(2_000, 200)
    reached = sum(bool((e_values(random.normal(size=1_000), planned=30) >= 1 / ALPHA).any()) for _ in range(trials))
    setting = "e-process, normal means, 1,000 looks: ever promoted"
    return share_line(setting, {OURS: reached / trials}, trials, Promise(high=ALPHA))


def _ease() -> tuple[Line, ...]:
    """The sample sizes that the paper gives for its example, by the formulas used here."""
    plain = hoeffding_rows(tolerance=0.01, delta=1e-4, runs=32, full=False)
    clever = bennett_rows(tolerance=0.01, differ=0.1, delta=1e-4, runs=32, full=False)
    return (
        Line(
            setting="ease.ml/ci's rows for n - o > .02 +/- .01, 32 runs (267,000)",
            values={OURS: plain},
            trials=1,
            promise=Promise(low=266_500, high=267_500),
        ),
        Line(
            setting="the same where a tenth differs (29,000)",
            values={OURS: clever},
            trials=1,
            promise=Promise(low=28_500, high=29_500),
        ),
    )


EXPERIMENTS = (Experiment(numbers="15", name="oracles", title="Against other people's code", run=oracles),)
