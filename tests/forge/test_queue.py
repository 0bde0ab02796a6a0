"""What waits, what is cancelled, what is held, and what a killed worker leaves: real git, real act."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ratchet.errors import UsageError
from ratchet.forge import act, cancellation, hook, results, status, worker
from ratchet.forge import run as runs
from ratchet.forge.dispatch import dispatch

if TYPE_CHECKING:
    from tests.forge.conftest import Sandbox

pytestmark = pytest.mark.slow

HAND = "{workflow_dispatch: {inputs: {key: {type: string, default: a}}}}"
SLOW = 'touch "$RATCHET_FORGE_HOME/begun-$KEY"; until [ -e "$RATCHET_FORGE_HOME/go" ]; do sleep 0.05; done; echo done\n'


def planned(sandbox: Sandbox, count: int) -> bool:
    """Whether so many runs were planned in all, ended or not."""
    return len(list(sandbox.forge.runs.iterdir())) >= count


def test_a_newer_run_takes_the_place_of_the_one_that_waits(sandbox: Sandbox) -> None:
    """In a group the run under way goes on and of those behind it only the newest runs; other groups wait untouched."""
    sandbox.set_up(SLOW, work=sandbox.workflow(on=HAND, more='concurrency: {group: "Group-${{ inputs.key }}"}'))
    sandbox.ask(key="a")
    with sandbox.working():
        assert sandbox.eventually(sandbox.is_begun)
        for key in ("a", "b", "A"):
            sandbox.ask(key=key)
        assert sandbox.eventually(lambda: planned(sandbox, 4))
        sandbox.go()
    assert sandbox.ended() == {1: "success", 2: "cancelled", 3: "success", 4: "success"}
    assert sandbox.runs()[1].error == "work #4 is newer in the concurrency group group-a"


def test_cancel_in_progress_ends_the_run_under_way(sandbox: Sandbox) -> None:
    """The step that runs is ended, steps that always run still do, the newest run is done, and the pusher is told."""
    more = "concurrency: {group: g, cancel-in-progress: true}"
    sandbox.set_up(SLOW, work=sandbox.workflow(on=HAND, more=more))
    sandbox.ask(key="a")
    with sandbox.working():
        assert sandbox.eventually(sandbox.is_begun)
        sandbox.ask(key="b")
        assert sandbox.eventually(lambda: planned(sandbox, 2))
        sandbox.ask(key="c")
        go_on = sandbox.eventually(lambda: sandbox.is_begun("c"))
        sandbox.go()
    assert go_on
    assert sandbox.ended() == {1: "cancelled", 2: "cancelled", 3: "success"}
    first = sandbox.runs()[0]
    log = first.log.read_text(encoding="utf-8")
    assert (first.jobs, first.ok) == ({"Job": "cancelled"}, False)
    assert first.error in ("work #2 is newer in the concurrency group g", "work #3 is newer in the concurrency group g")
    assert ("    tidied" in log, "    done" in log, f"cancelled: {first.error}" in log) == (True, False, True)
    assert sandbox.strays() == []


def test_cancelling_works_from_another_process(sandbox: Sandbox) -> None:
    """A request ends the run under way and one that waits; one that has ended, or never was, is refused."""
    sandbox.set_up(SLOW, work=sandbox.workflow(on=HAND))
    sandbox.ask()
    with sandbox.working():
        assert sandbox.eventually(sandbox.is_begun)
        sandbox.ask()
        assert sandbox.eventually(lambda: runs.find(sandbox.forge, 2))
        for number in (2, 1):
            cancellation.ask(sandbox.forge, number, "cancelled by grace")
    assert [(run.conclusion, run.error) for run in sandbox.runs()] == [("cancelled", "cancelled by grace")] * 2
    assert list(sandbox.forge.open.iterdir()) == []
    for number in (1, 9):
        with pytest.raises(UsageError, match=f"no run {number} is under way"):
            cancellation.ask(sandbox.forge, number, "x")


def test_a_cancelled_run_that_does_not_end_is_killed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that always runs, and takes longer than the grace period, is killed with what it started."""
    monkeypatch.setattr(act, "GRACE_SECONDS", 0.5)
    sandbox.set_up(SLOW, work=sandbox.workflow(on=HAND).replace('echo "tidied"', "trap '' INT HUP TERM; sleep 64.7"))
    sandbox.ask()
    with sandbox.working():
        assert sandbox.eventually(sandbox.is_begun)
        cancellation.ask(sandbox.forge, 1, "enough")
        began = time.monotonic()
    assert (sandbox.ended(), time.monotonic() - began < 20, sandbox.strays()) == ({1: "cancelled"}, True, [])


