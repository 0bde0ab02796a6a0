"""What looking back and promoting cost: `python -m benchmarks.registry [--rounds N] [--only size|promote]`.

Looking back is measured on a made-up ledger of 10,000 versions and 100,000 entries, as whole processes: cold, where
this clone has never read it and verifies all of it, and warm. Every version was trained on the batch that is asked for.
Promoting and going back are measured beside the MLflow calls that they need, one after the other in each round, on a
project of three months. The tables are printed; docs/benchmarks.md is written by hand. The exit code is 1 if a goal was
missed.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from benchmarks.measure import Comparison, Cost, Workplace
from benchmarks.page import table
from benchmarks.project import PYTHON, RATCHET, REPOSITORY, Projects, environment
from benchmarks.registry_ledger import write_ledger

VERSIONS, ENTRIES = 10_000, 100_000
GOAL_SECONDS = 1.0
GOAL_RATIO = 2.0
LOOKS = (
    ("history",),
    ("history", "--all"),
    ("history", "--at", "2020-01-01"),
    ("history", "--version", "5001"),
    ("lineage", "v5001", "--as", "version"),
    ("lineage", "2013-06", "--as", "batch"),
    ("queue",),
)
MODEL = "late"
INDEX = Path(".git/ratchet")


def main() -> int:
    """Measure; returns the exit code."""
    asked = _arguments()
    reached = True
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as folder:
        if asked.only in (None, "size"):
            reached &= _size(Path(folder) / "size", asked.rounds)
        if asked.only in (None, "promote"):
            found = _promotion(Projects(Path(folder)), asked.rounds)
            print(table(found))
            reached &= all(each.reached for each in found)
    return 0 if reached else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure looking back over a long ledger, and promoting.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement")
    parser.add_argument("--only", choices=("size", "promote"), help="one of the two alone")
    return parser.parse_args()


def _size(folder: Path, rounds: int) -> bool:
    root = folder / "project"
    root.mkdir(parents=True)
    place = Workplace(environment=environment(folder), log=folder / "output.log")
    shutil.copytree(REPOSITORY / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    tree = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    tree["project"]["name"] = MODEL
    (root / "params.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    compiled = (PYTHON, "-m", "compileall", "-q", "src")
    place.cost_of(("git", "init", "--quiet", "--initial-branch", "main"), compiled, cwd=root)
    print(f"a ledger of {VERSIONS:,} versions and {ENTRIES:,} entries is made up", file=sys.stderr, flush=True)
    write_ledger(root, MODEL, versions=VERSIONS, entries=ENTRIES)
    print("| command | CPU s, cold | CPU s, warm | goal |\n|---|---:|---:|---:|")
    reached = [_look(place, root, words, rounds) for words in LOOKS]
    return all(reached)


def _look(place: Workplace, root: Path, words: Sequence[str], rounds: int) -> bool:
    cold, warm = [], []
    for _ in range(rounds):
        shutil.rmtree(root / INDEX, ignore_errors=True)
        cold.append(place.cost_of((*RATCHET, *words), cwd=root).cpu)
        warm.append(place.cost_of((*RATCHET, *words), cwd=root).cpu)
    first, later = statistics.median(cold), statistics.median(warm)
    print(f"| `ratchet {' '.join(words)}` | **{first:.2f}** | **{later:.2f}** | < {GOAL_SECONDS:g} |", flush=True)
    return max(first, later) < GOAL_SECONDS


def _promotion(projects: Projects, rounds: int) -> list[Comparison]:
    """Two versions are recorded and the first serves; each measurement begins from there, or from after the second."""
    project = projects.fresh(projects.batches[:3])
    compute = ((*RATCHET, "run"), (*RATCHET, "record"))
    projects.place.cost_of(*compute, (*RATCHET, "promote"), cwd=project)
    _another_model(project)
    projects.place.cost_of(*compute, cwd=project)
    kept = Path(shutil.copytree(project, f"{project}-recorded", symlinks=True))
    store = f"MLFLOW_TRACKING_URI=sqlite:///{project / '.ratchet' / 'mlflow.db'}"
    bare = ("env", store, PYTHON, str(REPOSITORY / "benchmarks" / "registry_bare.py"), _model(project))
    found: dict[str, list[tuple[Cost, Cost]]] = {"promote": [], "rollback": []}
    for _ in range(rounds):
        costs: dict[str, list[Cost]] = {"promote": [], "rollback": []}
        for script in (RATCHET, bare):
            _restore(kept, project)
            for name, pairs in costs.items():
                more = ("--reason", "slow") if name == "rollback" and script is RATCHET else ()
                pairs.append(projects.place.cost_of((*script, name, *more), cwd=project))
        for name, (mine, other) in costs.items():
            found[name].append((mine, other))
    return [
        Comparison(
            name=f"{name}, with the calls it needs",
            ours=f"ratchet {name}",
            alternative="registry_bare.py",
            goal=GOAL_RATIO,
            rounds=tuple(pairs),
        )
        for name, pairs in found.items()
    ]


def _another_model(project: Path) -> None:
    """By another seed, which is no worse; the gate is as wide open as it can be, as it is not what is measured."""
    path = project / "params.yaml"
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    tree["model"]["seed"] += 1
    tree["gate"] |= {"alpha": 0.49, "margin": 0.05}
    path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def _model(project: Path) -> str:
    return str(yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))["project"]["name"])


def _restore(kept: Path, project: Path) -> None:
    shutil.rmtree(project)
    shutil.copytree(kept, project, symlinks=True)


if __name__ == "__main__":
    sys.exit(main())
