"""What is compared with what, interleaved: each round runs ours and the alternative, one right after the other."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Comparison, Cost
from benchmarks.months import moved_months, write_month
from benchmarks.project import PER_BATCH, PYTHON, RATCHET, REPOSITORY, Projects, stage

PLAIN = str(REPOSITORY / "benchmarks" / "plain.py")
MANY, FEW = 240, 2
"""Batches that are there before one more comes."""
PROFILES = ".ratchet/profiles"
"""Where a project keeps the profiles of raw batches."""
BY_DVC = (PYTHON, "-m", "dvc", "repro", "--quiet", PER_BATCH[-1])
"""The stages per batch as DVC runs them, which looks at all that it tracks."""
LONG_AGO = 1998
"""The year in which they begin: what is later than today would be refused."""
SAME = 1e-6
"""Relative; metrics of both sides that differ by more mean that they did not do the same work."""


@dataclass(frozen=True)
class Arrival:
    """One batch more: to take it in, and after that the stages per batch, by themselves or run by DVC."""

    door: Cost
    stages: Cost
    by_dvc: Cost


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


def many_batches(projects: Projects, rounds: int) -> list[Comparison]:
    """The arrival of a month after 240 months, and after two: through the door and the stages per batch, and by DVC."""
    months = projects.fresh()
    every = moved_months(months / "data/raw", MANY // 12 + 1, first=LONG_AGO)
    made = {name: write_month(months / "made" / name, tables) for name, tables in every}
    *before, last = list(made)[: MANY + 1]
    standing = {count: _with_batches(projects, [made[name] for name in before[-count:]]) for count in (MANY, FEW)}
    for project in standing.values():
        _keep_profiles(projects, project, made[last])
    costs = [[_taken_in(projects, standing[count], made[last]) for count in (MANY, FEW)] for _ in range(rounds)]
    names = (f"batch {MANY + 1}", f"batch {FEW + 1}")
    kinds: dict[str, Callable[[Arrival], Cost]] = {
        "`ratchet data add`, ingest, validate, featurize": lambda arrival: arrival.door + arrival.stages,
        "`ratchet data add` alone": lambda arrival: arrival.door,
        "ingest, validate, featurize alone": lambda arrival: arrival.stages,
        "`ratchet data add`, `dvc repro featurize`": lambda arrival: arrival.door + arrival.by_dvc,
    }
    return [
        _comparison(f"One more batch: {kind}", *names, 1.3, [(cost(many), cost(few)) for many, few in costs])
        for kind, cost in kinds.items()
    ]


CASES: dict[str, Callable[[Projects, int], list[Comparison]]] = {
    "pipeline": pipeline,
    "nothing-changed": nothing_changed,
    "growth": growth,
    "many-batches": many_batches,
}
ROUNDS = {"pipeline": 3, "nothing-changed": 7, "growth": 5, "many-batches": 3}
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


def _with_batches(projects: Projects, folders: Sequence[Path]) -> Path:
    """A project that holds these raw batches, tracked, and has run its stages per batch."""
    project = projects.fresh(batches=())
    for folder in folders:
        shutil.copytree(folder, project / "data/raw" / folder.name)
    raw = [f"data/raw/{folder.name}" for folder in folders]
    projects.place.cost_of((PYTHON, "-m", "dvc", "add", "--quiet", *raw), BY_DVC, cwd=project)
    return project


def _keep_profiles(projects: Projects, project: Path, batch: Path) -> None:
    """Let the project have the profiles of its batches, as it has where they came in by the same door."""
    copy = projects.copy(project)
    projects.place.cost_of(_add(batch), cwd=copy)
    shutil.copytree(copy / PROFILES, project / PROFILES, dirs_exist_ok=True)
    shutil.rmtree(copy)


def _add(batch: Path) -> tuple[str, ...]:
    lookup = f"weather={batch / 'weather.parquet'}"
    return (*RATCHET, "data", "add", batch.name, str(batch / "rows.parquet"), "--lookup", lookup)


def _taken_in(projects: Projects, project: Path, batch: Path) -> Arrival:
    """What it costs to add a batch and to bring the stages up to date after it; the project is then what it was."""
    copy = projects.copy(project)
    door = projects.place.cost_of(_add(batch), cwd=copy)
    stages = projects.place.cost_of(*map(stage, PER_BATCH), cwd=copy)
    shutil.rmtree(copy)
    again = projects.copy(project)
    # DVC remembers the digests of files that it has seen, as it does wherever people work; these are new copies.
    projects.place.cost_of((PYTHON, "-m", "dvc", "status"), _add(batch), cwd=again)
    by_dvc = projects.place.cost_of(BY_DVC, cwd=again)
    shutil.rmtree(again)
    return Arrival(door, stages, by_dvc)


def _comparison(
    name: str, ours: str, alternative: str, goal: float | None, costs: list[tuple[Cost, Cost]]
) -> Comparison:
    return Comparison(name=name, ours=ours, alternative=alternative, goal=goal, rounds=tuple(costs))