def test_a_job_that_takes_too_long_is_named(sandbox: Sandbox) -> None:
    """A job may take its timeout-minutes and no longer, also in a workflow that is called; others are left alone."""
    called = sandbox.workflow(title="Inner", on="workflow_call", below="timeout-minutes: 0.01")
    caller = "on: workflow_dispatch\njobs:\n  outer: {name: Outer, uses: ./.github/workflows/inner.yaml}\n"
    sandbox.set_up(
        "sleep 30\n",
        inner=called,
        work=caller,
        short=sandbox.workflow(on=HAND, script="--version", below="timeout-minutes: 1"),
    )
    sandbox.ask()
    sandbox.ask("short")
    worker.drain(sandbox.forge)
    late, short = sandbox.runs()
    assert (late.conclusion, late.jobs) == ("cancelled", {"Outer / Job": "cancelled"})
    assert late.error == "job Outer / Job took longer than its timeout-minutes, 0.01"
    assert (short.conclusion, late.seconds < 15) == ("success", True)


def test_a_push_during_a_run_waits_or_ends_at_once(sandbox: Sandbox) -> None:
    """While a run goes on, a push that starts nothing returns, and one that starts something runs afterwards."""
    sandbox.commit({"job.sh": SLOW, ".github/workflows/work.yaml": sandbox.workflow(on='{push: {paths: ["*.sh"]}}')})
    first = sandbox.start_push()
    assert sandbox.eventually(lambda: sandbox.is_begun(""))
    sandbox.commit({"docs.md": "text"})
    assert "no workflow asks for this" in sandbox.git("push", "forge", "main")
    assert sandbox.runs() == []
    second = sandbox.commit({"other.sh": "true"})
    later = sandbox.start_push()
    assert sandbox.eventually(lambda: runs.find(sandbox.forge, 2))
    words = list(status.lines(sandbox.forge, now=datetime.now(UTC)))
    assert words[0].split()[:3] == ["1", "in_progress", "work"]
    assert words[0].endswith("Job / Work")
    assert words[1] == f"   2  queued       work  push of {second[:8]} to main  after run 1"
    sandbox.go()
    assert [b"work #" in push.communicate(timeout=60)[0] for push in (first, later)] == [True, True]
    assert sandbox.ended() == {1: "success", 2: "success"}


def test_a_tag_starts_what_asks_for_tags(sandbox: Sandbox) -> None:
    """A pushed tag starts the workflows of tags, on the tag; a removed one starts none."""
    sandbox.commit(
        {"job.sh": "echo $GITHUB_REF\n", ".github/workflows/work.yaml": sandbox.workflow(on="{push: {tags: ['v*']}}")}
    )
    sandbox.git("push", "forge", "main")
    said = sandbox.git("push", "forge", "HEAD:refs/tags/v1")
    sandbox.git("push", "forge", ":refs/tags/v1")
    assert "    refs/tags/v1" in said
    assert [(run.ref, run.conclusion) for run in sandbox.runs()] == [("refs/tags/v1", "success")]


