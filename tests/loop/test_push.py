"""The real thing: data is pushed with git, and the repository's own workflows train, judge, record and promote it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("push")]

TRAINED = {"Train / Train": "success", "Ask for the other models": "skipped", "Ask for promotion": "success"}


def test_the_first_push_trains_and_promotes_the_first_champion(pushed: Sandbox) -> None:
    """Run, report, commit of the bot, ledger entry, alias: one push leaves them all."""
    run, promotion = pushed.forge_runs()
    assert (run.ok, run.jobs) == (True, TRAINED), run.log.read_text()
    assert (promotion.ok, promotion.jobs) == (True, {"Promote": "success"}), promotion.log.read_text()
    assert run.sha == pushed.git("rev-parse", "HEAD")
    report = {path.name for path in (run.artifacts / "report").iterdir()}
    assert report == {"report.md", "report.html", "decision.json", "weak_spots.json"}
    assert run.summary.read_text(encoding="utf-8") == (run.artifacts / "report" / "report.md").read_text()

    [entry] = pushed.ledger()
    assert (entry["version"], entry["run_id"], entry["kind"]) == (1, run.outputs["run-id"], "promotion")
    assert pushed.ok("reconcile") == "ledger and alias agree: version 1 serves\n"

    pushed.git("pull", "--quiet", "--ff-only", "forge", "main")
    assert pushed.git("log", "-1", "--format=%an %s") == f"ratchet Reproduce {run.sha[:7]}"
    changed = pushed.git("diff", "--name-only", run.sha, "HEAD").split()
    assert changed == [
        "data/computed.yaml",
        "data/decision.json",
        "data/level.json",
        "data/metrics/evaluate.json",
        "data/metrics/train.json",
        "dvc.lock",
    ]
    assert list(yaml.safe_load((pushed.root / "dvc.lock").read_text())["stages"])[-1] == "gate"


def ledger_text(pushed: Sandbox) -> str:
    """The ledger's lines as git holds them."""
    names = pushed.git("--git-dir", str(pushed.forge.origin), "ls-tree", "-r", "--name-only", "ratchet/ledger").split()
    found = [name for name in names if name.endswith(".jsonl")]
    return "\n".join(
        pushed.git("--git-dir", str(pushed.forge.origin), "show", f"ratchet/ledger:{one}") for one in found
    )


def test_what_changes_nothing_trains_nothing(pushed: Sandbox) -> None:
    """Documents and an empty commit start no run; a comment in params.yaml starts one that finds nothing changed."""
    pushed.git("pull", "--quiet", "--ff-only", "forge", "main")
    (pushed.root / "docs").mkdir()
    (pushed.root / "docs" / "a.md").write_text("words\n", encoding="utf-8")
    assert "no workflow asks for this" in pushed.push("Write")
    assert "no workflow asks for this" in pushed.push("Nothing at all")
    assert len(pushed.forge_runs()) == 2

    with (pushed.root / "params.yaml").open("a", encoding="utf-8") as file:
        file.write("# a remark\n")
    said = pushed.push("Remark")
    assert "Nothing changed. Version 1 serves." in said
    assert [(run.number, run.ok) for run in pushed.forge_runs("retrain")] == [(1, True), (3, True)]
    assert (pushed.recorded_runs(), len(pushed.ledger())) == (1, 1)
    assert pushed.git("ls-remote", "forge", "main").split()[0] == pushed.git("rev-parse", "HEAD")


def test_a_pushed_batch_is_judged_against_the_champion(pushed: Sandbox) -> None:
    """Only the new batch is worked on; the pushed commit runs, whatever lies in the work tree; and it serves.

    It serves signed, and only once somebody has approved it, which stands in the ledger.
    """
    pushed.git("pull", "--quiet", "--ff-only", "forge", "main")
    pushed.set_params(gate={"refit_margin": 2000.0}, promotion={"phases": ["gate", {"approval": {"of": ["grace"]}}]})
    pushed.ok("keys", "new", "release")
    pushed.ok("keys", "sign")
    pushed.ok("forge", "protect", "production")
    pushed.ok("data", "pull", "--until", "part-05")
    pushed.commit("Add part 5")
    room = pushed.root / "src" / "diabetes" / "features.py"
    pushed.git("update-index", "--assume-unchanged", "src/diabetes/features.py")
    room.write_text("raise RuntimeError('the work tree ran')\n", encoding="utf-8")
    said = pushed.push("Really")
    assert "ingest: made 1, kept 5" in said
    run = pushed.forge_runs("retrain")[-1]
    assert (run.ok, run.outputs["verdict"], run.jobs) == (True, "promote", TRAINED), said
    decision = json.loads((run.artifacts / "report" / "decision.json").read_text(encoding="utf-8"))
    evidence = decision["evidence"]
    assert (evidence["reference"], evidence["champion"], evidence["refit"]) == ("champion", 1, True)
    assert pushed.recorded_runs() == 2

    assert [entry["version"] for entry in pushed.ledger()] == [1]
    approved = pushed.ratchet("forge", "approve", "4", "--reason", "looked at it", env={"RATCHET_ACTOR": "grace"})
    assert "the approval of production by grace is in the ledger" in approved.out
    assert [(entry["version"], entry["replaces"]) for entry in pushed.ledger()] == [(1, None), (2, 1)]
    lines = [json.loads(line) for line in ledger_text(pushed).splitlines() if '"kind"' in line]
    said = next(line for line in lines if line["kind"] == "approval")
    assert (said["actor"], said["version"], said["reason"]) == ("grace", 2, "looked at it")
    assert (
        next(line for line in lines if line["kind"] == "registered" and line["version"] == 2)["signed_by"] == "release"
    )
    shown = json.loads((pushed.forge.root / "deployments.json").read_text(encoding="utf-8"))
    states = [(each["payload"]["version"], each["statuses"][-1]["state"]) for each in shown]
    assert states == [(1, "inactive"), (2, "success")]
    private = (pushed.root / ".ratchet" / "keys" / "release.pem").read_text(encoding="utf-8").splitlines()[1]
    assert not [
        path for path in pushed.forge.runs.rglob("*") if path.is_file() and private.encode() in path.read_bytes()
    ]


def test_a_refused_batch_fails_the_run_and_changes_nothing(pushed: Sandbox) -> None:
    """A batch that breaks the schema, pushed past the checks here, stops in the workflow: the push is told why."""
    pushed.git("pull", "--quiet", "--ff-only", "forge", "main")
    batch = pushed.root / "data" / "raw" / "part-05"
    batch.mkdir()
    subprocess.run(["cp", pushed.root / "data/raw/part-04/rows.parquet", batch / "rows.parquet"], check=True)
    break_it = (
        "import pandas as pd; p = 'data/raw/part-05/rows.parquet'; pd.read_parquet(p).assign(age=500.0).to_parquet(p)"
    )
    assert pushed.run([sys.executable, "-c", break_it]).code == 0
    assert pushed.run([sys.executable, "-m", "dvc", "add", "--quiet", str(batch)]).code == 0
    said = pushed.push("Add what is wrong")
    assert (pushed.forge_runs()[-1].ok, pushed.forge_runs()[-1].jobs["Ask for promotion"]) == (False, "skipped")
    assert "batch part-05 is refused" in said
    assert "rows.age" in said
    assert (pushed.recorded_runs(), len(pushed.ledger())) == (1, 1)
