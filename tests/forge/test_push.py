"""Pushing to a forge: real git, real act, a small repository whose workflow runs a script of the pushed commit."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ratchet.errors import UsageError
from ratchet.forge import hook, tickets, worker
from ratchet.forge.dispatch import dispatch
from ratchet.forge.tickets import Ticket

if TYPE_CHECKING:
    from tests.forge.conftest import Sandbox

pytestmark = pytest.mark.slow

PIN = "0123456789abcdef0123456789abcdef01234567"
WORKFLOW = f"""
name: Build
on:
  push: {{branches: ["**"], paths: ["src/**"]}}
  workflow_dispatch: {{inputs: {{reason: {{type: string, required: true}}}}}}
permissions: {{}}
jobs:
  say:
    name: Say
    runs-on: ubuntu-latest
    outputs: {{verdict: "${{{{ steps.job.outputs.verdict }}}}"}}
    steps:
      - uses: actions/checkout@{PIN}
        with: {{ref: "${{{{ github.ref }}}}", fetch-depth: 0, persist-credentials: false}}
      - id: job
        name: Job
        run: bash src/job.sh
        env: {{REASON: "${{{{ inputs.reason }}}}"}}
      - uses: actions/upload-artifact@{PIN}
        with: {{name: report, path: reports/}}
  after:
    name: After
    needs: say
    if: ${{{{ needs.say.outputs.verdict == 'promote' }}}}
    runs-on: ubuntu-latest
    steps:
      - run: echo "after"
