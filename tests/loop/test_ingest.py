"""New batches that ask for themselves: the repository's own ingest.yaml, a folder of files, git, DVC, act."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ratchet.forge import conversation
from ratchet.forge.pulls import pulls

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

    from ratchet.forge.results import RunResult

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("pull-request")]

HOSTILE = "@everyone <img src=x> [skip ci]"


def inbox(sandbox: Sandbox) -> Path:
    """A folder whose CSV files are the source from now on: two new parts, and between them one that is broken."""
    folder = sandbox.base / "inbox"
    folder.mkdir()
    sandbox.git("pull", "--quiet", "--ff-only", "forge", "main")
    part = pd.read_parquet(sandbox.root / "data" / "raw" / "part-04" / "rows.parquet")
    for number, name in enumerate(("part-05", "part-06", "part-07"), start=1):
        rows = part.assign(patient=part["patient"] + 1000 * number)
        if name == "part-06":
            rows = rows.assign(sex=HOSTILE).drop(columns="bmi")
        rows.to_csv(folder / f"{name}.csv", index=False)
    sandbox.set_params(
        report={"budget_seconds": 0}, data={"rows": {"kind": "files", "path": str(folder / "{batch}.csv")}}
    )
    sandbox.push("Take the files of a folder [skip ci]")
    return folder


def ingest(sandbox: Sandbox) -> RunResult:
    """Let the workflow run, and what it asks for; returns its own run."""
    command = sandbox.command("forge", "dispatch", "ingest.yaml", "--input", "limit=2")
    # Several trainings one after another: that may take longer than any single command.
    subprocess.run(command, cwd=sandbox.root, env=sandbox.environment, capture_output=True, check=True, timeout=400)
    return sandbox.forge_runs("ingest")[-1]


def test_each_new_batch_is_a_pull_request_that_is_trained(pushed: Sandbox) -> None:
    """Two requests from main, each with its batch alone and a report; the broken one is told; no request comes twice.

    The run ends red with the report of what was refused, which the next run tries again.
    """
    folder = inbox(pushed)
    run = ingest(pushed)
    log = run.log.read_text(encoding="utf-8")
    assert (run.conclusion, "ratchet: batch part-06 is refused" in log) == ("failure", True), log
    assert "part-06: refused" in run.summary.read_text(encoding="utf-8")
    assert (run.artifacts / "refused" / "data" / "refused" / "part-06" / "report.html").is_file()

    home, main = pushed.forge, pushed.git("ls-remote", "forge", "main").split()[0]
    pushed.git("fetch", "--quiet", "forge")
    asked = pulls.every(home)
    assert [(pull.title, pull.head, pull.state, pull.author) for pull in asked] == [
        ("Data: part-05", "data/part-05", "open", "github-actions[bot]"),
        ("Data: part-07", "data/part-07", "open", "github-actions[bot]"),
    ]
    assert [one.ok for one in pushed.forge_runs("pull-request")] == [True, True], log
    starts = {}
    for pull, batch in zip(asked, ("part-05", "part-07"), strict=True):
        first, *_ = pushed.git("rev-list", "--reverse", f"{main}..{pull.head_sha}").splitlines()
        starts[pull.number] = first
        assert pushed.git("diff", "--name-only", main, first).splitlines() == [
            f"data/raw/{batch}.dvc",
            f"data/raw/{batch}.source.json",
        ]
        [comment] = conversation.comments(home, pull.number)
        assert batch in comment.body
        [status] = [one for one in conversation.statuses(home, pull.head_sha) if one.context == "ratchet/gate"]
        assert status.state in ("success", "failure")
        assert re.search(rf"rows: \d+.*{batch}\.csv", pull.body, re.DOTALL)

    assert "  pull-request  success  " in pushed.ok("pr", "show", "1")

    (folder / "part-06.csv").unlink()
    again = ingest(pushed)
    assert again.ok
    assert [pull.number for pull in pulls.every(home)] == [1, 2]
    assert len(pushed.forge_runs("pull-request")) == 2

    for order in ((1, 2), (2, 1)):
        pushed.git("switch", "--quiet", "--detach", main)
        for number in order:
            pushed.git("merge", "--quiet", "--no-edit", starts[number])
        found = sorted(path.name for path in (pushed.root / "data" / "raw").glob("*.dvc"))
        assert found == [f"part-0{number}.dvc" for number in (1, 2, 3, 4, 5, 7)]
