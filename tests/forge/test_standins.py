"""The stand-ins in real runs: checkout, upload-artifact and download-artifact, and a pull request's merge commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ratchet.forge import download, hook
from ratchet.forge.pulls import pulls
from ratchet.forge.pulls.pull_record import Draft

if TYPE_CHECKING:
    from pathlib import Path

    from tests.forge.conftest import Sandbox

WORKFLOW = """
name: Work
on: {on}
permissions: {{}}
jobs:
  job:
    name: Job
    runs-on: ubuntu-latest
    steps:
{steps}
  later:
    name: Later
    needs: job
    runs-on: ubuntu-latest
    steps:
{later}
"""


def workflow(steps: list[str], later: list[str] | None = None, on: str = "push") -> str:
    """A workflow with one job after another."""
    lines = [["", *(f"      - {step}" for step in each)] for each in (steps, later or ["run: 'true'"])]
    return WORKFLOW.format(on=on, steps="\n".join(lines[0]), later="\n".join(lines[1]))


def shown(sandbox: Sandbox) -> list[str]:
    """What the steps of the last run printed."""
    lines = sandbox.runs()[-1].log.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.startswith("    ")]


@pytest.mark.slow
def test_checkout_does_what_its_inputs_say(sandbox: Sandbox) -> None:
    """Depth, tags, path, ref and clean are honoured; another repository and a path outside are errors."""
    steps = [
        "{uses: actions/checkout@v6, with: {path: one}}",
        "run: cd one && git rev-list --count HEAD && git tag --list | wc -l",
        "{uses: actions/checkout@v6, with: {path: two, fetch-depth: 2, fetch-tags: true, ref: other}}",
        "run: cd two && git rev-list --count HEAD && git tag --list && git branch --show-current && touch loose",
        "{uses: actions/checkout@v6, with: {path: two, fetch-depth: 0, clean: false}}",
        "run: cd two && git rev-list --count HEAD && ls loose && git symbolic-ref --short HEAD",
        "{uses: actions/checkout@v6, with: {path: two, ref: refs/tags/v1}}",
        "run: cd two && git describe --tags --exact-match && ls loose || echo gone",
        "{uses: actions/checkout@v6, with: {path: ../three}, continue-on-error: true}",
        "{uses: actions/checkout@v6, with: {repository: other/model}, continue-on-error: true}",
        "{uses: actions/checkout@v6, with: {fetch-depth: all}, continue-on-error: true}",
    ]
    for number in range(3):
        sandbox.commit({"file.txt": str(number)})
    sandbox.git("tag", "v1")
    sandbox.git("push", "--quiet", "forge", "HEAD:other", "v1")
    sandbox.commit({".github/workflows/work.yaml": workflow(steps)})
    sandbox.git("push", "--quiet", "forge", "main")
    assert [run.ok for run in sandbox.runs()] == [True]
    assert shown(sandbox) == [
        "1", "0",
        "2", "v1", "other",
        "5", "loose", "main",
        "v1", "ls: cannot access 'loose': No such file or directory", "gone",
        "error: path ../three is not below the workspace",
        "error: other/model cannot be reached from here; this forge has local/forge alone",
        "error: fetch-depth is a number of commits, not all",
    ]  # fmt: skip


@pytest.mark.slow
def test_what_one_job_uploads_another_downloads(sandbox: Sandbox) -> None:
    """One artifact by name, several by pattern, merged or not, of this run or an earlier one; a missing one fails."""
    up = "actions/upload-artifact@v6"
    down = "actions/download-artifact@v7"
    steps = [
        "run: mkdir -p out/deep && echo $GITHUB_RUN_ID > out/deep/a.txt && echo b > b.txt",
        f"{{uses: {up}, with: {{name: report-a, path: out/}}}}",
        f"{{uses: {up}, with: {{name: report-b, path: b.txt}}}}",
        f"{{uses: {up}, with: {{name: other, path: b.txt}}}}",
    ]
    later = [
        f"{{uses: {down}, id: one, with: {{name: report-a, path: one}}}}",
        'run: cat one/deep/a.txt && echo "${{ steps.one.outputs.download-path }}" | sed "s|$GITHUB_WORKSPACE|here|"',
        f"{{uses: {down}, with: {{pattern: report-*, path: two}}}}",
        "run: find two -type f | sort",
        f"{{uses: {down}, with: {{pattern: report-*, path: three, merge-multiple: true}}}}",
        "run: find three -type f | sort",
        f"{{uses: {down}, with: {{name: report-a, path: four, run-id: 1, github-token: x}}}}",
        "run: cat four/deep/a.txt",
        f"{{uses: {down}, continue-on-error: true, with: {{name: none}}}}",
        f"{{uses: {down}, continue-on-error: true, with: {{name: report-a, run-id: 99}}}}",
        f"{{uses: {down}, continue-on-error: true, with: {{name: report-a, repository: other/model}}}}",
    ]
    sandbox.commit({".github/workflows/work.yaml": workflow(steps, later)})
    sandbox.git("push", "--quiet", "forge", "main")
    sandbox.commit({"more.txt": "x"})
    sandbox.git("push", "--quiet", "forge", "main")
    assert [run.ok for run in sandbox.runs()] == [True, True]
    said = [
        line for line in shown(sandbox) if not line.endswith(str(sandbox.forge.work)) and " artifacts in " not in line
    ]
    assert [line for line in said if " files in " not in line] == [
        "2", "here/one",
        "two/report-a/deep/a.txt", "two/report-b/b.txt",
        "three/b.txt", "three/deep/a.txt",
        "1",
        "error: run 2 has no artifact called none",
        "error: there is no run 99",
        "error: artifacts of other/model cannot be reached from here",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "pattern", "chosen"),
    [
        ("", "", ["a", "ab", "b"]),
        ("a", "", ["a"]),
        ("a", "b", ["a"]),
        ("", "a*", ["a", "ab"]),
        ("", "[ab]", ["a", "b"]),
    ],
)
def test_artifacts_are_chosen_by_name_or_pattern(tmp_path: Path, name: str, pattern: str, chosen: list[str]) -> None:
    """A name is one artifact, whatever the pattern; a pattern those that match; neither means all."""
    for each in ("a", "ab", "b"):
        (tmp_path / each).mkdir()
    assert [path.name for path in download.choose(tmp_path, name, pattern)] == chosen


@pytest.mark.parametrize("number", ["", "x", "-1", "7/../1"])
def test_a_run_that_is_no_number_is_none(tmp_path: Path, number: str) -> None:
    """What cannot be the number of a run finds none, wherever it might lead."""
    (tmp_path / "0001-a" / "artifacts").mkdir(parents=True)
    assert download.artifacts(tmp_path, number) is None
    assert download.artifacts(tmp_path, "1") == tmp_path / "0001-a" / "artifacts"


@pytest.mark.slow
def test_a_pull_request_runs_on_its_merge(sandbox: Sandbox) -> None:
    """Workflow, code and commit are those of the branch merged into its base; paths count what the branch changed."""
    on = "{{pull_request: {{branches: [main], paths: [{}]}}}}"
    show = "run: echo $GITHUB_REF $GITHUB_SHA $GITHUB_HEAD_REF $GITHUB_BASE_REF $(cat ours.txt theirs.txt)"
    steps = ["uses: actions/checkout@v6", show]
    sandbox.commit({"ours.txt": "old"})
    sandbox.git("push", "--quiet", "forge", "main")
    sandbox.git("switch", "--quiet", "--create", "topic")
    files = {
        ".github/workflows/mine.yaml": on.format("theirs.txt"),
        ".github/workflows/not.yaml": on.format("ours.txt"),
    }
    sandbox.commit({"theirs.txt": "new", **{name: workflow(steps, on=text) for name, text in files.items()}})
    sandbox.git("push", "--quiet", "forge", "topic")
    sandbox.git("switch", "--quiet", "main")
    sandbox.commit({"ours.txt": "moved\n"})
    sandbox.git("push", "--quiet", "forge", "main")
    ticket = pulls.create(sandbox.forge, Draft(title="t", body="", head="topic", base="main", author="ada"))[1]
    assert ticket is not None
    hook.show(sandbox.forge, [ticket])
    [run] = sandbox.runs()
    assert (run.workflow, run.event, run.pull, run.ok) == ("mine", "pull_request", 1, True)
    assert shown(sandbox) == [f"refs/pull/1/merge {ticket.sha} topic main moved new"]
