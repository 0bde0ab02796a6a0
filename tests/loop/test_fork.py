"""A fork's pull request from its first commit to the comment about it: the repository's own workflows, through act.

The forge has no forks. Here its repository holds a stranger's commit as GitHub holds it, under refs/pull/1/head and on
no branch, its API says whose it is, and the events are told in GitHub's words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ratchet.core.fork.comment import WAITS
from ratchet.core.fork.result import parse_result
from ratchet.forge import conversation, tickets, worker
from ratchet.forge.api import shapes as api_shapes
from ratchet.forge.home import Home
from ratchet.forge.pulls import pull_record, pulls
from ratchet.forge.pulls.pull_record import Pull
from ratchet.forge.results import RunResult
from ratchet.forge.tickets import NOTHING
from ratchet.io.git import git
from ratchet.settings import load_settings

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("push")]

OWNER, THEIRS, BRANCH = "mallory", "mallory/model", "better"
FEATURES = "src/diabetes/features.py"
WORKFLOWS = ".github/workflows"

SPY = """

def _look():
    import json, os, pathlib
    pathlib.Path(os.environ["RATCHET_FORGE_HOME"], "spied.json").write_text(json.dumps(dict(os.environ)))

_look()
"""

LIE = """

def _lie():
    import os, subprocess, sys
    path = os.path.join(os.environ["GITHUB_WORKSPACE"], "reports", "result.json")
    subprocess.Popen([sys.executable, "-S", "-c", _LATER, path], start_new_session=True, **{
        name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")
    })

_LATER = '''
import json, os, sys, time
path, end = sys.argv[1], time.monotonic() + 60
while not os.path.exists(path) and time.monotonic() < end:
    time.sleep(0.005)
result = json.load(open(path))
with open(path + ".new", "w") as file:
    json.dump({**result, "note": "<img src=x onerror=alert(1)>"}, file)
os.replace(path + ".new", path)
'''
_lie()
"""
"""What is left running, and writes into the result once that is there."""

FABRICATED = """
name: Pull request
on: pull_request
permissions: write-all
jobs:
  sample:
    name: Sample
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo '{RESULT}' > result.json
      - uses: actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f # v6.0.0
        with: {name: fork-result, path: result.json}
"""

OWN_REPORT = """
name: Report
on: {workflow_run: {workflows: [Pull request], types: [completed]}}
jobs: {mine: {runs-on: ubuntu-latest, steps: [{run: touch "$RATCHET_FORGE_HOME/taken"}]}}
"""


@dataclass(frozen=True)
class Stranger:
    """A clone of the forge's main, of somebody who may write nothing there."""

    sandbox: Sandbox
    root: Path
    base: str

    @property
    def home(self) -> Home:
        """The forge."""
        return self.sandbox.forge

    def propose(self, texts: Mapping[str, str]) -> tuple[str, list[RunResult]]:
        """Commit files and open a pull request; returns the commit, and the runs that came of it."""
        for name, text in texts.items():
            (self.root / name).write_text(text, encoding="utf-8")
        for words in (("add", "--all"), ("commit", "--quiet", "--message", "Better")):
            assert self.sandbox.run(["git", *words], cwd=self.root).code == 0
        head = git(["rev-parse", "HEAD"], cwd=self.root)
        git(["fetch", "--quiet", str(self.root), "+HEAD:refs/pull/1/head"], cwd=self.home.origin)
        now = pull_record.now()
        opened = Pull(
            number=1, title="Better", body="", head=BRANCH, base="main", author=OWNER, head_sha=head, created=now,
            updated=now,
        )  # fmt: skip
        with pull_record.locked(self.home):
            ticket = pulls.ticket(self.home, pulls.refresh(self.home, opened), "opened", actor=OWNER, before=NOTHING)
        assert ticket is not None
        tickets.add(self.home, ticket)
        worker.drain(self.home)
        return head, self.sandbox.forge_runs()

    def text(self, name: str) -> str:
        """A file of the clone."""
        return (self.root / name).read_text(encoding="utf-8")

    @property
    def comment(self) -> str:
        """The one comment in the pull request."""
        (said,) = conversation.comments(self.home, 1)
        assert said.user == conversation.BOT
        return said.body

    @property
    def statuses(self) -> dict[str, list[tuple[str, str, str]]]:
        """Every status that a commit was ever given: context, state, description."""
        return {
            path.stem: [(one["context"], one["state"], one["description"]) for one in json.loads(path.read_bytes())]
            for path in (self.home.root / "statuses").glob("*.json")
        }


