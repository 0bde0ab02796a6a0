"""What is compared with what, interleaved: each round runs ours and the alternative, one right after the other."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Comparison, Cost
from benchmarks.project import PER_BATCH, PYTHON, RATCHET, REPOSITORY, Projects, stage

PLAIN = str(REPOSITORY / "benchmarks" / "plain.py")
SAME = 1e-6
"""Relative; metrics of both sides that differ by more mean that they did not do the same work."""


def pipeline(projects: Projects, rounds: int) -> list[Comparison]:
    """Twelve months from raw batches to a verdict, and to a recorded run."""
    run: list[tuple[Cost, Cost]] = []
    recorded: list[tuple[Cost, Cost]] = []
    logged: list[tuple[Cost, Cost]] = []
    for _ in range(rounds):
        ours, theirs = projects.fresh(), projects.fresh()
        first = projects.place.cost_of((*RATCHET, "run"), cwd=ours)
        plain = projects.place.cost_of((PYTHON, PLAIN, ".", "out"), cwd=theirs)
        both = first + projects.place.cost_of((*RATCHET, "record"), cwd=ours)
        naive = projects.place.cost_of((PYTHON, PLAIN, ".", "logged", "--mlflow"), cwd=theirs)
        require_same_metrics(ours, theirs / "out")
        run.append((first, plain))
        recorded.append((both, plain))
        logged.append((both, naive))
        shutil.rmtree(ours)
        shutil.rmtree(theirs)
    script = "`plain.py`"
    return [
        _comparison("Pipeline on twelve months", "`ratchet run`", script, 1.5, run),
        _comparison("The same, recorded", "`ratchet run`, `ratchet record`", script, 2.0, recorded),
        _comparison("Both recorded", "`ratchet run`, `ratchet record`", "`plain.py --mlflow`", None, logged),
    ]


def nothing_changed(projects: Projects, rounds: int) -> list[Comparison]:
    """Saying that nothing changed."""
    project = projects.fresh()
    projects.place.cost_of((*RATCHET, "run"), (*RATCHET, "run"), cwd=project)
    costs = [
        (
            projects.place.cost_of((*RATCHET, "run"), cwd=project),
            projects.place.cost_of((PYTHON, "-m", "dvc", "status"), cwd=project),
        )
        for _ in range(rounds)
    ]
    return [_comparison("Nothing changed", "`ratchet run`", "`dvc status`", 1.2, costs)]


def growth(projects: Projects, rounds: int) -> list[Comparison]:
    """The arrival of the twelfth month, and of the second."""
    arrivals = {count: _before_arrival(projects, count) for count in (12, 2)}
    costs = [(_arrival(projects, arrivals[12], 12), _arrival(projects, arrivals[2], 2)) for _ in range(rounds)]
    return [
        _comparison("One more month: ingest, validate, featurize", "the twelfth month", "the second month", 1.3, costs)
    ]


CASES: dict[str, Callable[[Projects, int], list[Comparison]]] = {
    "pipeline": pipeline,
    "nothing-changed": nothing_changed,
    "growth": growth,
}
ROUNDS = {"pipeline": 3, "nothing-changed": 7, "growth": 5}
"""Rounds of each case unless another number is asked for."""


def require_same_metrics(ours: Path, plain: Path) -> None:
    """Raises RuntimeError if the two sides measured different things."""
    mine = json.loads((ours / "data/metrics/evaluate.json").read_bytes())
    theirs = json.loads((plain / "metrics.json").read_bytes())["test"]
    for model, metrics in mine.items():
        for name, value in metrics.items():
            other = theirs[model][name][0]
            if not (math.isnan(other) if value is None else math.isclose(value, other, rel_tol=SAME)):
                raise RuntimeError(f"{model} {name} is {value} for ratchet and {other} for plain.py: not the same work")


def _before_arrival(projects: Projects, count: int) -> Path:
    project = projects.fresh(projects.batches[: count - 1])
    projects.place.cost_of(*(stage(name) for name in PER_BATCH), cwd=project)
    return project


def _arrival(projects: Projects, before: Path, count: int) -> Cost:
    project = projects.copy(before)
    projects.add_batch(project, projects.batches[count - 1])
    cost = projects.place.cost_of(*(stage(name) for name in PER_BATCH), cwd=project)
    shutil.rmtree(project)
    return cost


def _comparison(
    name: str, ours: str, alternative: str, goal: float | None, costs: list[tuple[Cost, Cost]]
) -> Comparison:
    return Comparison(name=name, ours=ours, alternative=alternative, goal=goal, rounds=tuple(costs))
