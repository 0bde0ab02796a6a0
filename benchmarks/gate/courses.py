"""Courses of many runs on the same holdout: refits, a team at work, a search that climbs, refits judged by real days.

A course is a holdout, a first champion and a challenger per run. What was promoted was false if it is truly no better
than what it replaced, over the whole population. Beside the holdout there are open rows: they decide nothing, and what
they say of a promoted model is all that is told of it while the holdout is sealed (`ratchet.core.seal`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from benchmarks.gate.budget import Budget, ledger_level
from benchmarks.gate.climber import Climber, logits_of
from benchmarks.gate.data import Ints
from benchmarks.gate.nulls import window
from benchmarks.gate.pool import Pool, log_losses
from benchmarks.gate.rules import Pair, Rule, ours
from ratchet.core.comparison import compare

RUNS, ROWS = 200, 2_000
TRUTH_ROWS = 60_000
"""Rows of the population that say whether a step of the climb was truly one up."""


@dataclass(kw_only=True)
class Path:
    """How one rule went through one sequence: what it promoted when, and what that was worth on paper and in truth.

    For our rule, `told` is what the open rows said of each promotion, and `sure` the lower bound of its gain on the
    holdout at the level of its run.
    """

    false: int = 0
    when: list[int] = field(default_factory=list)
    claimed: list[float] = field(default_factory=list)
    true: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    sure: list[float] = field(default_factory=list)

    @property
    def promotions(self) -> int:
        """How many."""
        return len(self.when)

    def inflation(self, said: Sequence[float]) -> float:
        """What was said that promotions gained, less what they truly did."""
        return sum(said) - sum(self.true)


class Course(Protocol):
    """A holdout, a first champion, and one challenger per run, which may depend on the champion of the moment."""

    runs: int

    def begin(self) -> None:
        """Back to the first champion."""

    def pair(self, run: int) -> Pair | None:
        """The champion and the challenger of this run on the holdout; None: they are the same model."""

    def told(self, run: int) -> float:
        """The gain of this run's challenger on the open rows."""

    def promote(self, run: int) -> float:
        """The challenger of this run becomes the champion; returns its true gain."""


def play(course: Course, rule: Rule) -> Path:
    """Let one rule decide every run of a course."""
    path = Path()
    course.begin()
    for run in range(1, course.runs + 1):
        pair = course.pair(run)
        budget = Budget(run=run, promotions=path.promotions, runs=course.runs)
        if pair is None or not rule(pair, budget):
            continue
        if rule is ours:
            path.told.append(course.told(run))
            path.sure.append(compare(*pair.both_losses, pair.clusters, alpha=ledger_level(budget)).low or 0.0)
        true = course.promote(run)
        path.when.append(run)
        path.false += true <= 0
        path.claimed.append(pair.gain)
        path.true.append(true)
    return path


class Drawn:
    """Challengers that are models of the pool, judged by some of its rows."""

    def __init__(
        self, pool: Pool, rows: Ints, open_rows: Ints, *, models: Sequence[int], clusters: Ints | None = None
    ) -> None:
        """`models`: the first champion, then one challenger per run."""
        self.runs = len(models) - 1
        self._pool, self._models, self._truth = pool, models, pool.truth
        self._open = open_rows
        self._target, self._clusters = pool.target[rows], clusters
        self._scores = {one: pool.probabilities(one, rows) for one in set(models)}
        self._losses = {one: log_losses(self._target, scores) for one, scores in self._scores.items()}
        self._pairs: dict[tuple[int, int], Pair] = {}
        self._champion = models[0]

    def begin(self) -> None:
        """As the protocol says; what was computed of a pair is kept for the next rule."""
        self._champion = self._models[0]

    def pair(self, run: int) -> Pair | None:
        """As the protocol says."""
        one, other = self._champion, self._models[run]
        if one != other and (one, other) not in self._pairs:
            self._pairs[one, other] = self._pair(one, other)
        return None if one == other else self._pairs[one, other]

    def _pair(self, one: int, other: int) -> Pair:
        return Pair(
            target=self._target,
            champion=self._scores[one],
            challenger=self._scores[other],
            clusters=self._clusters,
            losses=(self._losses[one], self._losses[other]),
        )

    def told(self, run: int) -> float:
        """As the protocol says."""
        pool, rows = self._pool, self._open
        one, other = (
            log_losses(pool.target[rows], pool.probabilities(model, rows)).mean()
            for model in (self._champion, self._models[run])
        )
        return float(one - other)

    def promote(self, run: int) -> float:
        """As the protocol says."""
        gain = self._truth[self._champion] - self._truth[self._models[run]]
        self._champion = self._models[run]
        return float(gain)


