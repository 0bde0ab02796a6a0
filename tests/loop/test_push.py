"""The real thing: data is pushed with git, and the repository's own workflows train, judge, record and promote it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ratchet.forge.home import Home
from ratchet.forge.results import RunResult, runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.loop.conftest import Kept, Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("push")]

ROOT = Path(__file__).resolve().parents[2]
OF_THE_REPOSITORY = (".github", "Makefile", "requirements", "pyproject.toml")


def home_of(sandbox: Sandbox) -> Home:
    """The forge beside the project."""
    return Home(sandbox.base / "forge")


def push(sandbox: Sandbox, message: str) -> str:
    """Commit everything, push data and commit; returns what the forge said."""
    sandbox.commit(message)
    assert sandbox.run([sys.executable, "-m", "dvc", "push", "--quiet"]).code == 0
    said = sandbox.run(["git", "push", "forge", "HEAD:main"])
    assert said.code == 0, said
    return re.sub(r"(?m)^remote: |\s+$", "", said.error)


def newest(sandbox: Sandbox) -> RunResult:
    """The newest run of a workflow."""
    return runs(home_of(sandbox))[-1]


def ledger(sandbox: Sandbox) -> list[dict[str, Any]]:
    """All entries."""
    return [json.loads(line) for line in sandbox.ok("history", "--json").splitlines()]


def recorded_runs(sandbox: Sandbox) -> int:
    """How many runs MLflow holds."""
    count = "import mlflow; print(len(mlflow.search_runs(search_all_experiments=True)))"
    uri = f"sqlite:///{home_of(sandbox).mlflow_db}"
    return int(sandbox.run([sys.executable, "-c", count], env={"MLFLOW_TRACKING_URI": uri}).out)


@pytest.fixture(scope="session")
def _pushed(tmp_path_factory: pytest.TempPathFactory, new_project: Callable[[Path], Sandbox]) -> Kept:
    base = tmp_path_factory.mktemp("push")
    sandbox = new_project(base / "live")
    for name in OF_THE_REPOSITORY:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, sandbox.root / name)
    lock = sandbox.git("hash-object", "requirements/dev.txt")
    assert (Path(sys.prefix) / f".locked-{lock}").exists(), "make setup: this environment is not that of the lock"
    sandbox.ok("forge", "init", str(home_of(sandbox).root))
    sandbox.ok("data", "pull", "--until", "part-04")
    push(sandbox, "Add four parts")
    return sandbox, sandbox.keep(base / "pushed")


@pytest.fixture
def pushed(_pushed: Kept) -> Sandbox:
    """A project whose first push has run its workflows."""
    sandbox, place = _pushed
    sandbox.restore(place)
    return sandbox


def test_the_first_push_trains_and_promotes_the_first_champion(pushed: Sandbox) -> None:
    """Run, report, commit of the bot, ledger entry, alias: one push leaves them all."""
    [run] = runs(home_of(pushed))
    assert (run.ok, run.jobs) == (True, {"Train / Train": "success", "Promote": "success"}), run.log.read_text()
    assert run.sha == pushed.git("rev-parse", "HEAD")
    report = {path.name for path in (run.artifacts / "report").iterdir()}
    assert report == {"report.md", "report.html", "decision.json"}
    assert run.summary.read_text(encoding="utf-8") == (run.artifacts / "report" / "report.md").read_text()

    [entry] = ledger(pushed)
    assert (entry["version"], entry["run_id"], entry["kind"]) == (1, run.outputs["run-id"], "promotion")
    assert pushed.ok("reconcile") == "ledger and alias agree: version 1 serves\n"

    pushed.git("pull", "--quiet", "--ff-only", "forge", "main")
    assert pushed.git("log", "-1", "--format=%an %s") == f"ratchet Reproduce {run.sha[:7]}"
    changed = pushed.git("diff", "--name-only", run.sha, "HEAD").split()
    assert changed == ["data/computed.yaml", "data/decision.json", "data/metrics/evaluate.json", "data/metrics/train.json", "dvc.lock"]
    assert list(yaml.safe_load((pushed.root / "dvc.lock").read_text())["stages"])[-1] == "gate"


def test_what_changes_nothing_trains_nothing(pushed: Sandbox) -> None:
    """Documents and an empty commit start no run; a comment in params.yaml starts one that finds nothing changed."""
    pushed.git("pull", "--quiet", "--ff-only", "forge", "main")
    (pushed.root / "docs").mkdir()
    (pushed.root / "docs" / "a.md").write_text("words\n", encoding="utf-8")
    assert "no workflow asks for this" in push(pushed, "Write")
    assert "no workflow asks for this" in push(pushed, "Nothing at all")
    assert len(runs(home_of(pushed))) == 1

    with (pushed.root / "params.yaml").open("a", encoding="utf-8") as file:
        file.write("# a remark\n")
    said = push(pushed, "Remark")
    assert "Nothing changed. Version 1 serves." in said
    assert (newest(pushed).number, newest(pushed).ok) == (2, True)
    assert (recorded_runs(pushed), len(ledger(pushed))) == (1, 1)
    assert pushed.git("ls-remote", "forge", "main").split()[0] == pushed.git("rev-parse", "HEAD")


def test_a_pushed_batch_is_judged_against_the_champion(pushed: Sandbox) -> None:
    """Only the new batch is worked on; the pushed commit runs, whatever lies in the work tree; and it serves."""
    pushed.git("pull", "--quiet", "--ff-only", "forge", "main")
    pushed.set_params(gate={"refit_margin": 2000.0})
    pushed.ok("data", "pull", "--until", "part-05")
    pushed.commit("Add part 5")
    room = pushed.root / "src" / "diabetes" / "features.py"
    pushed.git("update-index", "--assume-unchanged", "src/diabetes/features.py")
    room.write_text("raise RuntimeError('the work tree ran')\n", encoding="utf-8")
    said = push(pushed, "Really")
    assert "ingest: made 1, kept 5" in said
    run = newest(pushed)
    assert (run.ok, run.outputs["verdict"], run.jobs["Promote"]) == (True, "promote", "success"), said
    decision = json.loads((run.artifacts / "report" / "decision.json").read_text(encoding="utf-8"))
    evidence = decision["evidence"]
    assert (evidence["reference"], evidence["champion"], evidence["refit"]) == ("champion", 1, True)
    assert [(entry["version"], entry["replaces"]) for entry in ledger(pushed)] == [(1, None), (2, 1)]
    assert recorded_runs(pushed) == 2


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
    said = push(pushed, "Add what is wrong")
    assert (newest(pushed).ok, newest(pushed).jobs["Promote"]) == (False, "skipped")
    assert "batch part-05 is refused" in said
    assert "rows.age" in said
    assert (recorded_runs(pushed), len(ledger(pushed))) == (1, 1)
