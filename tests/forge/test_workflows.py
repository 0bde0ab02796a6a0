"""The repository's own workflows run anywhere: on GitHub, and here with what the forge has."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ratchet.errors import UsageError
from ratchet.forge import standins, workflows
from ratchet.forge.jobs import check_runnable, third_party
from ratchet.forge.workflows import Workflow

ROOT = Path(__file__).resolve().parents[2]
PATHS = workflows.files(ROOT)
ACTIONS = [*ROOT.glob(".github/actions/*/action.yml"), *standins.FOLDER.glob("*/*/action.yml")]
TOOLS = Path(sys.executable).parent


def own(path: str) -> Workflow:
    """One of the repository's workflows."""
    return workflows.parse(path, (ROOT / path).read_text(encoding="utf-8"))


def run(tool: str, *arguments: object, home: Path) -> tuple[int, str]:
    """A checker's exit code and words."""
    done = subprocess.run(
        [str(TOOLS / tool), *map(str, arguments)],
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def written(tmp_path: Path, jobs: str) -> Workflow:
    """A workflow of these jobs, in a repository at `tmp_path`."""
    path = tmp_path / workflows.FOLDER / "w.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"on: push\njobs:\n{jobs}", encoding="utf-8")
    return workflows.parse(f"{workflows.FOLDER}/w.yaml", path.read_text(encoding="utf-8"))


def test_there_are_workflows_and_actions_to_check() -> None:
    """The globs that the other tests go through find the files they are meant to."""
    assert [Path(path).stem for path in PATHS if Path(path).stem in ("train", "retrain")] == ["retrain", "train"]
    assert {"setup", "checkout", "upload-artifact"} <= {action.parent.name for action in ACTIONS}


@pytest.mark.parametrize("path", PATHS)
def test_the_forge_can_run_every_workflow(path: str) -> None:
    """Each runs-on is a machine the forge stands for, each action has a stand-in that takes the inputs it is given."""
    read = workflows.below(ROOT)
    check_runnable(read, own(path))
    standins.arguments(third_party(read, own(path)))


@pytest.mark.parametrize("path", PATHS)
def test_actions_are_pinned_to_commits(path: str) -> None:
    """Every third-party action is named by a full commit hash."""
    loose = [
        use for use in third_party(workflows.below(ROOT), own(path)) if not re.fullmatch(r"[0-9a-f]{40}", use.version)
    ]
    assert loose == []


@pytest.mark.parametrize("path", PATHS)
def test_nothing_relies_on_what_act_ignores(path: str) -> None:
    """No job continues on error and no matrix fails fast: act knows neither, so a run here would differ."""
    jobs = own(path).jobs.values()
    assert [job for job in jobs if "continue-on-error" in job or "fail-fast" in job.get("strategy", {})] == []


@pytest.mark.parametrize("path", PATHS)
def test_steps_are_one_line(path: str) -> None:
    """No logic in YAML: a step runs one command, and values reach it through its environment."""
    steps = [step.get("run", "") for job in own(path).jobs.values() for step in job.get("steps", [])]
    assert [step for step in steps if "\n" in step.strip() or "${{" in step] == []


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("actionlint", PATHS),
        ("zizmor", ["--offline", "--persona", "auditor", ".github", standins.FOLDER]),
        ("check-jsonschema", ["--builtin-schema", "vendor.github-workflows", *PATHS]),
        ("check-jsonschema", ["--builtin-schema", "vendor.github-actions", *ACTIONS]),
        *(("act", ["--validate", "--strict", "-W", path]) for path in PATHS),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_checkers_find_nothing(tool: str, arguments: Sequence[object], tmp_path: Path) -> None:
    """actionlint, zizmor, GitHub's JSON schemas and act itself have nothing to say against the files."""
    code, words = run(tool, *arguments, home=tmp_path)
    assert code == 0, words


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ("  a: {runs-on: windows-latest, steps: []}", "job a .* runs on 'windows-latest'"),
        ("  a: {runs-on: '${{ matrix.os }}', steps: []}", "which this machine does not stand for"),
        ("  a: {runs-on: ubuntu-latest, container: alpine, steps: []}", "needs a container"),
        ("  a: {runs-on: ubuntu-latest, services: {db: {image: x}}, steps: []}", "needs a container"),
        ("  a: {uses: other/repo/.github/workflows/x.yaml@main}", "a workflow of another repository"),
        ("  a: {uses: ./.github/workflows/none.yaml}", "cannot be read"),
    ],
)
def test_a_job_that_cannot_run_here_is_an_error(tmp_path: Path, jobs: str, words: str) -> None:
    """What act would skip without a word, and call a success, is refused and named."""
    with pytest.raises(UsageError, match=words):
        check_runnable(workflows.below(tmp_path), written(tmp_path, jobs))


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{uses: actions/cache@v5}", "uses actions/cache, which has no stand-in"),
        ("{uses: evil/checkout@v1}", "uses evil/checkout, which has no stand-in"),
        ("{uses: actions/checkout/sub@v1}", "uses actions/checkout/sub, which has no stand-in"),
        ("{uses: actions/checkout@v6, with: {submodules: true}}", "gives submodules to actions/checkout"),
        ("{uses: docker://alpine}", "cannot run"),
        ("{uses: ./none}", "no ./none/action.yml"),
        ("{uses: ./.github/actions/inner}", "inner/action.yml uses actions/cache"),
    ],
)
def test_an_action_without_a_stand_in_is_an_error(tmp_path: Path, step: str, words: str) -> None:
    """A missing stand-in or input is named before anything runs, also where a local action uses it."""
    inner = tmp_path / ".github/actions/inner/action.yml"
    inner.parent.mkdir(parents=True)
    inner.write_text("runs: {using: composite, steps: [{uses: actions/cache@v5}]}", encoding="utf-8")
    workflow = written(tmp_path, f"  a: {{runs-on: ubuntu-latest, steps: [{step}]}}")
    with pytest.raises(UsageError, match=words):
        standins.arguments(third_party(workflows.below(tmp_path), workflow))


