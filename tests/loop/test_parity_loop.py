"""The same push, told by the forge and told by GitHub, through the real workflows: one ledger entry, one report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ratchet.forge import hook, source, tickets, worker
from ratchet.forge.tickets import Ticket
from ratchet.io.git import git

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("push")]

OF_ITS_TIME = ("time", "run_id", "seal", "hash", "previous", "manifest", "commit")
"""What two promotions of the same push never share: when it was, the run's id, and digests of what holds those.

The commit is the machine's own; what is in it is compared."""


@dataclass(frozen=True)
class Left:
    """What a push left: runs, the ledger, the report, and what the machine committed."""

    runs: list[tuple[Any, ...]]
    ledger: list[dict[str, Any]]
    report: str
    committed: str


def left(sandbox: Sandbox, ticket: Ticket) -> Left:
    """Work on the ticket, and gather what came of it."""
    tickets.add(sandbox.forge, ticket)
    worker.drain(sandbox.forge)
    _, _, trained, promoted = sandbox.forge_runs()
    report = trained.artifacts / "report" / "report.md"
    assert trained.ok, trained.log.read_text(encoding="utf-8")
    return Left(
        runs=[(run.workflow, run.event, run.conclusion, run.jobs) for run in (trained, promoted)],
        ledger=[{name: entry[name] for name in entry.keys() - OF_ITS_TIME} for entry in sandbox.ledger()],
        report=report.read_text(encoding="utf-8"),
        committed=git(["ls-tree", "-r", "main"], cwd=sandbox.forge.origin),
    )


def test_a_push_as_github_tells_it_leaves_the_same(pushed: Sandbox, github_speaks: Callable[..., None]) -> None:
    """Ledger and report differ in nothing but times and the ids of runs."""
    pushed.git("pull", "--quiet", "--ff-only", "forge", "main")
    pushed.set_params(gate={"refit_margin": 2000.0})
    pushed.ok("data", "pull", "--until", "part-05")
    sha = pushed.commit("Add part 5")
    assert pushed.run([sys.executable, "-m", "dvc", "push", "--quiet"]).code == 0
    before = source.resolve(pushed.forge, source.MAIN)
    assert before is not None
    # Fetched, as a push would run the hook.
    git(["fetch", "--quiet", str(pushed.root), f"HEAD:{source.MAIN}"], cwd=pushed.forge.origin)
    [ticket] = hook.received([hook.Update(before, sha, source.MAIN)], actor="ada")
    place = pushed.keep(pushed.base.with_name("told"))
    ours = left(pushed, ticket)
    pushed.restore(place)
    github_speaks()
    theirs = left(pushed, ticket)
    event = json.loads((pushed.forge_runs()[2].folder / "event.json").read_text(encoding="utf-8"))
    assert (event["sender"]["login"], event["after"]) == ("Codertocat", sha)
    assert theirs == ours
    assert [run[:2] for run in ours.runs] == [("retrain", "push"), ("promote", "workflow_dispatch")]
    assert [(entry["version"], entry["replaces"], entry["actor"]) for entry in ours.ledger] == [
        (1, None, "ada"),
        (2, 1, "ada"),
    ]
