"""A forge and a checkout that pushes to it, for tests with real git and real act."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from ratchet.forge import results, strays, tickets, worker
from ratchet.forge.dispatch import dispatch
from ratchet.forge.home import Home, connect, create
from ratchet.forge.results import RunResult
from ratchet.forge.tickets import Ticket

ROOT = Path(__file__).resolve().parents[2]

PATIENCE_SECONDS = 30

WORKFLOW = """
name: {title}
on: {on}
permissions: {{}}
{more}
jobs:
  {job}:
    name: Job
    runs-on: ubuntu-latest
    {below}
    steps:
      - uses: actions/checkout@v6
      - name: Work
        run: bash {script}
        env: {{KEY: "${{{{ inputs.key }}}}"}}
      - name: Tidy
        if: ${{{{ always() }}}}
        run: echo "tidied"
"""

MAKEFILE = """\
setup:
\ttest "$(VENV)" = "$(RATCHET_FORGE_HOME)/venv"
\tmkdir -p $(VENV)/bin && install ratchet.sh $(VENV)/bin/ratchet
check quick slow:
\t@echo "make $@" >> "$(RATCHET_FORGE_HOME)/calls"
"""

RATCHET = """\
#!/bin/bash
set -eu
echo "$* branch=$(git branch --show-current) run=${RUN_ID-} reason=${RATCHET_REASON-}" \\
  "token=${RATCHET_GIT_TOKEN:+yes} $GITHUB_EVENT_NAME $GITHUB_HEAD_REF->$GITHUB_BASE_REF" \\
  >> "$RATCHET_FORGE_HOME/calls"
env | grep -E '^(ACTOR|BASE|BRANCH|COMMIT|REASON|RESULT|RUN_ID|GITHUB_[A-Z_]+)=|^RATCHET_(ACT|BASE|BRANCH|EXP|REAS)' \\
  | grep -vE '^GITHUB_(API_URL|TOKEN|WORKSPACE|PATH|ENV|OUTPUT|STATE|STEP_SUMMARY|EVENT_PATH|ACTION.*)=' | sort \\
  | paste -sd ' ' | sed "s/^/$1: /" >> "$RATCHET_FORGE_HOME/seen"
[ "$PYTHONPATH" = "$GITHUB_WORKSPACE/src" ]
case "$1" in
  data | run | report | publish | record | advance) [ "$DVC_REMOTE_URL" = "$RATCHET_FORGE_HOME/dvc" ] ;;&
  run | report | publish | record | advance | notify)
    [ "$MLFLOW_TRACKING_URI" = "sqlite:///$RATCHET_FORGE_HOME/mlflow/mlflow.db" ] ;;
esac
case "$1" in
  models)
    if [ -z "$RATCHET_MODEL" ] && [ -f src/models ]; then cat src/models; else echo "model=$RATCHET_MODEL"; fi \\
      >> "$GITHUB_OUTPUT" ;;
  record) { echo "verdict=$(cat src/verdict)"; echo run-id=r17; } >> "$GITHUB_OUTPUT" ;;
  queue) echo "nothing waits" ;;
  report) mkdir reports; echo "# Report" | tee reports/report.md >> "$GITHUB_STEP_SUMMARY" ;;
  post) [ "$RESULT" != success ] || cat reports/report.md ;;
  dispatch) "$RATCHET_FORGE_PYTHON" ask.py "$2" "$4" "${@:5}" ;;
