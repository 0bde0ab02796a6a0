"""23 overlapping parts of the rows: is an equal model refused, and is one that is worse in a single part found?"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate.bench import Bench
from benchmarks.gate.budget import ALPHA
from benchmarks.gate.data import Floats, Ints
from benchmarks.gate.evidence import Masks, evidence
from benchmarks.gate.pool import Pool, log_losses
from benchmarks.gate.record import OURS, Experiment, Finding, Line, Promise
from benchmarks.gate.rules import BONFERRONI, MIN_CHANGE, MLFLOW, NAIVE, ROW, Pair
from ratchet.core.gate import decide
from ratchet.core.gate_params import Gate, Slices

ROWS, MANY = 10_000, 23
SHARE = 0.13
"""Of the rows that the planted loss is in."""
PLANTED = (0.02, 0.03, 0.04, 0.05, 0.06, 0.08)
"""Log loss that the challenger loses in that part, and nowhere else."""
PLAIN = 0.97
"""The promise is held to the smallest that a test of that part alone finds so often, as it did when it was made."""
ALONE = "row t, that part alone"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """The part in which the challenger's logits are raised, and by how much."""

    where: str
    shift: float


def policy(columns: tuple[str, ...]) -> Gate:
    """The gate with these columns as slices."""
    return Gate(metric="log_loss", slices=Slices(by=columns, alpha=ALPHA))


def refused(pair: Pair, masks: Masks) -> bool:
    """Ours: the gate's own condition, by Holm over all parts."""
    columns = tuple(dict.fromkeys(name.partition(" = ")[0] for name in masks))
    gate = policy(columns)
    decision = decide(evidence(pair, gate, slices=masks, metrics=False), gate)
    return not next(condition.passed for condition in decision.conditions if condition.name == "slices")


def by_mean(least: float) -> Callable[[Pair, Masks], bool]:
    """Any part's mean is worse by more than `least`: the naive rule, or a threshold for every part as in mlflow."""
    return lambda pair, masks: any(float(pair.gains[mask].mean()) < -least for mask in masks.values())


def by_row_t(level: float) -> Callable[[Pair, Masks], bool]:
    """Any part's t test over rows shows a loss at this level."""

    def found(pair: Pair, masks: Masks) -> bool:
        from scipy.special import stdtr

        for mask in masks.values():
            gains = pair.gains[mask]
            error = gains.std(ddof=1) / np.sqrt(len(gains))
            if error > 0 and stdtr(len(gains) - 1, gains.mean() / error) < level:
                return True
        return False

    return found


RULES: Mapping[str, Callable[[Pair, Masks], bool]] = {
    OURS: refused,
    NAIVE: by_mean(0.0),
    MLFLOW: by_mean(MIN_CHANGE),
    ROW: by_row_t(ALPHA),
    BONFERRONI: by_row_t(ALPHA / MANY),
}


def parts(pool: Pool) -> Masks:
    """The first 23 parts of the population: categories, or quarters of a number, with 4 to 90 % of the rows."""
    found: dict[str, NDArray[np.bool_]] = {}
    for name, column in zip(pool.columns, pool.features.T, strict=True):
        found |= {f"{name} = {value}": mask for value, mask in _of(column).items() if 0.04 <= mask.mean() <= 0.9}
    return dict(list(found.items())[:MANY])


def _of(column: Floats) -> Masks:
    values = np.unique(column[~np.isnan(column)])
    if len(values) <= 8:
        return {f"{value:g}": column == value for value in values}
    edges = np.unique(np.nanquantile(column, [0, 0.25, 0.5, 0.75, 1]))
    bounds = itertools.pairwise(edges)
    return {
        f"{low:g} to {high:g}": (column >= low) & ((column < high) | (high == edges[-1]) & (column == high))
        for low, high in bounds
    }


def blocks(bench: Bench) -> Finding:
    """Refusals of a model that is no worse anywhere, and of one with a planted loss in one part."""
    pool = bench.best("census", "flights")
    masks = parts(pool)
    where = min(masks, key=lambda name: abs(masks[name].mean() - SHARE))
    random, trials = bench.random("slices", "null"), bench.times(1_000, 60)
    lines = [
        Line(
            setting=f"{pool.name}, no worse in any of {len(masks)} parts: refused",
            values=_shares(pool, masks, random, trials, Planted(where=where, shift=0.0)),
            trials=trials,
            promise=Promise(high=0.06),
        )
    ]
    promised = False
    for loss in PLANTED:
        random, trials = bench.random("slices", str(loss)), bench.times(300, 40)
        planted = Planted(where=where, shift=shift_for(pool, masks[where], loss))
        found = _shares(pool, masks, random, trials, planted)
        setting = f"{pool.name}, {loss:g} lost in {masks[where].mean():.0%} of the rows: found"
        due = found[ALONE] >= PLAIN and not promised
        promised |= due
        lines.append(Line(setting=setting, values=found, trials=trials, promise=Promise(low=0.8) if due else None))
    remark = (
        f"The part is `{where}`; the loss is planted by raising the challenger's logits there. The promise is held to "
        f"the smallest loss that a t test of that part alone, at .05, finds in {PLAIN:.0%}. *Found* means "
        "refused for any part; without correction many a refusal is for one of the parts that are equal."
    )
    return Finding(name="slices", lines=tuple(lines), remarks=(remark,))


def shift_for(pool: Pool, mask: NDArray[np.bool_], loss: float) -> float:
    """By how much the logits of a base model must be raised in a part to lose so much log loss there."""
    from scipy.optimize import brentq

    rows = np.flatnonzero(mask)[:20_000]
    target, scores = pool.target[rows], pool.probabilities(int(pool.of("base")[0]), rows)
    start = log_losses(target, scores).mean()
    shift: float = brentq(lambda by: log_losses(target, raised(scores, by)).mean() - start - loss, 0.1, 3)
    return shift


def raised(scores: Floats, by: float) -> Floats:
    """Probabilities with their logits raised."""
    odds = np.clip(scores, 1e-9, 1 - 1e-9)
    chances: Floats = 1 / (1 + np.exp(-by) * (1 - odds) / odds)
    return chances


def _shares(pool: Pool, masks: Masks, random: np.random.Generator, trials: int, planted: Planted) -> dict[str, float]:
    refusals = dict.fromkeys((*RULES, ALONE), 0)
    for _ in range(trials):
        rows = random.integers(0, pool.rows, ROWS)
        drawn = {name: mask[rows] for name, mask in masks.items()}
        pair = _pair(pool, rows, random)
        if planted.shift:
            worse = np.where(drawn[planted.where], raised(pair.challenger, planted.shift), pair.challenger)
            pair = Pair(target=pair.target, champion=pair.champion, challenger=worse)
        for name, rule in RULES.items():
            refusals[name] += rule(pair, drawn)
        refusals[ALONE] += RULES[ROW](pair, {planted.where: drawn[planted.where]})
    return {name: count / trials for name, count in refusals.items()}


def _pair(pool: Pool, rows: Ints, random: np.random.Generator) -> Pair:
    one, other = (pool.probabilities(int(model), rows) for model in random.choice(pool.of("base"), 2, replace=False))
    return Pair(target=pool.target[rows], champion=one, challenger=other).swapped(random.random(len(rows)) < 0.5)


EXPERIMENTS = (Experiment(numbers="11", name="slices", title="Parts of the rows", run=blocks),)
