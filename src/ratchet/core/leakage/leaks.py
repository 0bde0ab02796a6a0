"""Which of what was measured is a leak: it goes beyond its limit in `gate.leakage`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ratchet.core.leakage.limits import Leakage
from ratchet.core.leakage.records import Disorder, LeakageCheck, Pair, Shared, Telling
from ratchet.core.params import Task

APART = "take these rows out of the training batches or out of the holdout"
ANEW = "if keys start anew in each batch, say gate.leakage.keys: 1"


@dataclass(frozen=True, kw_only=True)
class Leak:
    """One leak: the key of `gate.leakage` that it breaks, what was found, its mending, and rows that show it."""

    kind: str
    sentence: str
    remedy: str
    shown: tuple[Pair, ...]


def leaks(check: LeakageCheck, limits: Leakage, task: Task) -> Iterator[Leak]:
    """Everything that goes beyond its limit."""
    yield from _shared(check, "duplicates", check.exact, limits.duplicates)
    yield from _shared(check, "near_duplicates", check.near, limits.near_duplicates)
    yield from _shared(check, "keys", check.keys, limits.keys)
    if check.disorder and check.disorder.rows > limits.overlap * check.rows:
        yield _backwards(check.disorder, check.rows, limits.overlap)
    for telling in check.telling:
        if telling.value > limit_of(telling, limits, task):
            yield _reproduces(telling, limits, task)


def limit_of(telling: Telling, limits: Leakage, task: Task) -> float:
    """How much of the label this feature may tell."""
    return limits.correlation if measure_of(telling, task) == "rank correlation" else limits.feature


def measure_of(telling: Telling, task: Task) -> str:
    """What `telling.value` is called."""
    return "rank correlation" if task == "regression" and telling.by == "value" else "ROC AUC"


def _shared(check: LeakageCheck, kind: str, shared: Shared, limit: float) -> Iterator[Leak]:
    """A leak if the share of judging rows with a counterpart, beyond what is expected anyway, is above the limit."""
    if shared.rows - shared.expected <= limit * check.rows:
        return
    words = {
        "duplicates": "have the features and the label of a training row",
        "near_duplicates": f"are training rows but for {shared.but}",
        "keys": "have the key of a training row",
    }
    usual = f", {shared.expected:,.0f} at most by chance" if shared.expected >= 0.5 else ""
    yield Leak(
        kind=kind,
        sentence=f"leak: {shared.rows:,} of the {check.rows:,} rows that judge {words[kind]}{usual} "
        f"(gate.leakage.{kind} allows {limit:.4g} of them)",
        remedy=f"{APART}; {ANEW}" if kind == "keys" else APART,
        shown=shared.shown,
    )


def _backwards(disorder: Disorder, rows: int, limit: float) -> Leak:
    return Leak(
        kind="overlap",
        sentence=f"leak: time runs backwards: training goes on to {disorder.newest_training} and judging begins at "
        f"{disorder.oldest_holdout}; without {disorder.rows:,} rows it would not "
        f"(gate.leakage.overlap allows {limit:.4g} of the {rows:,} that judge)",
        remedy="let the names of batches sort in the order of time, and put each row into the batch of its time",
        shown=disorder.shown,
    )


def _reproduces(telling: Telling, limits: Leakage, task: Task) -> Leak:
    measure = measure_of(telling, task)
    key = "feature" if measure == "ROC AUC" else "correlation"
    what = f"the feature {telling.feature}" if telling.by == "value" else f"whether {telling.feature} is missing"
    return Leak(
        kind=key,
        sentence=f"leak: {what} alone tells the label, {measure} {telling.value:.5g} on {telling.rows:,} rows "
        f"(gate.leakage.{key} allows {limit_of(telling, limits, task):.4g})",
        remedy=f"leave {telling.feature} out of build() unless it is known when a prediction is asked for",
        shown=telling.shown,
    )
