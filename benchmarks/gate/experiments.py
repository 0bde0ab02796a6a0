"""All experiments in the order of the page; running one, and publishing what all of them found."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from benchmarks.gate import cost, nulls, oracles, power, reuse, slices, stream, votes, weekly
from benchmarks.gate.bench import Bench
from benchmarks.gate.page import PAGE, write
from benchmarks.gate.record import OURS, Experiment, Finding, load, number, save

EXPERIMENTS: tuple[Experiment, ...] = tuple(
    experiment
    for module in (nulls, reuse, votes, power, stream, slices, weekly, oracles, cost)
    for experiment in module.EXPERIMENTS
)


def run(bench: Bench, experiment: Experiment) -> Finding:
    """Run one experiment, print what it found, and keep it."""
    begun = time.process_time()
    found = experiment.run(bench)
    absent = tuple(f"Without {name}: {why}." for name, why in bench.missing.items())
    finding = replace(found, seconds=time.process_time() - begun, remarks=(*found.remarks, *absent))
    save(finding, _path(bench, experiment))
    print(f"{experiment.name} ({finding.seconds:,.0f} s)")
    for line in finding.lines:
        verdict = {None: " ", True: "✅", False: "❌"}[line.kept]
        others = ", ".join(f"{name} {number(value)}" for name, value in line.values.items() if name != OURS)
        error = "" if line.error is None else f" ± {number(line.error)}"
        promise = f" (promised {line.promise})" if line.promise else ""
        print(f"  {verdict} {line.setting}: ours {number(line.values[OURS])}{error}{promise}; {others}", flush=True)
    return finding


def publish(bench: Bench, page: Path = PAGE) -> bool:
    """Write the page if this is the full bench and every experiment has been run; returns whether it was."""
    paths = {experiment.name: _path(bench, experiment) for experiment in EXPERIMENTS}
    if bench.scale != 1 or bench.seed or not all(path.exists() for path in paths.values()):
        print("the page is left alone: it is written once every experiment was run in full")
        return False
    write({name: load(path) for name, path in paths.items()}, EXPERIMENTS, page)
    print(f"wrote {page}")
    return True


def _path(bench: Bench, experiment: Experiment) -> Path:
    return bench.cache / "findings" / f"{bench.seed}-{bench.scale:g}" / f"{experiment.name}.json"
