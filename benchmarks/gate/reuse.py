"""The same rows asked again and again: any false promotion, inflation, and what true gain is left.

Claimed: what the holdout showed was gained from the first champion to the last. Inflation: claimed minus true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.gate.bench import Bench
from benchmarks.gate.courses import RUNS, Maker, Path, churn, climb, days, play, team
from benchmarks.gate.pool import Pool
from benchmarks.gate.record import OURS, Experiment, Finding, Line, Promise
from benchmarks.gate.rules import MLFLOW, NAIVE, REPEATED, ROW

FALSE = Promise(high=0.05)
ANY = "any false promotion"


@dataclass(frozen=True, kw_only=True)
class Played:
    """Every rule's paths through all sequences of one setting."""

    paths: Mapping[str, list[Path]]
    sequences: int

    def any_false(self) -> dict[str, float]:
        """The share of sequences with at least one false promotion."""
        return {name: float(np.mean([path.false > 0 for path in paths])) for name, paths in self.paths.items()}

    def true(self) -> dict[str, float]:
        """The mean true gain from the first champion to the last."""
        return {name: float(np.mean([sum(path.true) for path in paths])) for name, paths in self.paths.items()}

    def inflation(self) -> dict[str, float]:
        """The mean of claimed minus true gain."""
        return {
            name: float(np.mean([sum(path.claimed) - sum(path.true) for path in paths]))
            for name, paths in self.paths.items()
        }

    def sure(self) -> dict[str, float]:
        """The same for what our gate is sure of: the lower bounds instead of the gains that were shown."""
        return {OURS: float(np.mean([sum(path.sure) - sum(path.true) for path in self.paths[OURS]]))}

    def curves(self) -> dict[str, Any]:
        """Shown and true gain since the start by run, for the picture; the mean over sequences."""
        runs = list(range(0, RUNS + 1, 5))
        told: dict[str, dict[str, list[float]]] = {
            rule: {"shown": [], "true": []} for rule in (OURS, NAIVE, MLFLOW, ROW)
        }
        for rule, found in told.items():
            for run in runs:
                so_far = [sum(at <= run for at in path.when) for path in self.paths[rule]]
                paths = list(zip(self.paths[rule], so_far, strict=True))
                found["shown"].append(float(np.mean([sum(path.claimed[:count]) for path, count in paths])))
                found["true"].append(float(np.mean([sum(path.true[:count]) for path, count in paths])))
        return {"runs": runs, **told}

    def promotions(self) -> dict[str, float]:
        """The mean number of promotions."""
        return {name: float(np.mean([path.promotions for path in paths])) for name, paths in self.paths.items()}


def played(bench: Bench, pool: Pool, maker: Maker, *, name: str, full: int) -> Played:
    """Play the same sequences with every rule."""
    sequences = bench.times(full, 10)
    paths: dict[str, list[Path]] = {rule: [] for rule in REPEATED}
    for number in range(sequences):
        course = maker(pool, bench.random(name, pool.name, number))
        for rule, decide in REPEATED.items():
            paths[rule].append(play(course, decide))
    return Played(paths=paths, sequences=sequences)


def lines_of(found: Played, setting: str, *, promises: Mapping[str, Promise]) -> tuple[Line, ...]:
    """The lines of one setting: any false promotion, inflation, true gain, number of promotions."""
    measures = {
        "any false promotion": found.any_false(),
        "inflation": found.inflation(),
        "inflation of what is sure": found.sure(),
        "true gain": found.true(),
        "promotions": found.promotions(),
    }
    return tuple(
        Line(setting=f"{setting}: {measure}", values=values, trials=found.sequences, promise=promises.get(measure))
        for measure, values in measures.items()
    )


def refits(bench: Bench) -> Finding:
    """200 refits on one holdout of 2,000 rows."""
    lines: list[Line] = []
    for pool in bench.pools("census", "flights"):
        found = played(bench, pool, churn, name="churn", full=100)
        lines += lines_of(found, f"{pool.name}, 200 refits", promises={ANY: FALSE})
    return Finding(name="refits", lines=tuple(lines))


def climbing(bench: Bench) -> Finding:
    """200 steps of a search that keeps what the gate promotes."""
    lines: list[Line] = []
    curves = {}
    for pool in bench.pools("census", "flights"):
        found = played(bench, pool, climb, name="climb", full=100)
        promises = {ANY: FALSE, "inflation": Promise(high=0.0005)}
        lines += lines_of(found, f"{pool.name}, climb of 200 steps", promises=promises)
        curves[pool.name] = found.curves()
    remark = (
        "A gain that was picked because it was large is too large: what a promoted model showed is inflated whatever "
        "the test. *What is sure* is the lower bound at the level of the run: that much may be said of rows that were "
        "asked before."
    )
    return Finding(name="climb", lines=tuple(lines), remarks=(remark,), curves=curves)


def same_days(bench: Bench) -> Finding:
    """100 refits on 28 consecutive days."""
    pool = bench.best("flights")
    found = played(bench, pool, days, name="days", full=40)
    return Finding(
        name="same-days", lines=lines_of(found, f"{pool.name}, 100 refits on 28 days", promises={ANY: FALSE})
    )


def teamwork(bench: Bench) -> Finding:
    """What safety costs: a team's 200 runs on 10,000 rows, where true gains are there to be found."""
    pool = bench.best("census", "flights")
    promises = {2_000: {ANY: FALSE}, 10_000: {ANY: FALSE, "true gain": Promise(low=0.0055)}}
    lines: list[Line] = []
    for rows, promised in promises.items():
        found = played(bench, pool, team(rows), name=f"team-{rows}", full=60)
        lines += lines_of(found, f"{pool.name}, team, {rows:,} rows", promises=promised)
    return Finding(name="team", lines=tuple(lines))


EXPERIMENTS = (
    Experiment(numbers="3", name="refits", title="200 refits on one holdout", run=refits),
    Experiment(numbers="4", name="climb", title="A search that climbs on the gate's answers", run=climbing),
    Experiment(numbers="5", name="same-days", title="100 refits on the same 28 days", run=same_days),
    Experiment(numbers="7", name="team", title="What safety costs a team", run=teamwork),
)
