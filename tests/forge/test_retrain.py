"""The repository's own train and retrain workflows through act, with a `ratchet` that only notes what it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ratchet.forge import hook, results
from ratchet.forge.dispatch import dispatch
from ratchet.forge.home import Home, connect, create

ROOT = Path(__file__).resolve().parents[2]

MAKEFILE = "setup:\n\tmkdir -p $(VENV)/bin && install ratchet.sh $(VENV)/bin/ratchet\n"

RATCHET = """\
#!/bin/bash
set -eu
echo "$* branch=$(git branch --show-current) run=${RUN_ID-}" \\
  "reason=${RATCHET_REASON-} token=${RATCHET_GIT_TOKEN:+yes}" \\
  >> "$RATCHET_FORGE_HOME/calls"
[ "$MLFLOW_TRACKING_URI $DVC_REMOTE_URL" = "sqlite:///$RATCHET_FORGE_HOME/mlflow/mlflow.db $RATCHET_FORGE_HOME/dvc" ]
[ "$PYTHONPATH" = "$GITHUB_WORKSPACE/src" ]
case "$1" in
  record) { echo "verdict=$(cat src/verdict)"; echo run-id=r17; } >> "$GITHUB_OUTPUT" ;;
  report) mkdir reports; echo "# Report" | tee reports/report.md >> "$GITHUB_STEP_SUMMARY" ;;
esac
"""


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A forge, and beside it a checkout with the real workflows that is not pushed yet."""
    config = "[user]\n\tname = Ada\n\temail = ada@example.org\n"
    (tmp_path / ".gitconfig").write_text(config, encoding="utf-8")
    for name in [name for name in os.environ if name.startswith(("GIT_", "GITHUB_", "RATCHET_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / ".github", checkout / ".github")
    (checkout / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    (checkout / "ratchet.sh").write_text(RATCHET, encoding="utf-8")
    (checkout / "src").mkdir()
    git(["init", "--quiet", "--initial-branch=main"], checkout)
    home = Home(tmp_path / "forge")
    create(home, python=Path(sys.executable))
    connect(home, checkout)
    return home


def git(arguments: Sequence[str], checkout: Path) -> str:
    """Run git and return all it says."""
    done = subprocess.run(
        ["git", *arguments], cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    )
    return done.stdout


def push(forge: Home, verdict: str) -> str:
    """Push a commit whose training comes to `verdict`."""
    checkout = forge.root.parent / "checkout"
    (checkout / "src" / "verdict").write_text(verdict, encoding="utf-8")
    git(["add", "--all", "--", ":!.ratchet", ":!.dvc"], checkout)
    git(["commit", "--quiet", "--message", f"verdict: {verdict}"], checkout)
    return git(["push", "forge", "main"], checkout)


def calls(forge: Home) -> list[str]:
    """What `ratchet` was asked, in order."""
    return (forge.root / "calls").read_text(encoding="utf-8").splitlines()


def trained(reason: str) -> list[str]:
    """The calls of the train workflow; only the step that pushes has a token."""
    steps = ("data fetch", "run", "publish", "record", "report")
    tokens = {"publish": "yes"}
    return [f"{step} branch=main run= reason={reason} token={tokens.get(step, '')}" for step in steps]


def test_a_promotion_follows_training_that_says_so(forge: Home) -> None:
    """A push trains on its branch, keeps the report, and then promotes the run that training recorded."""
    said = push(forge, "promote")
    [run] = results.runs(forge)
    assert run.ok, said
    assert calls(forge) == [*trained("push"), "promote r17 branch=main run=r17 reason= token=yes"]
    assert (run.jobs, run.outputs) == (
        {"Train / Train": "success", "Promote": "success"},
        {"verdict": "promote", "run-id": "r17"},
    )
    assert run.summary.read_text(encoding="utf-8") == "# Report\n"
    assert (run.artifacts / "report" / "report.md").read_text(encoding="utf-8") == "# Report\n"


@pytest.mark.parametrize("verdict", ["hold", "reject", ""])
def test_nothing_else_promotes(forge: Home, verdict: str) -> None:
    """Training that does not say `promote` ends well, and promotes nothing."""
    push(forge, verdict)
    [run] = results.runs(forge)
    assert (run.ok, run.jobs) == (True, {"Train / Train": "success", "Promote": "skipped"})
    assert calls(forge) == trained("push")


def test_training_by_hand_says_why(forge: Home) -> None:
    """The reason of a run that was started by hand reaches the commands."""
    push(forge, "hold")
    (forge.root / "calls").unlink()
    hook.show(forge, [dispatch(forge, "retrain", {"reason": "it drifts; $(date)"}, actor="ada")])
    assert calls(forge) == trained("it drifts; $(date)")