@pytest.mark.parametrize(("on", "pushed"), [("push", True), ("[push, pull_request]", True), ("[pull_request]", False)])
def test_every_way_to_say_on_is_read(on: str, pushed: bool) -> None:
    """A name, a list and a mapping of events mean the same."""
    workflow = workflows.parse("w.yaml", f"on: {on}\njobs: {{a: {{}}}}")
    assert ("push" in workflow.triggers) == pushed


@pytest.mark.parametrize(
    "text", ["", "a: [", "on: push", "jobs: {}", "on: push\njobs: {a: text}", "on: push\njobs: {}"]
)
def test_a_file_that_is_no_workflow_is_named(text: str) -> None:
    """A broken workflow file is refused with its path."""
    with pytest.raises(UsageError, match=r"\.github/workflows/w\.yaml is not a workflow"):
        workflows.parse(".github/workflows/w.yaml", text)


@pytest.mark.parametrize("steps", ["text", "[text]", "{run: x}"])
def test_steps_that_are_none_are_refused(tmp_path: Path, steps: str) -> None:
    """A job, or a local action, whose steps are no list of mappings is named."""
    with pytest.raises(UsageError, match="job a: its steps are no list"):
        written(tmp_path, f"  a: {{runs-on: ubuntu-latest, steps: {steps}}}")
    inner = tmp_path / "inner" / "action.yml"
    inner.parent.mkdir()
    inner.write_text(f"runs: {{using: composite, steps: {steps}}}", encoding="utf-8")
    workflow = written(tmp_path, "  a: {runs-on: ubuntu-latest, steps: [{uses: ./inner}]}")
    with pytest.raises(UsageError, match=r"inner/action\.yml: its steps are no list"):
        list(third_party(workflows.below(tmp_path), workflow))


def test_workflows_that_call_each_other_for_ever_are_refused(tmp_path: Path) -> None:
    """A circle of calls ends in an error that names it, and not in the machine's memory."""
    with pytest.raises(UsageError, match="10 calls deep"):
        check_runnable(workflows.below(tmp_path), written(tmp_path, "  a: {uses: ./.github/workflows/w.yaml}"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "needs the input reason"),
        ({"reason": "x", "speed": "9"}, "has no input speed"),
        ({"reason": "x", "size": "huge"}, "size cannot be 'huge'"),
    ],
)
def test_inputs_are_checked_as_github_does(given: dict[str, str], words: str) -> None:
    """A missing, unknown or impossible input of a workflow started by hand is refused; act checks none of these."""
    inputs = "{reason: {required: true}, size: {type: choice, options: [small, large]}}"
    workflow = workflows.parse("w.yaml", f"on: {{workflow_dispatch: {{inputs: {inputs}}}}}\njobs: {{a: {{}}}}")
    with pytest.raises(UsageError, match=words):
        workflows.check_inputs(workflow, given)