class Climb:
    """Each challenger is the champion moved one step in a random direction: a search that climbs on the answers."""

    def __init__(self, pool: Pool, rows: Sequence[Ints], *, random: np.random.Generator, runs: int) -> None:
        """`rows`: those that judge, the open ones, and those that say what a step was worth."""
        self.runs = runs
        start = int(random.choice(pool.of("base")))
        directions = random.normal(size=(pool.features.shape[1], runs)) / np.sqrt(pool.features.shape[1] / 2)
        self._first = [
            Climber(pool.target[some], pool.standard[some], directions, logits_of(pool.probabilities(start, some)))
            for some in rows
        ]
        self.begin()

    def begin(self) -> None:
        """As the protocol says."""
        self._judges, self._open, self._truth = self._first

    def pair(self, run: int) -> Pair | None:
        """As the protocol says."""
        one, other = self._judges, self._judges.moved(run)
        return Pair(
            target=one.target, champion=one.chances, challenger=other.chances, losses=(one.losses, other.losses)
        )

    def told(self, run: int) -> float:
        """As the protocol says."""
        return self._open.loss - self._open.moved(run).loss

    def promote(self, run: int) -> float:
        """As the protocol says."""
        before = self._truth.loss
        self._judges, self._open, self._truth = (one.moved(run) for one in (self._judges, self._open, self._truth))
        return before - self._truth.loss


Maker = Callable[[Pool, np.random.Generator], Course]


def churn(pool: Pool, random: np.random.Generator) -> Course:
    """Every challenger is another refit of the champion's recipe."""
    rows = random.integers(0, pool.rows, ROWS)
    models = random.choice(pool.of("base"), RUNS + 1).tolist()
    return Drawn(pool, rows, random.integers(0, pool.rows, ROWS), models=models)


def team(rows: int) -> Maker:
    """The champion saw half the data; then 60 % refits on all of it, 30 % changes for the worse, 10 % tuned ones."""

    def made(pool: Pool, random: np.random.Generator) -> Course:
        kinds = random.choice(["base", "worse", "tuned"], RUNS, p=[0.6, 0.3, 0.1])
        names = {"base": ("base",), "worse": ("half", "overfit", "dropped"), "tuned": ("tuned",)}
        models = [int(random.choice(pool.of(*names[kind]))) for kind in ["worse", *kinds]]
        models[0] = int(random.choice(pool.of("half")))
        judging, open_rows = (random.integers(0, pool.rows, rows) for _ in range(2))
        return Drawn(pool, judging, open_rows, models=models)

    return made


def climb(pool: Pool, random: np.random.Generator) -> Course:
    """A search that keeps what the gate promotes."""
    order = random.permutation(pool.rows)
    rows = np.split(order[: 2 * ROWS + TRUTH_ROWS], [ROWS, 2 * ROWS])
    return Climb(pool, rows, random=random, runs=RUNS)


def days(pool: Pool, random: np.random.Generator) -> Course:
    """100 refits judged by the same 28 consecutive days."""
    rows, clusters = window(pool, random, 28)
    models = random.choice(pool.of("base"), 101).tolist()
    return Drawn(pool, rows, random.integers(0, pool.rows, len(rows)), models=models, clusters=clusters)