@pytest.fixture(scope="module")
def _sampled(_connected: tuple[Sandbox, Path]) -> tuple[Sandbox, Path, str]:
    """The forge's main has a public sample, somebody cloned it, and main moved on; nothing was trained."""
    sandbox, place = _connected
    sandbox.restore(place)
    sandbox.ok("sample", "make", "--public", "--rows", "40", "--batches", "4")
    base = sandbox.commit("Add a sample")
    # Fetched, as a push would train.
    git(["fetch", "--quiet", str(sandbox.root), "HEAD:refs/heads/main"], cwd=sandbox.forge.origin)
    sandbox.run(["git", "clone", "--quiet", str(sandbox.forge.origin), "fork"], cwd=sandbox.base)
    sandbox.run(["git", "switch", "--quiet", "--create", BRANCH], cwd=sandbox.base / "fork")
    (sandbox.root / "README.md").write_text("Words.\n", encoding="utf-8")
    sandbox.commit("Write")
    git(["fetch", "--quiet", str(sandbox.root), "HEAD:refs/heads/main"], cwd=sandbox.forge.origin)
    return sandbox, sandbox.keep(place.with_name("sampled")), base


@pytest.fixture
def stranger(
    _sampled: tuple[Sandbox, Path, str], github_speaks: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Stranger:
    """Whoever opens pull request 1 does so from a repository of their own."""
    sandbox, place, base = _sampled
    sandbox.restore(place)
    for name, value in {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}.items():
        monkeypatch.setenv(name, value)
    own = api_shapes.pull

    def of_a_fork(place: api_shapes.Place, one: Pull, commits: Mapping[str, str]) -> api_shapes.Json:
        body = own(place, one, commits)
        repo = {**body["head"]["repo"], **named()}
        return {**body, "head": {**body["head"], "label": f"{OWNER}:{BRANCH}", "repo": repo}}

    def run_of_a_fork(payload: dict[str, Any]) -> None:
        if "workflow_run" in payload:
            payload["workflow_run"]["head_repository"] |= named()

    monkeypatch.setattr(api_shapes, "pull", of_a_fork)
    github_speaks(run_of_a_fork)
    return Stranger(sandbox, sandbox.base / "fork", base)


def named() -> dict[str, Any]:
    """What GitHub says of the fork."""
    return {"name": THEIRS.partition("/")[2], "full_name": THEIRS, "fork": True}


def test_a_fork_is_measured_without_secrets_and_reported_as_a_hint(stranger: Stranger) -> None:
    """Only Sample runs, with nothing in reach; main's own code then posts the numbers in its words, and judges not.

    The second look starts from a checkout of one commit, and main has moved on since the fork left it.
    """
    params = yaml.safe_load(stranger.text("params.yaml"))
    params["model"]["params"]["alpha"] = 1e6
    before = git(["for-each-ref", "refs/heads"], cwd=stranger.home.origin)
    head, runs = stranger.propose({"params.yaml": yaml.safe_dump(params), FEATURES: stranger.text(FEATURES) + SPY})
    sampled, reported = runs
    log = sampled.log.read_text(encoding="utf-8") + reported.log.read_text(encoding="utf-8")
    jobs = {"Sample": "success", "Train": "skipped", "Report": "skipped", "Ask for the other models": "skipped"}
    assert (sampled.workflow, sampled.ok, sampled.jobs) == ("pull-request", True, jobs), log
    assert (reported.workflow, reported.ok, reported.jobs) == ("report", True, {"Vet and post": "success"}), log
    left = [str(path.relative_to(sampled.artifacts)) for path in sampled.artifacts.rglob("*") if path.is_file()]
    assert left == ["fork-result/result.json"]
    result = parse_result((sampled.artifacts / left[0]).read_bytes())
    assert (result.base, result.head) == (stranger.base, head)
    assert reached(stranger.home) == []

    assert stranger.comment.startswith("<!-- ratchet:report:diabetes-progression -->\n")
    assert f"This change and `{stranger.base[:9]}`" in stranger.comment
    assert all(f"| {metric.name} " in stranger.comment for metric in result.metrics)
    assert "nobody here has made them again" in stranger.comment
    assert stranger.statuses == {head: [("ratchet/gate", "pending", WAITS)]}
    assert git(["for-each-ref", "refs/heads"], cwd=stranger.home.origin) == before
    assert list(stranger.home.mlflow_artifacts.iterdir()) == list(stranger.home.dvc.rglob("*.dir")) == []


def reached(home: Home) -> list[str]:
    """What the fork's own code, as it ran, found in its surroundings that it must not have."""
    seen = json.loads((home.root / "spied.json").read_text(encoding="utf-8"))
    checkout = Path(seen["GITHUB_WORKSPACE"])
    settings = load_settings(checkout, seen)
    assert settings.mlflow_uri == f"sqlite:///{checkout}/.ratchet/mlflow.db"
    services = (str(home.dvc), str(home.mlflow_db.parent))
    named = [name for name, value in seen.items() if "TOKEN" in name or "SECRET" in name or value.startswith(services)]
    return [*named, *filter(None, (settings.dvc_remote, settings.github.token.value, settings.git_token.value))]


def test_a_result_that_was_tampered_with_is_refused(stranger: Stranger) -> None:
    """The fork's features write into the result as the run ends: nothing of it is shown, and the gate stays closed."""
    head, (sampled, reported) = stranger.propose({FEATURES: stranger.text(FEATURES) + LIE})
    assert sampled.ok, sampled.log.read_text(encoding="utf-8")
    assert "onerror" in (sampled.artifacts / "fork-result" / "result.json").read_text(encoding="utf-8")
    assert (reported.ok, reported.jobs) == (False, {"Vet and post": "failure"})
    shown = ("something that is not shown", "squared_error", "onerror", "<img")
    assert [words in stranger.comment for words in shown] == [True, False, False, False]
    assert stranger.statuses == {head: [("ratchet/gate", "pending", WAITS)]}


def test_a_fork_that_rewrites_how_it_is_judged_gets_no_numbers(stranger: Stranger) -> None:
    """Its own workflow may claim what it likes: main's looks at the files, names them, and asks for no artifact."""
    metric = {"name": "squared_error", "base": 3000.0, "change": 1.0, "low": 2998.0, "high": 3000.0}
    claim = {
        "format": 1,
        "base": stranger.base,
        "task": "regression",
        "rows": 80,
        "clusters": None,
        "metrics": [metric],
    }
    gate = yaml.safe_load(stranger.text("params.yaml"))
    gate["gate"]["alpha"] = 0.4
    head, (made, reported) = stranger.propose(
        {
            "params.yaml": yaml.safe_dump(gate),
            f"{WORKFLOWS}/pull-request.yaml": FABRICATED.replace("{RESULT}", json.dumps(claim)),
            f"{WORKFLOWS}/report.yaml": OWN_REPORT,
        }
    )
    log = reported.log.read_text(encoding="utf-8")
    assert (made.ok, made.jobs, (made.artifacts / "fork-result").is_dir()) == (True, {"Sample": "success"}, True)
    assert (reported.ok, reported.jobs) == (True, {"Vet and post": "success"}), log
    assert not (stranger.home.root / "taken").exists()
    for named in (f"`{WORKFLOWS}/pull-request.yaml`", f"`{WORKFLOWS}/report.yaml`", "`params.yaml: gate`"):
        assert f"- {named}: " in stranger.comment
    assert ("squared_error" in stranger.comment, "No numbers are shown" in stranger.comment) == (False, True)
    assert stranger.statuses == {head: [("ratchet/gate", "pending", WAITS)]}
