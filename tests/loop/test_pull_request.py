"""A pull request from its first push to its merge, without GitHub: the repository's own workflows, git, DVC, act."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from ratchet.forge import conversation

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pull-request")]


def branch(sandbox: Sandbox, name: str) -> None:
    """Begin a branch at the forge's main."""
    sandbox.git("fetch", "--quiet", "forge")
    sandbox.git("switch", "--quiet", "--create", name, "forge/main")


def new_batch(sandbox: Sandbox) -> None:
    """Bring the next batch, commit it, and push its data."""
    sandbox.ok("data", "pull", "--until", "part-05")
    sandbox.commit("Add part 5")
    assert sandbox.run([sys.executable, "-m", "dvc", "push", "--quiet"]).code == 0


def test_a_pull_request_is_trained_reported_merged_and_not_trained_again(pushed: Sandbox) -> None:
    """One comment, a status on the newest commit, the lock on the branch; the merge finds all in the cache."""
    branch(pushed, "part-5")
    pushed.set_params(gate={"refit_margin": 2000.0})
    new_batch(pushed)
    said = pushed.ok("pr", "open", "--title", "Add part 5")
    [run] = pushed.forge_runs("pull-request")
    assert run.ok, said
    assert {name: state for name, state in run.jobs.items() if state != "skipped"} == {
        "Train / Train": "success",
        "Report": "success",
    }

    home = pushed.forge
    [comment] = conversation.comments(home, 1)
    assert "part-05" in comment.body
    head = pushed.git("ls-remote", "forge", "part-5").split()[0]
    pushed.git("fetch", "--quiet", "forge")
    assert pushed.git("log", "-1", "--format=%an", head) == "ratchet"
    [status] = [one for one in conversation.statuses(home, head) if one.context == "ratchet/gate"]
    assert status.state == "success"
    change = json.loads((run.artifacts / "report" / "change.json").read_text(encoding="utf-8"))
    assert [(batch["batch"], batch["kind"]) for batch in change["data"]["batches"]] == [("part-05", "added")]

    said = pushed.ok("pr", "merge", "1")
    [_, merged] = pushed.forge_runs("retrain")
    assert merged.ok, said
    log = merged.log.read_text(encoding="utf-8")
    assert [stage for stage in ("ingest:", "train:", "evaluate:", "gate:") if f"    {stage}" in log] == []
    assert [(entry["version"], entry["replaces"]) for entry in pushed.ledger()] == [(1, None), (2, 1)]
    assert len(conversation.comments(home, 1)) == 1


def test_a_second_push_updates_the_one_comment(pushed: Sandbox) -> None:
    """Also after a force-push over the machine's commit; the comment says what the newest commit does."""
    branch(pushed, "alpha")
    pushed.set_params(model={"params": {"alpha": 2.0}})
    pushed.commit("alpha 2")
    pushed.ok("pr", "open", "--title", "alpha")
    home = pushed.forge
    [first] = conversation.comments(home, 1)
    assert re.search(r"model\.params\.alpha.*1\.0.*2\.0", first.body)
    pushed.set_params(model={"params": {"alpha": 3.0}})
    pushed.git("commit", "--quiet", "--all", "--amend", "--message", "alpha 3")
    said = pushed.run(["git", "push", "--force", "forge", "alpha"])
    assert said.code == 0, said
    [second] = conversation.comments(home, 1)
    assert (second.id, bool(re.search(r"model\.params\.alpha.*1\.0.*3\.0", second.body))) == (first.id, True)
    assert [run.ok for run in pushed.forge_runs("pull-request")] == [True, True]


def test_two_pull_requests_that_both_carry_a_lock_end_in_a_main_that_is_reproduced(pushed: Sandbox) -> None:
    """The second merge drops what both sides ran; main runs it again, and its lock then matches its files."""
    for name, change in (("one", {"alpha": 2.0}), ("other", {})):
        branch(pushed, name)
        if change:
            pushed.set_params(model={"params": change})
            pushed.commit(name)
        else:
            new_batch(pushed)
        pushed.ok("pr", "open", "--title", name)
    assert pushed.ratchet("pr", "merge", "1", "--admin", "--reason", "a test").code == 0
    said = pushed.ratchet("pr", "merge", "2", "--admin", "--reason", "a test")
    assert said.code == 0, said
    assert all(run.ok for run in pushed.forge_runs("retrain")), said
    pushed.git("switch", "--quiet", "main")
    pushed.git("pull", "--quiet", "--ff-only", "forge", "main")
    params = yaml.safe_load((pushed.root / "params.yaml").read_text(encoding="utf-8"))
    assert params["model"]["params"] == {"alpha": 2.0}
    pushed.ok("data", "fetch")
    assert "Nothing changed" in pushed.ok("run")


def test_a_pull_request_that_cannot_be_trained_is_told_so(pushed: Sandbox) -> None:
    """A wrong params.yaml ends in a comment that says so and a status that is no success; the run has failed."""
    branch(pushed, "wrong")
    pushed.set_params(model={"params": {"alpha": "much"}})
    pushed.commit("alpha much")
    said = pushed.ratchet("pr", "open", "--title", "alpha").out
    [run] = pushed.forge_runs("pull-request")
    assert (run.ok, run.jobs["Train / Train"], run.jobs["Report"]) == (False, "failure", "success"), said
    [comment] = conversation.comments(pushed.forge, 1)
    head = pushed.git("rev-parse", "wrong")
    [status] = [one for one in conversation.statuses(pushed.forge, head) if one.context == "ratchet/gate"]
    assert (status.state in ("error", "failure"), "failure" in status.description) == (True, True)
    assert f"### {status.state}: {status.description}\n" in comment.body
