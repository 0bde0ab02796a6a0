"""What waits, what is cancelled, what is held, and what a killed worker leaves: real git, real act."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from ratchet.errors import UsageError
from ratchet.forge import act, approvals, cancellation, ending, hook, planning, results, status, tickets, worker
from ratchet.forge import run as runs
from ratchet.forge.dispatch import dispatch, event
from ratchet.forge.results import RunResult
from ratchet.forge.tickets import Ticket

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.forge.conftest import Sandbox

pytestmark = pytest.mark.slow

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

DRIFT = "{repository_dispatch: {types: [drift]}}"
HAND = "{workflow_dispatch: {inputs: {key: {type: string, default: a}}}}"
SLOW = 'touch "$RATCHET_FORGE_HOME/begun-$KEY"; until [ -e "$RATCHET_FORGE_HOME/go" ]; do sleep 0.05; done; echo done\n'


def workflow(**parts: str) -> str:
    """A workflow of one job; with the parts that are given."""
    common = {"title": "Work", "on": "push", "more": "", "below": "", "script": "job.sh", "job": "job"}
    return WORKFLOW.format(**{**common, **parts})


@pytest.fixture
def set_up(sandbox: Sandbox) -> Callable[..., None]:
    """Commits and pushes workflows by name, with a job script, without starting any of them."""

    def commit(script: str, **files: str) -> None:
        named = {f".github/workflows/{name}.yaml": text for name, text in files.items()}
        sandbox.commit({"job.sh": script, **named}, "set up [skip ci]")
        sandbox.git("push", "--quiet", "forge", "main")

    return commit


def ask(sandbox: Sandbox, name: str = "work", **inputs: str) -> Ticket:
    """A ticket in the queue that starts a workflow by hand."""
    ticket = dispatch(sandbox.forge, name, inputs, actor="ada")
    tickets.add(sandbox.forge, ticket)
    return ticket


def ended(sandbox: Sandbox) -> dict[int, str]:
    """Each run's conclusion."""
    return {run.number: run.conclusion for run in sandbox.runs()}


def is_begun(sandbox: Sandbox, key: str = "a") -> bool:
    """Whether the slow script has begun for a key."""
    return (sandbox.forge.root / f"begun-{key}").exists()


def planned(sandbox: Sandbox, count: int) -> bool:
    """Whether so many runs were planned in all, ended or not."""
    return len(list(sandbox.forge.runs.iterdir())) >= count


def go(sandbox: Sandbox) -> None:
    """Let slow scripts end."""
    (sandbox.forge.root / "go").touch()


def test_a_newer_run_takes_the_place_of_the_one_that_waits(sandbox: Sandbox, set_up: Callable[..., None]) -> None:
    """In a group the run under way goes on and of those behind it only the newest runs; other groups wait untouched."""
    set_up(SLOW, work=workflow(on=HAND, more='concurrency: {group: "Group-${{ inputs.key }}"}'))
    ask(sandbox, key="a")
    with sandbox.working():
        assert sandbox.eventually(lambda: is_begun(sandbox))
        for key in ("a", "b", "A"):
            ask(sandbox, key=key)
        assert sandbox.eventually(lambda: planned(sandbox, 4))
        go(sandbox)
    assert ended(sandbox) == {1: "success", 2: "cancelled", 3: "success", 4: "success"}
    assert sandbox.runs()[1].error == "work #4 is newer in the concurrency group group-a"


def test_cancel_in_progress_ends_the_run_under_way(sandbox: Sandbox, set_up: Callable[..., None]) -> None:
    """The step that runs is ended, steps that always run still do, the newest run is done, and the pusher is told."""
    more = "concurrency: {group: g, cancel-in-progress: true}"
    set_up(SLOW, work=workflow(on=HAND, more=more))
    ask(sandbox, key="a")
    with sandbox.working():
        assert sandbox.eventually(lambda: is_begun(sandbox))
        ask(sandbox, key="b")
        assert sandbox.eventually(lambda: planned(sandbox, 2))
        ask(sandbox, key="c")
        go_on = sandbox.eventually(lambda: is_begun(sandbox, "c"))
        go(sandbox)
    assert go_on
    assert ended(sandbox) == {1: "cancelled", 2: "cancelled", 3: "success"}
    first = sandbox.runs()[0]
    log = first.log.read_text(encoding="utf-8")
    assert (first.jobs, first.ok) == ({"Job": "cancelled"}, False)
    assert first.error in ("work #2 is newer in the concurrency group g", "work #3 is newer in the concurrency group g")
    assert ("    tidied" in log, "    done" in log, f"cancelled: {first.error}" in log) == (True, False, True)
    assert sandbox.strays() == []