def broken(sandbox: Sandbox) -> dict[str, str]:
    """Workflow files that cannot be run, by what is wrong with them."""
    return {
        "not YAML": "on: push\njobs: [",
        "no jobs": "on: push\n",
        "concurrency of a job": sandbox.workflow(below="concurrency: mine"),
        "no such called workflow": "on: push\njobs: {a: {uses: ./.github/workflows/none.yaml}}",
        "an unreadable group": sandbox.workflow(more='concurrency: "${{ nonsense( }}"'),
        "a limit that is no number": sandbox.workflow(below='timeout-minutes: "${{ vars.LIMIT }}"'),
    }


def test_a_workflow_that_cannot_run_is_a_failed_run(sandbox: Sandbox) -> None:
    """Each broken workflow file of a push leaves a failed run that says why, and the sound one beside them runs."""
    names = {title.replace(" ", "-"): text for title, text in broken(sandbox).items()}
    files = {f".github/workflows/{name}.yaml": text for name, text in names.items()}
    sandbox.commit({"job.sh": "true\n", **files, ".github/workflows/sound.yaml": sandbox.workflow()})
    said = sandbox.git("push", "forge", "main")
    found = {run.workflow: run for run in sandbox.runs()}
    assert {name: run.conclusion for name, run in found.items()} == {
        **dict.fromkeys(names, "failure"),
        "sound": "success",
    }
    assert [name for name in names if not found[name].error or found[name].error.partition("\n")[0] not in said] == []
    assert "the forge knows that of whole workflows only" in found["concurrency-of-a-job"].error


def test_workflows_that_call_others_come_first(sandbox: Sandbox) -> None:
    """Of what one push starts, those that call another workflow have their turn before those that only sort earlier."""
    inner = sandbox.workflow(title="Inner", on="workflow_call")
    call = "on: push\njobs:\n  call: {uses: ./.github/workflows/inner.yaml}\n"
    files = {"alone": sandbox.workflow(), "b": call, "a-broken": "on: [push", "inner": inner, "a": call}
    sandbox.commit({"job.sh": "true\n", **{f".github/workflows/{name}.yaml": text for name, text in files.items()}})
    sandbox.git("push", "forge", "main")
    assert [run.workflow for run in sandbox.runs()] == ["a", "b", "a-broken", "alone"]


def test_a_run_that_ended_starts_what_waits_for_it(sandbox: Sandbox) -> None:
    """on.workflow_run runs the default branch's file after a workflow of that name ended, however it ended."""
    after = sandbox.workflow(
        title="After", on="{workflow_run: {workflows: [Work], types: [completed]}}", script="after.sh"
    )
    loop = sandbox.workflow(title="Loop", on="{workflow_run: {workflows: [Loop, After]}}", script="--version")
    names = ("id", "name", "event", "head_branch", "conclusion", "head_sha")
    script = (
        "import json, os; ended = json.load(open(os.environ['GITHUB_EVENT_PATH']))['workflow_run']; "
        f"print(*(ended[name] for name in {names}), os.environ['GITHUB_SHA'])"
    )
    sandbox.commit({"job.sh": "exit 3\n", "after.sh": f'"$RATCHET_FORGE_PYTHON" -c "{script}"\n'})
    workflows = {"work": sandbox.workflow(on="{push: {branches: [other]}}"), "after": after, "loop": loop}
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


def test_old_results_are_still_read(sandbox: Sandbox) -> None:
    """A result.json from before there were conclusions has the one that its `ok` means."""
    sandbox.set_up("exit 1\n", work=sandbox.workflow(on=HAND))
    hook.show(sandbox.forge, [dispatch(sandbox.forge, "work", {}, actor="ada")])
    [run] = sandbox.runs()
    path = run.folder / results.RESULT
    text = path.read_text(encoding="utf-8")
    old = {name: value for name, value in json.loads(text).items() if name not in ("conclusion", "title", "started")}
    old = {name: value for name, value in old.items() if name not in ("pull", "approved_by")}
    path.write_text(json.dumps(old), encoding="utf-8")
    assert results.read(path) == replace(run, title="", started="")
