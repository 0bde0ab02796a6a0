"""The forge as a person types it: start, watch, approve, cancel, look back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.forge import results, source, tickets
from ratchet.forge.home import Home
from ratchet.io.git import git

pytestmark = pytest.mark.slow

WORKFLOW = """
name: Ship it
on:
  workflow_dispatch: {inputs: {what: {type: choice, options: [one, two], required: true}}}
  repository_dispatch: {types: [drift]}
  schedule: [{cron: "0 0 1 1 *"}]
jobs:
  ship:
    name: Ship
    runs-on: ubuntu-latest
    environment: production
    steps:
      - run: echo "what:$WHAT score:$SCORE cron:$CRON"
        env:
          WHAT: ${{ inputs.what }}
          SCORE: ${{ github.event.client_payload.score }}
          CRON: ${{ github.event.schedule }}
"""


class Shell:
    """Types commands in a project whose forge is beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = Home(root.with_name(f"{root.name}-forge"))

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run `ratchet forge WORDS`, which must end with `code`; returns what it printed."""
        done = CliRunner().invoke(app, ["--project", str(self.root), "forge", *words], catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done.output


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A project with one workflow, pushed."""
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))
    monkeypatch.setenv("RATCHET_ACTOR", "ada")
    root = tmp_path / "project"
    file = root / ".github" / "workflows" / "ship.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(WORKFLOW, encoding="utf-8")
    for name in ("params.yaml", "dvc.yaml"):
        (root / name).write_text("", encoding="utf-8")
    git(["init", "--quiet", "--initial-branch=main"], cwd=root)
    git(["add", ".github"], cwd=root)
    git(["commit", "--quiet", "--message", "begin"], cwd=root)
    made = Shell(root)
    made("init")
    git(["push", "--quiet", "forge", "main"], cwd=root)
    return made


def test_runs_are_started_in_every_way(shell: Shell, tmp_path: Path) -> None:
    """By hand, by an event, by the clock; each shows its steps, and the list says how they ended."""
    payload = tmp_path / "drift.json"
    payload.write_text(json.dumps({"score": 0.4}), encoding="utf-8")
    assert "    what:two score: cron:\n" in shell("dispatch", "ship", "--input", "what=two")
    assert "    what: score:0.4 cron:\n" in shell("event", "drift", "--payload", str(payload))
    assert "    what: score: cron:0 0 1 1 *\n" in shell("tick", "--cron", "0 0 1 1 *")
    assert shell("tick") == ""
    assert "no workflow asks for this" in shell("event", "other")
    lines = shell("runs").splitlines()
    sha = source.resolve(shell.home, source.MAIN) or ""
    assert lines == [f"   {number}  ok         ship  {sha[:9]}  Ship success" for number in (1, 2, 3)]
    assert shell("log", "2") == results.runs(shell.home)[1].log.read_text(encoding="utf-8")
    assert shell("log") == results.runs(shell.home)[2].log.read_text(encoding="utf-8")
    assert shell("status") == "nothing runs and nothing waits\n"


def test_a_held_run_is_approved_rejected_or_cancelled(shell: Shell) -> None:
    """It is shown as waiting; approved it runs and shows its steps; rejected or cancelled it never does."""
    assert "ratchet forge approve" in shell("protect", "production")
    for _ in range(3):
        assert "waits for an approval of production" in shell("dispatch", "ship", "--input", "what=one")
    assert [line.split()[:3] for line in shell("status").splitlines()] == [
        [str(number), "waiting", "ship"] for number in (1, 2, 3)
    ]
    assert "    what:one score: cron:\n" in shell("approve", "2")
    assert "FAILED: rejected by ada" in shell("approve", "1", "--reject")
    shell("cancel", "3")
    shell("work")
    ended = [(run.number, run.conclusion, run.approved_by, run.error) for run in results.runs(shell.home)]
    assert ended == [
        (1, "failure", "", "rejected by ada"),
        (2, "success", "ada", ""),
        (3, "cancelled", "", "cancelled by ada"),
    ]
    assert "approved by ada" in shell("runs").splitlines()[1]
    shell("unprotect", "production")
    assert "ship #4: ok" in shell("dispatch", "ship", "--input", "what=one")


def test_what_a_dead_worker_left_is_shown_and_done(shell: Shell) -> None:
    """An event that nobody works on is in the status, and `work` does it."""
    from ratchet.forge.dispatch import dispatch

    tickets.add(shell.home, dispatch(shell.home, "ship", {"what": "one"}, actor="ada"))
    first, last = shell("status").splitlines()
    assert first.split()[:3] == ["-", "new", "dispatch"]
    assert last.endswith("ratchet forge work")
    said = shell("work")
    assert ("    what:one score: cron:\n" in said, said.endswith("nothing is left to do\n")) == (True, True)
    assert said.startswith(results.runs(shell.home)[0].log.read_text(encoding="utf-8"))
    assert shell("work") == "nothing is left to do\n"
    assert [run.ok for run in results.runs(shell.home)] == [True]


@pytest.mark.parametrize(
    "words",
    [
        ("dispatch", "ship"),
        ("dispatch", "ship", "--input", "what=three"),
        ("dispatch", "ship", "--input", "what"),
        ("dispatch", "none"),
        ("dispatch", "ship", "--branch", "none", "--input", "what=one"),
        ("event", ""),
        ("event", "drift", "--payload", "nowhere.json"),
        ("tick", "--cron", "1 2 3 4 5"),
        ("log", "9"),
        ("cancel", "9"),
        ("approve", "9"),
        ("protect", "prodution"),
        ("unprotect", "production"),
        ("status", "--home", "/nowhere/at/all"),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(shell: Shell, words: tuple[str, ...]) -> None:
    """A missing input, workflow, branch, run or forge ends with exit code 2, and starts nothing."""
    from ratchet.errors import UsageError

    with pytest.raises(UsageError):
        shell(*words)
    assert (results.runs(shell.home), list(shell.home.queue.iterdir())) == ([], [])
