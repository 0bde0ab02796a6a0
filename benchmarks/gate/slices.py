"""23 overlapping parts of the rows: is an equal model refused, and is one that is worse in a single part found?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate.bench import Bench
from benchmarks.gate.budget import ALPHA
from benchmarks.gate.data import Floats, Ints
from benchmarks.gate.evidence import evidence
from benchmarks.gate.pool import Pool, log_losses
from benchmarks.gate.record import OURS, Experiment, Finding, Promise, share_line
from benchmarks.gate.rules import BONFERRONI, MIN_CHANGE, MLFLOW, NAIVE, ROW, Pair
from ratchet.core.gate import decide
from ratchet.core.gate_params import Gate, Slices
from ratchet.core.slicing import cut

if TYPE_CHECKING:
    import pandas as pd

Bools = NDArray[np.bool_]
Masks = Mapping[str, Bools]
"""Parts of the rows by what the gate calls them."""

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
    """The part of the population in which the challenger's logits are raised, and by how much."""

    where: Bools
    shift: float


def policy(columns: Iterable[str]) -> Gate:
    """The gate with these columns as slices."""
    return Gate(metric="log_loss", slices=Slices(by=tuple(columns), alpha=ALPHA))


def refused(pair: Pair, table: pd.DataFrame) -> bool:
    """Ours: the gate's own condition, by Holm over all parts, which it cuts itself."""
    gate = policy(table.columns)
    decision = decide(evidence(pair, gate, table=table, metrics=False), gate)
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


OTHERS: Mapping[str, Callable[[Pair, Masks], bool]] = {
    NAIVE: by_mean(0.0),
    MLFLOW: by_mean(MIN_CHANGE),
    ROW: by_row_t(ALPHA),
    BONFERRONI: by_row_t(ALPHA / MANY),
}


def sliced(pool: Pool) -> pd.DataFrame:
    """The population's columns of which the gate makes 23 slices: the first ones that fit."""
    import pandas as pd

    found: dict[str, Floats] = {}
    count = 0
    for name, column in zip(pool.columns, pool.features.T, strict=True):
        several = len(parts(pd.DataFrame({name: column})))
        if 1 < several <= MANY - count:
            found[name], count = column, count + several
    return pd.DataFrame(found)


def parts(table: pd.DataFrame) -> Masks:
    """The slices that the gate makes of these rows, of no fewer than its `min_rows` in 10,000."""
    least = Slices().min_rows * len(table) / ROWS
    found: dict[str, Bools] = {}
    for name in table:
        one = cut(str(name), table[name])
        masks = {one.name(which): one.codes == which for which in range(len(one.texts))}
        found |= {text: mask for text, mask in masks.items() if mask.sum() >= least}
    return found


def blocks(bench: Bench) -> Finding:
    """Refusals of a model that is no worse anywhere, and of one with a planted loss in one part."""
    pool = bench.best("census", "flights")
    table = sliced(pool)
    masks = parts(table)
    where = min(masks, key=lambda name: abs(masks[name].mean() - SHARE))
    random, trials = bench.random("slices", "null"), bench.times(1_000, 60)
    lines = [
        share_line(
            f"{pool.name}, no worse in any of {len(masks)} parts: refused",
            _shares(pool, table, random, trials, Planted(where=masks[where], shift=0.0)),
            trials,
            Promise(high=0.06),
        )
    ]
    promised = False
    for loss in PLANTED:
        random, trials = bench.random("slices", str(loss)), bench.times(300, 40)
        planted = Planted(where=masks[where], shift=shift_for(pool, masks[where], loss))
        found = _shares(pool, table, random, trials, planted)
        setting = f"{pool.name}, {loss:g} lost in {masks[where].mean():.0%} of the rows: found"
        due = found[ALONE] >= PLAIN and not promised
        promised |= due
        lines.append(share_line(setting, found, trials, Promise(low=0.8) if due else None))
    remark = (
        f"The part is `{where}`; the loss is planted by raising the challenger's logits there. The promise is held to "
        f"the smallest loss that a t test of that part alone, at .05, finds in {PLAIN:.0%}. *Found* means "
        "refused for any part; without correction many a refusal is for one of the parts that are equal."
    )
    return Finding(name="slices", lines=tuple(lines), remarks=(remark,))


def shift_for(pool: Pool, mask: Bools, loss: float) -> float:
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


def _shares(
    pool: Pool, table: pd.DataFrame, random: np.random.Generator, trials: int, planted: Planted
) -> dict[str, float]:
    refusals = dict.fromkeys((OURS, *OTHERS, ALONE), 0)
    for _ in range(trials):
        rows = random.integers(0, pool.rows, ROWS)
        judged, where = table.iloc[rows], planted.where[rows]
        pair = _pair(pool, rows, random)
        if planted.shift:
            worse = np.where(where, raised(pair.challenger, planted.shift), pair.challenger)
            pair = Pair(target=pair.target, champion=pair.champion, challenger=worse)
        refusals[OURS] += refused(pair, judged)
        masks = parts(judged)
        for name, rule in OTHERS.items():
            refusals[name] += rule(pair, masks)
        refusals[ALONE] += OTHERS[ROW](pair, {"alone": where})
    return {name: count / trials for name, count in refusals.items()}


def _pair(pool: Pool, rows: Ints, random: np.random.Generator) -> Pair:
    one, other = (pool.probabilities(int(model), rows) for model in random.choice(pool.of("base"), 2, replace=False))
    return Pair(target=pool.target[rows], champion=one, challenger=other).swapped(random.random(len(rows)) < 0.5)


EXPERIMENTS = (Experiment(numbers="11", name="slices", title="Parts of the rows", run=blocks),)