"""


@pytest.fixture(autouse=True)
def build(sandbox: Sandbox) -> None:
    """The workflow above is in the repository, and not pushed yet."""
    sandbox.commit({".github/workflows/build.yaml": WORKFLOW})


def test_a_push_streams_its_run_and_keeps_the_result(sandbox: Sandbox) -> None:
    """Whoever pushes reads the steps as they go; the result has jobs, outputs, summary and artifacts."""
    said = sandbox.push(
        'mkdir reports; echo "# Report" | tee reports/report.md >> "$GITHUB_STEP_SUMMARY"\n'
        'echo verdict=promote >> "$GITHUB_OUTPUT"; printf "\\033[31mingest 2013-07\\033[0m\\n"\n'
    )
    [run] = sandbox.runs()
    lines = [line.removeprefix("remote: ").rstrip() for line in said.splitlines() if line.startswith("remote: ")]
    shown = [line for line in lines if line in ("Say / Job ...", "    ingest 2013-07", 'After / echo "after" ...')]
    assert shown == ["Say / Job ...", "    ingest 2013-07", 'After / echo "after" ...']
    assert lines[-2:] == [f"  log: {run.log}", f"  report: {run.artifacts}/report/"]
    assert run.log.read_text(encoding="utf-8").splitlines() == lines
    assert (run.number, run.workflow, run.event, run.ok, run.error) == (1, "build", "push", True, "")
    assert (run.jobs, run.outputs) == ({"Say": "success", "After": "success"}, {"verdict": "promote"})
    assert run.summary.read_text(encoding="utf-8") == "# Report\n"
    assert (run.artifacts / "report" / "report.md").read_text(encoding="utf-8") == "# Report\n"


def test_the_pushed_commit_runs_and_not_the_working_tree(sandbox: Sandbox) -> None:
    """Uncommitted changes, untracked files and ignored ones are not there in a job."""
    sandbox.commit(
        {"src/job.sh": "cat src/a.txt; git log --format=at:%H -1; find . -name 'loose*'\n", "src/a.txt": "committed\n"}
    )
    for name in ("src/a.txt", "loose.txt", ".ratchet/loose"):
        (sandbox.checkout / name).write_text("dirty\n", encoding="utf-8")
    said = sandbox.git("push", "forge", "main")
    assert "    committed" in said
    assert f"at:{sandbox.runs()[0].sha}" in said
    assert ("dirty" in said, "loose" in said) == (False, False)


def test_only_asked_for_changes_start_a_run(sandbox: Sandbox) -> None:
    """After the first push, one that touches documents alone starts nothing, nor does one that says [skip ci]."""
    sandbox.push("true\n")
    sandbox.commit({"docs/a.md": "text"})
    documents = sandbox.git("push", "forge", "main")
    sandbox.commit({"src/b.py": "x = 1"}, "data only [skip ci]")
    skipped = sandbox.git("push", "forge", "main")
    sandbox.git("push", "forge", "HEAD:refs/tags/v1")
    assert [run.number for run in sandbox.runs()] == [1]
    assert "no workflow asks for this" in documents
    assert "says to skip the workflows" in skipped


def test_a_push_from_a_job_starts_no_run(sandbox: Sandbox) -> None:
    """What a job commits reaches the branch without another run, and the next push of a person starts one again."""
    sandbox.push(
        "date +%N > src/made.txt; git add src; git -c user.name=bot -c user.email=bot@example.org commit -qm made\n"
        "git push -q origin HEAD:main\n"
    )
    sandbox.git("pull", "--quiet", "--rebase", "forge", "main")
    assert (sandbox.checkout / "src/made.txt").exists()
    assert [run.ok for run in sandbox.runs()] == [True]
    sandbox.push("true\n")
    assert [run.number for run in sandbox.runs()] == [1, 2]


def test_a_failing_step_fails_the_run(sandbox: Sandbox) -> None:
    """The exit code is shown, the run is not ok, and jobs that needed it are skipped; the push itself stands."""
    said = sandbox.push("echo before; exit 4\n")
    [run] = sandbox.runs()
    assert "Say / Job: exit status 4" in said
    assert (run.ok, run.jobs) == (False, {"Say": "failure", "After": "skipped"})
    assert sandbox.git("ls-remote", "forge", "main").split()[0] == run.sha


def test_what_cannot_run_here_is_a_failed_run_that_says_why(sandbox: Sandbox) -> None:
    """An action without a stand-in is named to whoever pushes, and nothing of the workflow has run."""
    sandbox.commit({".github/workflows/build.yaml": WORKFLOW.replace("actions/upload-artifact", "actions/cache")})
    said = sandbox.push("echo it-ran\n")
    [run] = sandbox.runs()
    assert "uses actions/cache, which has no stand-in here" in said
    assert ("it-ran" in said, run.ok, "actions/cache" in run.error) == (False, False, True)


def test_a_run_that_act_does_not_finish_is_no_success(sandbox: Sandbox) -> None:
    """A workflow that act refuses, and an act that is killed, leave a failed run that says so."""
    sandbox.commit(
        {".github/workflows/build.yaml": WORKFLOW.replace("permissions: {}", "permissions: {nonsense: read}")}
    )
    assert "act ended with exit code 1 before the jobs did" in sandbox.push("true\n")
    sandbox.commit({".github/workflows/build.yaml": WORKFLOW})
    said = sandbox.push("kill -9 $(ps -o ppid= -p $PPID); sleep 60\n")
    assert "act ended with exit code -9 before the jobs did" in said
    assert [(run.ok, run.error != "") for run in sandbox.runs()] == [(False, True)] * 2


def test_nothing_of_the_host_reaches_a_job(sandbox: Sandbox) -> None:
    """Variables, git configuration, tokens and dotenv files of whoever pushes are not in a job's environment."""
    variables = ("HOST_SECRET", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "GH_TOKEN", "PYTHONPATH")
    sandbox.environment.update(dict.fromkeys(variables, "leak-a-variable"))
    names = (".env", ".secrets", ".vars", ".input", ".actrc")
    sandbox.commit({name: f"LEAKED_{name[1:].upper()}=leak-a-file\n" for name in names})
    script = 'env | sed "s/^/var:/"; git config --list --show-scope; echo "home:$(ls -A "$HOME")"; git status -sb\n'
    said = sandbox.push(script)
    [run] = sandbox.runs()
    log = (run.folder / "log.jsonl").read_text(encoding="utf-8")
    assert (run.ok, "leak-" in log, "LEAKED" in log, "Ada" in log, "global\t" in log) == (True,) + (False,) * 4
    assert "## main...origin/main" in said
    for variable, folder in (("HOME", "home"), ("DVC_SITE_CACHE_DIR", "dvc")):
        assert f"var:{variable}={sandbox.forge.work}/{folder}" in said
    assert [name for name in ("GIT_DIR", "GIT_QUARANTINE_PATH", "VIRTUAL_ENV") if f"var:{name}=" in said] == []


def test_two_pushes_at_once_run_one_after_the_other(sandbox: Sandbox) -> None:
    """Neither is lost, the second waits for the first, and both pushers see their own run to its end."""
    script = f"echo begin >> {sandbox.forge.root}/order; sleep 0.3; echo end >> {sandbox.forge.root}/order\n"
    commit = sandbox.commit({"src/job.sh": script})
    pushes = [sandbox.start_push(branch) for branch in ("one", "two")]
    said = [push.communicate(timeout=60)[0].decode() for push in pushes]
    assert ["ok in" in words for words in said] == [True, True]
    assert [(run.number, run.sha, run.ok) for run in sandbox.runs()] == [(1, commit, True), (2, commit, True)]
    assert (sandbox.forge.root / "order").read_text(encoding="utf-8").split() == ["begin", "end"] * 2
    assert list(sandbox.forge.queue.iterdir()) == []


