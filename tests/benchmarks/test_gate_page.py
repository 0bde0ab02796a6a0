"""The page with the gate's evidence says what was found, and is written by a full run alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gate.__main__ import main
from benchmarks.gate.bench import Bench
from benchmarks.gate.experiments import EXPERIMENTS, publish, run
from benchmarks.gate.page import write
from benchmarks.gate.record import OURS, Experiment, Finding, Line, Promise, save
from benchmarks.gate.rules import MLFLOW, NAIVE, ROW

CURVE = {"runs": [0, 5], **{rule: {"shown": [0.0, 0.1], "true": [0.0, 0.0]} for rule in (OURS, NAIVE, MLFLOW, ROW)}}
SETTINGS = {
    "whole-days": tuple(f"flights, {days} days, {measure}" for days in (7, 28) for measure in ("log loss", "AUC")),
    "refits": ("flights: any false promotion",),
    "team": ("flights, team, 10,000 rows: true gain",),
    "weekly": ("flights: regretted promotions", "flights: log loss served"),
}
CURVES: dict[str, dict[str, Any]] = {
    "climb": {"flights": CURVE},
    "power": {"flights": {"gain": 0.01, "rows": [500, 1_000], "found": {OURS: [0.2, 0.4], NAIVE: [0.8, 0.9]}}},
}


def finding(experiment: Experiment) -> Finding:
    """What an experiment might have found: ours .04 in every setting, of at most .05 promised."""
    lines = tuple(
        Line(setting=setting, values={OURS: 0.04, NAIVE: 0.48, ROW: 0.06}, trials=100, promise=Promise(high=0.05))
        for setting in SETTINGS.get(experiment.name, (f"some rows, {experiment.name}",))
    )
    return Finding(name=experiment.name, lines=lines, curves=CURVES.get(experiment.name, {}), seconds=60)


FINDINGS = {experiment.name: finding(experiment) for experiment in EXPERIMENTS}


def test_page_tells_everything(tmp_path: Path) -> None:
    """Every setting is on the page with its numbers and verdict, and every picture is there and small."""
    missed = replace(FINDINGS["votes"].lines[0], values={OURS: 0.07}, error=0.01)
    findings = {**FINDINGS, "votes": replace(FINDINGS["votes"], lines=(missed,), remarks=("A remark.",))}
    write(findings, EXPERIMENTS, tmp_path / "gate-evidence.md")
    page = (tmp_path / "gate-evidence.md").read_text(encoding="utf-8")
    for found in findings.values():
        assert all(f"| {line.setting} | 100 | ≤ 0.05 |" in page for line in found.lines)
    assert "❌ **0.07** ± 0.0100" in page
    assert "✅ **0.04** | 0.48 |" in page
    assert "A remark." in page
    assert "In one minute" in page.splitlines()[2]
    pictures = sorted((tmp_path / "gate-evidence").glob("*.png"))
    assert [path.name for path in pictures] == ["budget.png", "false-promotions.png", "inflation.png", "power.png"]
    assert all(path.stat().st_size < 100_000 and f"(gate-evidence/{path.name})" in page for path in pictures)


def test_only_a_full_run_writes_the_page(tmp_path: Path) -> None:
    """A short run, another seed or a missing experiment leave the page alone; all findings of a full run write it."""
    page, full = tmp_path / "page.md", Bench(cache=tmp_path)
    folder = tmp_path / "findings" / "0-1"
    for name, found in FINDINGS.items():
        assert not publish(full, page)
        save(found, folder / f"{name}.json")
    assert not publish(replace(full, scale=0.1), page)
    assert not publish(replace(full, seed=1), page)
    assert not page.exists()
    assert publish(full, page)
    assert page.exists()


def test_a_missing_data_set_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What an experiment had to do without is kept with its finding, and its lines are printed."""
    bench = Bench(cache=tmp_path, missing={"census": "it could not be fetched"})
    experiment = replace(EXPERIMENTS[0], run=lambda _: FINDINGS["refits"])
    found = run(bench, experiment)
    assert found.remarks == ("Without census: it could not be fetched.",)
    assert "✅ flights: any false promotion: ours 0.04 (promised ≤ 0.05); naive 0.48" in capsys.readouterr().out


@pytest.mark.parametrize("asked", [["--scale", "2"], ["--scale", "0"], ["--only", "nothing"]])
def test_the_command_refuses(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A share that is none and an experiment that is not there are usage errors, before anything runs."""
    monkeypatch.setattr("sys.argv", ["benchmarks.gate", *asked])
    with pytest.raises(SystemExit) as refused:
        main()
    assert refused.value.code == 2


def test_names_are_told_apart() -> None:
    """Every experiment has a name of its own."""
    names = [experiment.name for experiment in EXPERIMENTS]
    assert sorted(set(names)) == sorted(names)
