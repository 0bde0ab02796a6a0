"""Workflow files as the forge reads them: what starts them, what they use, and what cannot run on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ratchet.errors import UsageError
from ratchet.forge.filters import PushFilter

FOLDER = ".github/workflows"
LABELS = ("ubuntu-latest", "ubuntu-24.04")
"""The `runs-on` labels that this machine stands for."""

Tree = dict[str, Any]
"""A YAML mapping whose scalars are all text: `on` stays `on`, `1.10` stays `1.10`."""


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """One workflow file; `path` is relative to the repository's root."""

    path: str
    push: PushFilter | None
    inputs: Mapping[str, Tree] | None
    jobs: Mapping[str, Tree]

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return Path(self.path).stem

    @property
    def job_names(self) -> tuple[str, ...]:
        """What the jobs are called in logs, in the file's order."""
        return tuple(job.get("name") or key for key, job in self.jobs.items())


@dataclass(frozen=True, kw_only=True)
class Use:
    """One `uses:` of a third party's action: `owner/repository`, the folder in it, the version, the keys of `with`."""

    repository: str
    folder: str
    version: str
    keys: tuple[str, ...]
    where: str


def files(source: Path) -> list[str]:
    """The workflow files below `source`, as paths relative to it, in name order."""
    found = (path for pattern in ("*.yaml", "*.yml") for path in (source / FOLDER).glob(pattern))
    return sorted(path.relative_to(source).as_posix() for path in found)


def parse(path: str, text: str) -> Workflow:
    """Read one workflow file. Raises UsageError if it is not one."""
    tree = _tree(path, text)
    triggers = _triggers(path, tree.get("on"))
    jobs = tree.get("jobs")
    if not isinstance(jobs, dict) or not all(isinstance(job, dict) for job in jobs.values()):
        raise _unreadable(path, "it names no jobs")
    push = _push_filter(path, triggers["push"]) if "push" in triggers else None
    dispatch = triggers.get("workflow_dispatch")
    inputs = None if "workflow_dispatch" not in triggers else _mapping(_mapping(dispatch).get("inputs"))
    return Workflow(path=path, push=push, inputs=inputs, jobs=jobs)


def check_inputs(workflow: Workflow, given: Mapping[str, str]) -> None:
    """Raise UsageError unless `workflow` may be started by hand with these inputs."""
    if workflow.inputs is None:
        raise UsageError(f"{workflow.path} has no workflow_dispatch", next_step="add it to the workflow's on:")
    if unknown := sorted(set(given) - set(workflow.inputs)):
        known = ", ".join(workflow.inputs) or "none"
        raise UsageError(f"{workflow.path} has no input {unknown[0]}", next_step=f"its inputs are: {known}")
    for name, spec in workflow.inputs.items():
        if spec.get("required") == "true" and not spec.get("default") and not given.get(name):
            raise UsageError(f"{workflow.path} needs the input {name}", next_step=f"say it: --input {name}=...")
        if name in given and spec.get("options") and given[name] not in spec["options"]:
            options = ", ".join(spec["options"])
            raise UsageError(f"{workflow.path}: {name} cannot be {given[name]!r}", next_step=f"one of: {options}")


def check_runnable(source: Path, workflow: Workflow) -> None:
    """Raise UsageError if a job asks for a machine or a container that there is none of here.

    act would skip such a job without a word and call the run a success.
    """
    for path, key, job in _all_jobs(source, workflow.path, workflow.jobs):
        if "container" in job or "services" in job:
            raise UsageError(
                f"job {key} of {path} needs a container, and the forge runs jobs on this machine itself",
                next_step="run this workflow on GitHub, or start what it needs from its own steps",
            )
        if "uses" not in job and job.get("runs-on") not in LABELS:
            raise UsageError(
                f"job {key} of {path} runs on {job.get('runs-on')!r}, which this machine does not stand for",
                next_step=f"runs-on: {LABELS[0]}",
            )


def third_party(source: Path, workflow: Workflow) -> Iterator[Use]:
    """Every third-party action the workflow can reach, through its reusable workflows and local actions too."""
    for path, key, job in _all_jobs(source, workflow.path, workflow.jobs):
        yield from _steps(source, f"job {key} of {path}", job.get("steps", []))


def _all_jobs(source: Path, path: str, jobs: Mapping[str, Tree]) -> Iterator[tuple[str, str, Tree]]:
    for key, job in jobs.items():
        yield path, key, job
        called = str(job.get("uses", ""))
        if called.startswith("./"):
            inner = parse(called[2:], _read(source, called, path))
            yield from _all_jobs(source, inner.path, inner.jobs)
        elif called:
            raise UsageError(
                f"job {key} of {path} calls {called}, a workflow of another repository",
                next_step="the forge runs this repository's own workflows only",
            )


def _steps(source: Path, where: str, steps: list[Tree]) -> Iterator[Use]:
    for step in steps:
        used = str(step.get("uses", ""))
        if used.startswith("./"):
            yield from _local_action(source, where, used)
        elif used:
            yield _use(where, used, step)


def _local_action(source: Path, where: str, used: str) -> Iterator[Use]:
    for ending in ("yml", "yaml"):
        name = f"{used}/action.{ending}"
        if (source / name).is_file():
            runs = _mapping(_tree(name, _read(source, name, where)).get("runs"))
            yield from _steps(source, name[2:], runs.get("steps", []))
            return
    raise UsageError(f"{where} uses {used}, but there is no {used}/action.yml", next_step="add it, or mend the path")


def _use(where: str, used: str, step: Tree) -> Use:
    action, at, version = used.partition("@")
    owner, _, rest = action.partition("/")
    name, _, folder = rest.partition("/")
    if not (at and owner and name) or used.startswith("docker:"):
        raise UsageError(f"{where} uses {used}, which the forge cannot run", next_step="use owner/repository@version")
    keys = tuple(_mapping(step.get("with")))
    return Use(repository=f"{owner}/{name}", folder=folder, version=version, keys=keys, where=where)


def _push_filter(path: str, push: object) -> PushFilter:
    tree = _mapping(push)
    known = {key: _texts(tree[key]) for key in ("branches", "branches-ignore", "paths", "paths-ignore") if key in tree}
    try:
        filters = {key.replace("-", "_"): value for key, value in known.items()}
        return PushFilter(tags_named="tags" in tree or "tags-ignore" in tree, **filters)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", next_step=error.next_step) from error


def _triggers(path: str, on: object) -> Tree:
    if isinstance(on, str) and on:
        return {on: ""}
    if isinstance(on, list):
        return dict.fromkeys(on, "")
    if isinstance(on, dict):
        return on
    raise _unreadable(path, "it does not say what starts it (on:)")


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)


def _mapping(value: object) -> Tree:
    return value if isinstance(value, dict) else {}


def _read(source: Path, name: str, where: str) -> str:
    try:
        return (source / name).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{where} uses {name}, which cannot be read", next_step="add it, or mend the path") from error


def _tree(path: str, text: str) -> Tree:
    try:
        tree = yaml.BaseLoader(text).get_single_data()
    except yaml.YAMLError as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(tree, dict):
        raise _unreadable(path, "it is not a mapping")
    return tree


def _unreadable(path: str, why: str) -> UsageError:
    return UsageError(f"{path} is not a workflow or an action: {why}", next_step="actionlint says more")
