"""A worker that is killed, anywhere: nothing is lost, and nothing that was done is done again. Real git, real act."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from ratchet.forge import approvals, ending, planning, results, tickets, worker
from ratchet.forge import run as runs
from ratchet.forge.dispatch import event
from ratchet.forge.results import RunResult

if TYPE_CHECKING:
    from tests.forge.conftest import Sandbox

pytestmark = pytest.mark.slow

DRIFT = "{repository_dispatch: {types: [drift]}}"
HAND = "workflow_dispatch"


@pytest.mark.parametrize("state", ["running", "waiting", "between"])
def test_a_killed_worker_is_made_good_in_every_state(sandbox: Sandbox, state: str) -> None:
    """Killed in a run, with one held, or between two workflows of a push: each run is done once, none is lost."""
    held = sandbox.workflow(below="environment: production")
    sandbox.set_up("true\n", held=held, one=sandbox.workflow(), two=sandbox.workflow(job="second"))
    approvals.protect(sandbox.forge, "production")
    job = {"running": "job", "waiting": "none", "between": "second"}[state]
    block = 'touch "$RATCHET_FORGE_HOME/begun-"; until [ -e "$RATCHET_FORGE_HOME/go" ]; do sleep 0.05; done'
    effect = 'echo "$GITHUB_RUN_ID" >> "$RATCHET_FORGE_HOME/effects"'
    sandbox.commit({"job.sh": f'[ "$GITHUB_JOB" != {job} ] || {{ {block}; }}\n{effect}\n'})
    push = sandbox.start_push()
    if state == "waiting":
        assert sandbox.eventually(lambda: len(sandbox.runs()) == 2 and not sandbox.workers())
    else:
        assert sandbox.eventually(lambda: sandbox.is_begun(""))
        for pid in sandbox.workers():
            os.kill(pid, signal.SIGKILL)
    push.communicate(timeout=60)
    sandbox.go()
    worker.drain(sandbox.forge)
    assert sandbox.ended() == {2: "success", 3: "success"}
    approvals.decide(sandbox.forge, 1, by="grace", approved=True)
    worker.drain(sandbox.forge)
    assert sandbox.ended() == {1: "success", 2: "success", 3: "success"}
    assert sandbox.effects() == ["2", "3", "1"]
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
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    name: str,
    after: bool,
) -> None:
    """Killed right before or after any file is written, two workflows and what waits for one are each done once."""
    follow_up = sandbox.workflow(title="After", on="{workflow_run: {workflows: [One]}}")
    common = {"one": sandbox.workflow(title="One", on=DRIFT), "two": sandbox.workflow(title="Two", on=DRIFT)}
    sandbox.set_up('echo "$GITHUB_WORKFLOW" >> "$RATCHET_FORGE_HOME/effects"\n', after=follow_up, **common)
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
    assert sandbox.effects() == ["One", "Two", "After"]
    assert (list(sandbox.forge.queue.iterdir()), list(sandbox.forge.open.iterdir())) == ([], [])


def test_a_run_whose_result_was_not_written_is_done_again(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the last step and before the result is there, a run is done once more, under the same number."""
    sandbox.set_up('echo "$GITHUB_RUN_ID" >> "$RATCHET_FORGE_HOME/effects"\n', work=sandbox.workflow(on=HAND))
    sandbox.ask()
    real = results.write

    def dies(result: RunResult) -> None:
        raise Killed

    monkeypatch.setattr(results, "write", dies)
    with pytest.raises(Killed):
        worker.drain(sandbox.forge)
    monkeypatch.setattr(results, "write", real)
    worker.drain(sandbox.forge)
    assert sandbox.ended() == {1: "success"}
    assert sandbox.effects() == ["1", "1"]


def test_a_run_that_keeps_killing_its_worker_is_given_up(sandbox: Sandbox) -> None:
    """After three deaths it has failed and says so, and the next one has its turn."""
    sandbox.set_up("echo hello\n", work=sandbox.workflow(on=HAND))
    sandbox.ask()
    planning.plan(sandbox.forge, tickets.waiting(sandbox.forge)[0], print)
    [run] = runs.unfinished(sandbox.forge)
    runs.save(sandbox.forge, replace(run, attempts=runs.ATTEMPTS, state=runs.RUNNING))
    tickets.save(sandbox.forge, replace(run.ticket, planned=True))
    sandbox.ask()
    worker.drain(sandbox.forge)
    assert sandbox.ended() == {1: "failure", 2: "success"}
    assert "given up: the worker died 3 times" in sandbox.runs()[0].error
