"""A stream of labels that is looked at every day: how often does a rule promote what is no better, and find what is?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.gate.bench import Bench
from benchmarks.gate.budget import ALPHA
from benchmarks.gate.data import Floats
from benchmarks.gate.nulls import window
from benchmarks.gate.pool import Pool, log_losses
from benchmarks.gate.record import OURS, Experiment, Finding, Line, Promise, share_line
from benchmarks.gate.rules import BONFERRONI, MIN_CHANGE, MLFLOW, NAIVE, ROW
from ratchet.core.eprocess import e_values

DAYS, LABELS = 30, 400
Look = Callable[[list[Floats]], int | None]
"""Which day a rule promotes on, from 1, for each day's gains per row; None: never."""


def evidence(days: list[Floats]) -> int | None:
    """Ours: the e-process of the days' mean gains reaches 1/alpha."""
    found = e_values(np.array([gains.mean() for gains in days]), planned=DAYS, alpha=ALPHA)
    return _first(found >= 1 / ALPHA)


def better(days: list[Floats]) -> int | None:
    """The better average so far."""
    return _first(_running(days)[0] >= 0)


def better_by_some(days: list[Floats]) -> int | None:
    """The rule of mlflow with a min_absolute_change, looked at daily."""
    return _first(_running(days)[0] >= MIN_CHANGE)


def peeking(level: float) -> Look:
    """A paired t test of all rows so far at this level, every day."""

    def looked(days: list[Floats]) -> int | None:
        return _first(_row_p(days) < level)

    return looked


def once(days: list[Floats]) -> int | None:
    """The same test, looked at on the last day only."""
    return len(days) if _row_p(days)[-1] < ALPHA else None


RULES: Mapping[str, Look] = {
    OURS: evidence,
    NAIVE: better,
    MLFLOW: better_by_some,
    ROW: peeking(ALPHA),
    BONFERRONI: peeking(ALPHA / DAYS),
    "t on the last day": once,
}


def _running(days: list[Floats]) -> tuple[Floats, Floats, Floats]:
    """After each day: the mean gain, its standard deviation, and the number of rows."""
    rows = np.cumsum([len(gains) for gains in days]).astype(np.float64)
    sums = np.cumsum([gains.sum() for gains in days])
    squares = np.cumsum([gains @ gains for gains in days])
    means = sums / rows
    return means, np.sqrt(np.maximum(squares - rows * means**2, 0) / (rows - 1)), rows


def _row_p(days: list[Floats]) -> Floats:
    from scipy.special import stdtr

    means, spreads, rows = _running(days)
    return np.asarray(stdtr(rows - 1, -means / (spreads / np.sqrt(rows))))


def _first(promoted: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int | None:
    return int(promoted.argmax()) + 1 if promoted.any() else None


def looks(bench: Bench) -> Finding:
    """400 labels a day for 30 days; and 30 real days in a row, with all their flights."""
    pool = bench.best("census", "flights")
    real = bench.best("flights")
    lines = (
        _line(bench, f"{pool.name}, no better: promoted", "null", lambda random: _null(pool, random), full=600),
        _line(bench, f"{pool.name}, half to all data: found", "gain", lambda random: _gain(pool, random), full=150),
        _line(bench, f"{real.name}, real days, no better", "days", lambda random: _real(real, random), full=600),
    )
    return Finding(name="peeking", lines=lines)


PROMISES = {"null": Promise(high=0.05), "gain": Promise(low=0.70), "days": Promise(high=0.05)}


def _line(
    bench: Bench, setting: str, name: str, stream: Callable[[np.random.Generator], list[Floats]], *, full: int
) -> Line:
    trials, random = bench.times(full, 60), bench.random("stream", name)
    found: dict[str, list[int | None]] = {rule: [] for rule in RULES}
    for _ in range(trials):
        days = stream(random)
        for rule, look in RULES.items():
            found[rule].append(look(days))
    shares = {rule: sum(day is not None for day in when) / trials for rule, when in found.items()}
    return share_line(setting, shares, trials, PROMISES[name])


def _null(pool: Pool, random: np.random.Generator) -> list[Floats]:
    gains = _gains(pool, random.choice(pool.of("base"), 2, replace=False), random)
    return _split(np.where(random.random(len(gains)) < 0.5, gains, -gains))


def _gain(pool: Pool, random: np.random.Generator) -> list[Floats]:
    half, base = random.choice(pool.of("half")), random.choice(pool.of("base"))
    return _split(_gains(pool, np.array([half, base]), random))


def _gains(pool: Pool, models: np.ndarray[tuple[int], np.dtype[np.int64]], random: np.random.Generator) -> Floats:
    rows = random.integers(0, pool.rows, DAYS * LABELS)
    first, second = (log_losses(pool.target[rows], pool.probabilities(int(model), rows)) for model in models)
    return first - second


def _split(gains: Floats) -> list[Floats]:
    return list(gains.reshape(DAYS, LABELS))


def _real(pool: Pool, random: np.random.Generator) -> list[Floats]:
    """30 consecutive real days; the two models change places for whole days, so that neither is better."""
    rows, days = window(pool, random, DAYS)
    one, other = random.choice(pool.of("base"), 2, replace=False)
    first, second = (log_losses(pool.target[rows], pool.probabilities(int(model), rows)) for model in (one, other))
    signs = np.where(random.random(DAYS) < 0.5, 1.0, -1.0)
    return [signs[day] * (first - second)[days == day] for day in range(DAYS)]


EXPERIMENTS = (Experiment(numbers="10", name="peeking", title="A stream looked at every day", run=looks),)