esac
"""

ASK = """\
import json, os, sys, urllib.request
workflow, branch, *inputs = sys.argv[1:]
url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/actions/workflows/{workflow}/dispatches"
body = {"ref": branch, "inputs": dict(pair.split("=", 1) for pair in inputs)}
headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)).read()
"""


@dataclass(frozen=True)
class Sandbox:
    """A forge and a checkout that pushes to it, with a home and a git configuration of their own."""

    forge: Home
    checkout: Path
    environment: dict[str, str]

    def git(self, *arguments: str) -> str:
        """Run git in the checkout and return all it says."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.checkout,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def commit(self, files: dict[str, str], message: str = "change") -> str:
        """Commit files and return the commit."""
        for name, text in files.items():
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (self.checkout / name).write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def push(self, job: str, branch: str = "main") -> str:
        """Commit a job script, push it and return what git said."""
        self.commit({"src/job.sh": job})
        return self.git("push", "forge", f"HEAD:{branch}")

    def start_push(self, branch: str = "main") -> subprocess.Popen[bytes]:
        """Begin to push HEAD."""
        command = ["git", "push", "forge", f"HEAD:{branch}"]
        return subprocess.Popen(
            command, cwd=self.checkout, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def runs(self) -> list[RunResult]:
        """Every run that ended."""
        return results.runs(self.forge)

    def workers(self) -> list[int]:
        """The process ids of this forge's workers."""
        wanted = ["ratchet.forge.worker", str(self.forge.root)]
        return [one.pid for one in psutil.process_iter(["cmdline"]) if (one.info["cmdline"] or [])[-2:] == wanted]

    def strays(self) -> list[str]:
        """The command lines of processes that jobs of this forge started."""
        found = [one for one in psutil.process_iter(["cmdline"]) if one.pid in strays.find(self.forge.marker)]
        return [" ".join(one.info["cmdline"] or []) for one in found]

    def workflow(self, **parts: str) -> str:
        """A workflow of one job, with the parts that are given."""
        common = {"title": "Work", "on": "push", "more": "", "below": "", "script": "job.sh", "job": "job"}
        return WORKFLOW.format(**{**common, **parts})

    def set_up(self, script: str, **workflows: str) -> None:
        """Commit and push a job script, and workflows by name, without starting any of them."""
        named = {f".github/workflows/{name}.yaml": text for name, text in workflows.items()}
        self.commit({"job.sh": script, **named}, "set up [skip ci]")
        self.git("push", "--quiet", "forge", "main")

    def ask(self, name: str = "work", **inputs: str) -> Ticket:
        """A ticket in the queue that starts a workflow by hand."""
        ticket = dispatch(self.forge, name, inputs, actor="ada")
        tickets.add(self.forge, ticket)
        return ticket

    def ended(self) -> dict[int, str]:
        """Each run's conclusion."""
        return {run.number: run.conclusion for run in self.runs()}

    def is_begun(self, key: str = "a") -> bool:
        """Whether a script that touches `begun-KEY` in the forge's home has begun."""
        return (self.forge.root / f"begun-{key}").exists()

    def go(self) -> None:
        """Let scripts end that wait for `go` in the forge's home."""
        (self.forge.root / "go").touch()

    def effects(self) -> list[str]:
        """What steps wrote into `effects` in the forge's home."""
        return (self.forge.root / "effects").read_text(encoding="utf-8").split()

    def eventually(self, true: Callable[[], object]) -> bool:
        """Wait until something is true; False if it takes too long."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if true():
                return True
            time.sleep(0.02)
        return False

    @contextmanager
    def working(self) -> Iterator[None]:
        """A worker in this process, from the beginning of the block; at its end the queue is empty."""
        thread = threading.Thread(target=worker.drain, args=(self.forge,))
        thread.start()
        try:
            yield
        finally:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A connected checkout whose owner's git configuration would even silence hooks."""
    (tmp_path / "user").mkdir()
    config = "[user]\n\tname = Ada\n\temail = ada@example.org\n[core]\n\thooksPath = /nowhere\n"
    (tmp_path / "user" / ".gitconfig").write_text(config, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "user"), "GIT_CONFIG_NOSYSTEM": "1"}
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "user" / ".gitconfig"))
    made = Sandbox(Home(tmp_path / "forge"), tmp_path / "checkout", environment)
    made.checkout.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    create(made.forge, python=Path(sys.executable))
    connect(made.forge, made.checkout)
    made.commit({".gitignore": ".ratchet/\n.dvc/\n"})
    return made


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A forge, and beside it a checkout with the real workflows that is not pushed yet."""
    config = "[user]\n\tname = Ada\n\temail = ada@example.org\n"
    (tmp_path / ".gitconfig").write_text(config, encoding="utf-8")
    for name in [name for name in os.environ if name.startswith(("GIT_", "GITHUB_", "RATCHET_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RATCHET_ACTOR", "ada")
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / ".github", checkout / ".github")
    for name, text in (("Makefile", MAKEFILE), ("ratchet.sh", RATCHET), ("ask.py", ASK)):
        (checkout / name).write_text(text, encoding="utf-8")
    (checkout / "src").mkdir()
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=checkout, check=True)
    home = Home(tmp_path / "forge")
    create(home, python=Path(sys.executable))
    connect(home, checkout)
    return home