def test_cancelling_works_from_another_process(sandbox: Sandbox, set_up: Callable[..., None]) -> None:
    """A request ends the run under way and one that waits; one that has ended, or never was, is refused."""
    set_up(SLOW, work=workflow(on=HAND))
    ask(sandbox)
    with sandbox.working():
        assert sandbox.eventually(lambda: is_begun(sandbox))
        ask(sandbox)
        assert sandbox.eventually(lambda: runs.find(sandbox.forge, 2))
        for number in (2, 1):
            cancellation.ask(sandbox.forge, number, "cancelled by grace")
    assert [(run.conclusion, run.error) for run in sandbox.runs()] == [("cancelled", "cancelled by grace")] * 2
    assert list(sandbox.forge.open.iterdir()) == []
    for number in (1, 9):
        with pytest.raises(UsageError, match=f"no run {number} is under way"):
            cancellation.ask(sandbox.forge, number, "x")


def test_a_cancelled_run_that_does_not_end_is_killed(
    sandbox: Sandbox, set_up: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that always runs, and takes longer than the grace period, is killed with what it started."""
    monkeypatch.setattr(act, "GRACE_SECONDS", 0.5)
    set_up(SLOW, work=workflow(on=HAND).replace('echo "tidied"', "trap '' INT HUP TERM; sleep 64.7"))
    ask(sandbox)
    with sandbox.working():
        assert sandbox.eventually(lambda: is_begun(sandbox))
        cancellation.ask(sandbox.forge, 1, "enough")
        began = time.monotonic()
    assert (ended(sandbox), time.monotonic() - began < 20, sandbox.strays()) == ({1: "cancelled"}, True, [])


def test_a_job_that_takes_too_long_is_named(sandbox: Sandbox, set_up: Callable[..., None]) -> None:
    """A job may take its timeout-minutes and no longer, also in a workflow that is called; others are left alone."""
    called = workflow(title="Inner", on="workflow_call", below="timeout-minutes: 0.01")
    caller = "on: workflow_dispatch\njobs:\n  outer: {name: Outer, uses: ./.github/workflows/inner.yaml}\n"
    set_up(
        "sleep 30\n", inner=called, work=caller, short=workflow(on=HAND, script="--version", below="timeout-minutes: 1")
    )
    ask(sandbox)
    ask(sandbox, "short")
    worker.drain(sandbox.forge)
    late, short = sandbox.runs()
    assert (late.conclusion, late.jobs) == ("cancelled", {"Outer / Job": "cancelled"})
    assert late.error == "job Outer / Job took longer than its timeout-minutes, 0.01"
    assert (short.conclusion, late.seconds < 15) == ("success", True)


def test_a_hold_blocks_nobody_else(sandbox: Sandbox, set_up: Callable[..., None]) -> None:
    """A run of a protected environment waits, also through a called workflow; what comes after it runs."""
    called = workflow(title="Inner", on="workflow_call", below="environment: {name: production}")
    caller = "on: workflow_dispatch\njobs:\n  outer: {uses: ./.github/workflows/inner.yaml}\n"
    set_up("echo hello\n", inner=called, work=caller, free=workflow(on=HAND, below="environment: staging"))
    approvals.protect(sandbox.forge, "production")
    for name in ("work", "free", "work", "work"):
        ask(sandbox, name)
    worker.drain(sandbox.forge)
    assert ended(sandbox) == {2: "success"}
    assert list(sandbox.forge.queue.iterdir()) == []
    words = list(status.lines(sandbox.forge, now=datetime.now(UTC)))
    assert [line[:17].split() for line in words] == [[str(number), "waiting"] for number in (1, 3, 4)]
    assert words[0].endswith("for an approval of production: ratchet forge approve 1")
    with pytest.raises(UsageError, match="no run 2 waits for an approval"):
        approvals.decide(sandbox.forge, 2, by="grace", approved=True)
    approvals.decide(sandbox.forge, 3, by="grace", approved=True)
    approvals.decide(sandbox.forge, 1, by="grace", approved=False)
    cancellation.ask(sandbox.forge, 4, "cancelled by ada")
    worker.drain(sandbox.forge)
    assert ended(sandbox) == {1: "failure", 2: "success", 3: "success", 4: "cancelled"}
    by_number = {run.number: run for run in sandbox.runs()}
    assert (by_number[1].error, by_number[3].approved_by) == ("rejected by grace", "grace")
    assert list(sandbox.forge.open.iterdir()) == []


def test_protection_can_be_taken_back(sandbox: Sandbox) -> None:
    """Nothing is protected at first; what is not cannot be unprotected; an expression might name what is."""
    home = sandbox.forge
    assert approvals.needed(home, ["production", "${{ inputs.where }}"]) == ()
    for name in ("staging", "production", "staging"):
        approvals.protect(home, name)
    assert approvals.needed(home, ["production", "other"]) == ("production",)
    assert approvals.needed(home, ["${{ inputs.where }}"]) == ("production", "staging")
    approvals.unprotect(home, "production")
    assert approvals.protected(home) == ("staging",)
    with pytest.raises(UsageError, match="production is not protected"):
        approvals.unprotect(home, "production")


def test_a_push_during_a_run_waits_or_ends_at_once(sandbox: Sandbox) -> None:
    """While a run goes on, a push that starts nothing returns, and one that starts something runs afterwards."""
    sandbox.commit({"job.sh": SLOW, ".github/workflows/work.yaml": workflow(on='{push: {paths: ["*.sh"]}}')})
    first = sandbox.start_push()
    assert sandbox.eventually(lambda: is_begun(sandbox, ""))
    sandbox.commit({"docs.md": "text"})
    assert "no workflow asks for this" in sandbox.git("push", "forge", "main")
    assert sandbox.runs() == []
    second = sandbox.commit({"other.sh": "true"})
    later = sandbox.start_push()
    assert sandbox.eventually(lambda: runs.find(sandbox.forge, 2))
    words = list(status.lines(sandbox.forge, now=datetime.now(UTC)))
    assert words[0].split()[:3] == ["1", "in_progress", "work"]
    assert words[0].endswith("Job / Work")
    assert words[1] == f"   2  queued       work  push of {second[:8]} to main  one run at a time"
    go(sandbox)
    assert [b"work #" in push.communicate(timeout=60)[0] for push in (first, later)] == [True, True]
    assert ended(sandbox) == {1: "success", 2: "success"}


def test_a_tag_starts_what_asks_for_tags(sandbox: Sandbox) -> None:
    """A pushed tag starts the workflows of tags, on the tag; a removed one starts none."""
    sandbox.commit(
        {"job.sh": "echo $GITHUB_REF\n", ".github/workflows/work.yaml": workflow(on="{push: {tags: ['v*']}}")}
    )
    sandbox.git("push", "forge", "main")
    said = sandbox.git("push", "forge", "HEAD:refs/tags/v1")
    sandbox.git("push", "forge", ":refs/tags/v1")
    assert "    refs/tags/v1" in said
    assert [(run.ref, run.conclusion) for run in sandbox.runs()] == [("refs/tags/v1", "success")]


BROKEN = {
    "not YAML": "on: push\njobs: [",
    "no jobs": "on: push\n",
    "concurrency of a job": workflow(below="concurrency: mine"),
    "no such called workflow": "on: push\njobs: {a: {uses: ./.github/workflows/none.yaml}}",
    "an unreadable group": workflow(more='concurrency: "${{ nonsense( }}"'),
    "a limit that is no number": workflow(below='timeout-minutes: "${{ vars.LIMIT }}"'),
}


def test_a_workflow_that_cannot_run_is_a_failed_run(sandbox: Sandbox) -> None:
    """Each broken workflow file of a push leaves a failed run that says why, and the sound one beside them runs."""
    names = {title.replace(" ", "-"): text for title, text in BROKEN.items()}
    files = {f".github/workflows/{name}.yaml": text for name, text in names.items()}
    sandbox.commit({"job.sh": "true\n", **files, ".github/workflows/sound.yaml": workflow()})
    said = sandbox.git("push", "forge", "main")
    found = {run.workflow: run for run in sandbox.runs()}
    assert {name: run.conclusion for name, run in found.items()} == {
        **dict.fromkeys(names, "failure"),
        "sound": "success",
    }
    assert [name for name in names if not found[name].error or found[name].error.partition("\n")[0] not in said] == []
    assert "the forge knows that of whole workflows only" in found["concurrency-of-a-job"].error


def test_a_run_that_ended_starts_what_waits_for_it(sandbox: Sandbox) -> None:
    """on.workflow_run runs the default branch's file after a workflow of that name ended, however it ended."""
    after = workflow(title="After", on="{workflow_run: {workflows: [Work], types: [completed]}}", script="after.sh")
    loop = workflow(title="Loop", on="{workflow_run: {workflows: [Loop, After]}}", script="--version")
    names = ("id", "name", "event", "head_branch", "conclusion", "head_sha")
    script = (
        "import json, os; ended = json.load(open(os.environ['GITHUB_EVENT_PATH']))['workflow_run']; "
        f"print(*(ended[name] for name in {names}), os.environ['GITHUB_SHA'])"
    )
    sandbox.commit({"job.sh": "exit 3\n", "after.sh": f'"$RATCHET_FORGE_PYTHON" -c "{script}"\n'})
    workflows = {"work": workflow(on="{push: {branches: [other]}}"), "after": after, "loop": loop}
    main = sandbox.commit({f".github/workflows/{name}.yaml": text for name, text in workflows.items()})
    sandbox.git("push", "forge", "main")
    other = sandbox.commit({"more.txt": "x"})
    said = sandbox.git("push", "forge", "HEAD:other")
    log = sandbox.runs()[1].log.read_text(encoding="utf-8")
    assert f"    1 Work push other failure {other} {main}\n" in log
    assert [f"{name} #{number}: ok" in said for name, number in (("after", 2), ("loop", 3), ("loop", 4))] == [True] * 3
    assert [(run.workflow, run.event, run.sha) for run in sandbox.runs()] == [
        ("work", "push", other),
        ("after", "workflow_run", main),
        ("loop", "workflow_run", main),
        ("loop", "workflow_run", main),
    ]


@pytest.mark.parametrize("state", ["running", "waiting", "between"])
def test_a_killed_worker_is_made_good_in_every_state(sandbox: Sandbox, set_up: Callable[..., None], state: str) -> None:
    """Killed in a run, with one held, or between two workflows of a push: each run is done once, none is lost."""
    held = workflow(below="environment: production")
    set_up("true\n", held=held, one=workflow(), two=workflow(job="second"))
    approvals.protect(sandbox.forge, "production")
    job = {"running": "job", "waiting": "none", "between": "second"}[state]
    block = 'touch "$RATCHET_FORGE_HOME/begun-"; until [ -e "$RATCHET_FORGE_HOME/go" ]; do sleep 0.05; done'
    effect = 'echo "$GITHUB_RUN_ID" >> "$RATCHET_FORGE_HOME/effects"'
    sandbox.commit({"job.sh": f'[ "$GITHUB_JOB" != {job} ] || {{ {block}; }}\n{effect}\n'})
    push = sandbox.start_push()
    if state == "waiting":
        assert sandbox.eventually(lambda: len(sandbox.runs()) == 2 and not sandbox.workers())
    else:
        assert sandbox.eventually(lambda: is_begun(sandbox, ""))
        for pid in sandbox.workers():
            os.kill(pid, signal.SIGKILL)
    push.communicate(timeout=60)
    go(sandbox)
    worker.drain(sandbox.forge)
    assert ended(sandbox) == {2: "success", 3: "success"}
    approvals.decide(sandbox.forge, 1, by="grace", approved=True)
    worker.drain(sandbox.forge)
    assert ended(sandbox) == {1: "success", 2: "success", 3: "success"}
    assert (sandbox.forge.root / "effects").read_text(encoding="utf-8").split() == ["2", "3", "1"]
    assert (list(sandbox.forge.queue.iterdir()), list(sandbox.forge.open.iterdir()), sandbox.strays()) == ([], [], [])


class Killed(BaseException):
    """Stands for kill -9: nothing in the forge catches it."""


POINTS = [
    (tickets, "begin"),
    (tickets, "save"),
    (tickets, "remove"),
    (runs, "plan"),
    (runs, "save"),
    (runs, "begin"),
    (runs, "close"),
    (ending, "resume"),
]


@pytest.mark.parametrize(("module", "name"), POINTS, ids=[name for _, name in POINTS])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_worker_killed_at_any_step_repeats_nothing(
    sandbox: Sandbox,
    set_up: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    name: str,
    after: bool,
) -> None:
    """Killed right before or after any file is written, two workflows and what waits for one are each done once."""
    follow_up = workflow(title="After", on="{workflow_run: {workflows: [One]}}")
    common = {"one": workflow(title="One", on=DRIFT), "two": workflow(title="Two", on=DRIFT)}
    set_up('echo "$GITHUB_WORKFLOW" >> "$RATCHET_FORGE_HOME/effects"\n', after=follow_up, **common)
    tickets.add(sandbox.forge, event(sandbox.forge, "drift", {}, actor="ada"))
    real = getattr(module, name)

    def dies(*arguments: object, **named: object) -> None:
        if after:
            real(*arguments, **named)
        raise Killed

    monkeypatch.setattr(module, name, dies)
    with pytest.raises(Killed):
        worker.drain(sandbox.forge)
    monkeypatch.setattr(module, name, real)
    worker.drain(sandbox.forge)
    assert [run.workflow for run in sandbox.runs()] == ["one", "two", "after"]
    assert (sandbox.forge.root / "effects").read_text(encoding="utf-8").split() == ["One", "Two", "After"]
    assert (list(sandbox.forge.queue.iterdir()), list(sandbox.forge.open.iterdir())) == ([], [])


def test_a_run_whose_result_was_not_written_is_done_again(
    sandbox: Sandbox, set_up: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the last step and before the result is there, a run is done once more, under the same number."""
    set_up('echo "$GITHUB_RUN_ID" >> "$RATCHET_FORGE_HOME/effects"\n', work=workflow(on=HAND))
    ask(sandbox)
    real = results.write

    def dies(result: RunResult) -> None:
        raise Killed

    monkeypatch.setattr(results, "write", dies)
    with pytest.raises(Killed):
        worker.drain(sandbox.forge)
    monkeypatch.setattr(results, "write", real)
    worker.drain(sandbox.forge)
    assert ended(sandbox) == {1: "success"}
    assert (sandbox.forge.root / "effects").read_text(encoding="utf-8").split() == ["1", "1"]


def test_a_run_that_keeps_killing_its_worker_is_given_up(sandbox: Sandbox, set_up: Callable[..., None]) -> None:
    """After three deaths it has failed and says so, and the next one has its turn."""
    set_up("echo hello\n", work=workflow(on=HAND))
    ask(sandbox)
    planning.plan(sandbox.forge, tickets.waiting(sandbox.forge)[0], print)
    [run] = runs.unfinished(sandbox.forge)
    runs.save(sandbox.forge, replace(run, attempts=runs.ATTEMPTS, state=runs.RUNNING))
    tickets.save(sandbox.forge, replace(run.ticket, planned=True))
    ask(sandbox)
    worker.drain(sandbox.forge)
    assert ended(sandbox) == {1: "failure", 2: "success"}
    assert "given up: the worker died 3 times" in sandbox.runs()[0].error


def test_old_results_are_still_read(sandbox: Sandbox, set_up: Callable[..., None]) -> None:
    """A result.json from before there were conclusions has the one that its `ok` means."""
    set_up("exit 1\n", work=workflow(on=HAND))
    hook.show(sandbox.forge, [dispatch(sandbox.forge, "work", {}, actor="ada")])
    [run] = sandbox.runs()
    path = run.folder / results.RESULT
    text = path.read_text(encoding="utf-8")
    old = {name: value for name, value in json.loads(text).items() if name not in ("conclusion", "title", "started")}
    old = {name: value for name, value in old.items() if name not in ("pull", "approved_by")}
    path.write_text(json.dumps(old), encoding="utf-8")
    assert results.read(path) == replace(run, title="", started="")
