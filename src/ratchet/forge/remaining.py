"""What act leaves undone when a called workflow fails: the jobs that GitHub runs all the same.

act goes on after a failed job, so that a later one with `if: ${{ failure() }}` has its turn; but when the failed job
calls a workflow (`uses: ./.github/workflows/...`), act ends right after the jobs that ran beside it. Jobs that wait for
it with `always()`, `failure()` or `!cancelled()`, and jobs that do not wait for it at all, never begin. So act is run
again, on a copy of the workflow in which every job that had its turn is a stub: it ends as the job ended, with the
outputs that the job had, and does nothing else.

What called workflows themselves call is not looked into: only jobs of the workflow that was started are caught up on.
A cancelled run is not caught up on either.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from ratchet.errors import UsageError
from ratchet.forge import expressions, jobs, results, workflows
from ratchet.forge.progress import Progress
from ratchet.forge.triggers import Tree
from ratchet.forge.workflows import Read, Workflow

STUB = "ratchet-had-its-turn"
"""What the stubs' names begin with: lines of act's log that hold it are about no job of the workflow."""

STATUS = re.compile(r"\b(always|cancelled|failure|success)\s*\(")
"""The functions whose use in a job's `if` takes away GitHub's own rule, that all it needs must have succeeded."""

NEVER = -1
"""The turn before the first."""


@dataclass(frozen=True)
class Remaining:
    """What is left after the jobs whose turn is `turn` or earlier: the text of a workflow in which those are stubs."""

    turn: int
    text: str


@dataclass(frozen=True)
class Had:
    """How a job ended that had its turn, and its outputs by name."""

    result: str
    outputs: Mapping[str, str]


def after(read: Read, workflow: Workflow, progress: Progress, turn: int = NEVER) -> Remaining | None:
    """What is to be run still, if a called workflow failed in a later turn than `turn`; None if nothing is.

    `progress` has heard all that act said.
    """
    failed = [
        key
        for key, job in workflow.jobs.items()
        if "uses" in job and _result(_labels(progress, key, job)) == results.FAILURE
    ]
    turns = _turns(workflow.jobs) if failed else {}
    reached = min((turns[key] for key in failed if turns[key] > turn), default=NEVER)
    if reached == NEVER:
        return None
    had = {key: _had(read, progress, key, job) for key, job in workflow.jobs.items() if turns[key] <= reached}
    if all(key in had or _is_hopeless(workflow.jobs, had, key) for key in workflow.jobs):
        return None
    return Remaining(reached, _with_stubs(read(workflow.path) or "", had))


def _turns(trees: Mapping[str, Tree]) -> dict[str, int]:
    """When act gives each job its turn: one later than the last of those it needs. act has refused circles."""

    def turn(key: str) -> int:
        return 1 + max((turn(need) for need in _needs(trees[key]) if need in trees), default=NEVER)

    return {key: turn(key) for key in trees}


def _needs(job: Tree) -> list[str]:
    needs = job.get("needs") or []
    return needs if isinstance(needs, list) else [needs]


def _is_hopeless(trees: Mapping[str, Tree], had: Mapping[str, Had], key: str) -> bool:
    """Whether a job would be skipped for certain: one it needs did not succeed or will not run, and no `if` minds."""
    if STATUS.search(str(trees[key].get("if", ""))):
        return False
    return any(
        had[need].result != results.SUCCESS if need in had else _is_hopeless(trees, had, need)
        for need in _needs(trees[key])
        if need in trees
    )


def _had(read: Read, progress: Progress, key: str, job: Tree) -> Had:
    labels = _labels(progress, key, job)
    outputs = _called_outputs(read, progress, job, labels) if "uses" in job else _own_outputs(progress, job, labels)
    return Had(_result(labels), outputs)


def _labels(progress: Progress, key: str, job: Tree) -> dict[str, str]:
    """What act called a job of the workflow, or the jobs of the workflow that it calls, and how each ended."""
    called = jobs.labels(key, job)
    return {
        label: state
        for label, state in progress.jobs.items()
        if called.fullmatch(label) and ("uses" in job or progress.begun[label].key == key)
    }


def _result(labels: Mapping[str, str]) -> str:
    """How a job ended whose parts ended so; act says nothing of a job that it skips."""
    ends = labels.values()
    return next((end for end in (results.FAILURE, results.SUCCESS) if end in ends), results.SKIPPED)


def _own_outputs(progress: Progress, job: Tree, labels: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for label in labels:
        steps = {step: {"outputs": outputs} for step, outputs in progress.step_outputs.get(label, {}).items()}
        # Of a matrix the first that says something wins, as in act.
        found = {
            **_filled(job.get("outputs"), {"steps": steps}),
            **{name: text for name, text in found.items() if text},
        }
    return found


def _called_outputs(read: Read, progress: Progress, job: Tree, labels: Mapping[str, str]) -> dict[str, str]:
    path = str(job["uses"]).removeprefix("./")
    tree = workflows.mapping(path, read(path) or "")
    inner: dict[str, object] = {}
    for key, each in tree["jobs"].items():
        own = {label: state for label, state in labels.items() if progress.begun[label].key == key}
        inner[key] = {"result": _result(own), "outputs": _own_outputs(progress, each, own)}
    call = tree["on"].get("workflow_call") if isinstance(tree.get("on"), dict) else None
    outputs = call.get("outputs") if isinstance(call, dict) else None
    return _filled({name: spec.get("value", "") for name, spec in (outputs or {}).items()}, {"jobs": inner})


def _filled(templates: Mapping[str, str] | None, contexts: Mapping[str, object]) -> dict[str, str]:
    """Outputs whose expressions are filled in; one that asks for something else is left out, and so is empty."""

    def fill() -> Iterator[tuple[str, str]]:
        for name, template in (templates or {}).items():
            try:
                yield name, expressions.interpolate(template, contexts)
            except UsageError:
                continue

    return dict(fill())


def _with_stubs(text: str, had: Mapping[str, Had]) -> str:
    """A workflow's text in which the jobs that had their turn are stubs; all else stays as it is written."""
    tree = _node(text)
    below = next(value for key, value in tree.value if key.value == "jobs")
    below.value = [(key, _stub(key.value, had[key.value]) if key.value in had else job) for key, job in below.value]
    written = yaml.serialize(tree, Dumper=yaml.SafeDumper, width=math.inf, allow_unicode=True)
    return str(written)


def _stub(key: str, had: Had) -> yaml.Node:
    tree = {
        "name": f"{STUB}-{key}",
        "runs-on": "ubuntu-latest",
        "if": "${{ false }}" if had.result == results.SKIPPED else "${{ true }}",
        "outputs": {name: _literal(value) for name, value in had.outputs.items()},
        "steps": [
            # The workflow's own defaults may name a folder that is only there after a checkout.
            {"run": f"exit {int(had.result == results.FAILURE)}", "shell": "bash", "working-directory": "."}
        ],
    }
    return _node(yaml.safe_dump(tree))


def _node(text: str) -> yaml.MappingNode:
    """The mapping that a YAML text holds, each scalar as it is written."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise UsageError("a workflow is a mapping", next_step="actionlint says more")
    return node


def _literal(value: str) -> str:
    """Text as an expression that comes to it, whatever it holds."""
    return "${{ '" + value.replace("'", "''") + "' }}"