def test_a_run_goes_on_when_the_pusher_goes_away(sandbox: Sandbox) -> None:
    """A killed `git push` takes nothing with it."""
    sandbox.commit({"src/job.sh": f"touch {sandbox.forge.root}/begun; sleep 0.5; echo end\n"})
    push = sandbox.start_push()
    assert sandbox.eventually((sandbox.forge.root / "begun").exists)
    push.kill()
    push.communicate()
    assert sandbox.eventually(sandbox.runs)
    assert [run.ok for run in sandbox.runs()] == [True]


def test_a_killed_worker_loses_no_push(sandbox: Sandbox) -> None:
    """After kill -9 in the middle of a run its steps end, and the next push sweeps and completes both in order."""
    begun = sandbox.forge.root / "begun"
    again = 'echo "left:$(ps -eo args | grep -c "^sleep 61.[12]$")"; exit 0'
    script = f"[ -e {begun} ] && {{ {again}; }}\n(trap '' HUP; sleep 61.1) &\ntouch {begun}; sleep 61.2\n"
    first = sandbox.commit({"src/job.sh": script})
    push = sandbox.start_push()
    assert sandbox.eventually(begun.exists)
    for pid in sandbox.workers():
        os.kill(pid, signal.SIGKILL)
    assert b"is kept, and runs before the next push" in push.communicate(timeout=20)[0]
    assert sandbox.eventually(lambda: "sleep 61.2" not in sandbox.strays())
    assert sandbox.runs() == []
    second = sandbox.commit({"src/b.py": "x = 1"})
    said = sandbox.git("push", "forge", "main")
    assert "queued: 1 before it" in said
    assert [(run.number, run.sha, run.ok) for run in sandbox.runs()] == [(1, first, True), (2, second, True)]
    assert "    left:0\n" in sandbox.runs()[0].log.read_text(encoding="utf-8")
    assert sandbox.strays() == []


def test_a_ticket_is_done_once_and_not_for_ever(sandbox: Sandbox) -> None:
    """A run that had ended is not repeated after a crash, and a ticket that keeps killing its worker is given up."""
    sandbox.push("true\n")
    [run] = sandbox.runs()
    push = Ticket(
        name=run.ticket, event="push", ref=run.ref, before=tickets.NOTHING, sha=run.sha, actor="ada", attempts=1
    )
    for attempts, name in ((1, run.ticket), (tickets.ATTEMPTS, tickets.new_name())):
        tickets.add(sandbox.forge, Ticket(**{**push.__dict__, "attempts": attempts, "name": name}))
    worker.drain(sandbox.forge)
    assert sandbox.runs() == [run]
    assert list(sandbox.forge.queue.iterdir()) == []


def test_a_workflow_is_started_by_hand(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """A dispatch runs the branch's commit with its inputs; what the workflow does not take is refused at once."""
    sandbox.push("echo because:$REASON\n")
    with pytest.raises(UsageError, match="needs the input reason"):
        dispatch(sandbox.forge, "build", {}, actor="ada")
    with pytest.raises(UsageError, match="no workflow other"):
        dispatch(sandbox.forge, "other", {}, actor="ada")
    with pytest.raises(UsageError, match="no branch nowhere"):
        dispatch(sandbox.forge, "build", {"reason": "x"}, actor="ada", branch="nowhere")
    hook.show(sandbox.forge, [dispatch(sandbox.forge, "build", {"reason": "a drift"}, actor="ada")])
    assert "    because:a drift\n" in capsys.readouterr().out
    assert [(run.event, run.ok) for run in sandbox.runs()] == [("push", True), ("workflow_dispatch", True)]


@pytest.mark.parametrize("same", [True, False])
def test_the_environment_is_the_one_built_from_the_pushed_lock(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    """A job uses the forge's own Python environment unless the developer's was built from the very same lock file."""
    sandbox.commit({"requirements/dev.txt": "dvc==3.67.1\n"})
    said = sandbox.push("echo venv:$VENV pip:$PIP_INDEX_URL\n")
    assert f"    venv:{sandbox.forge.venv} pip:" in said
    lock = sandbox.git("hash-object", "requirements/dev.txt").strip() if same else PIN
    (tmp_path / "developer").mkdir()
    (tmp_path / "developer" / f".locked-{lock}").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "developer"))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    branch = Ticket(
        name=tickets.new_name(),
        event="push",
        ref="refs/heads/main",
        before=tickets.NOTHING,
        sha=sandbox.runs()[0].sha,
        actor="ada",
    )
    tickets.add(sandbox.forge, branch)
    worker.drain(sandbox.forge)
    chosen = f"{tmp_path}/developer pip:" if same else f"{sandbox.forge.venv} pip:http://127.0.0.1:9/simple"
    assert f"    venv:{chosen}\n" in sandbox.runs()[1].log.read_text(encoding="utf-8")
