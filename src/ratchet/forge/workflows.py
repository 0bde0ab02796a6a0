"""Workflow files as the forge reads them: their names, what starts them, their inputs, their jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ratchet.errors import UsageError
from ratchet.forge import tickets, triggers
from ratchet.forge.triggers import Tree, Trigger

FOLDER = ".github/workflows"
ENDINGS = (".yaml", ".yml")

Read = Callable[[str], str | None]
"""The text of a file by its path from the repository's root, or None if there is no such file."""


@dataclass(frozen=True, kw_only=True)
class Concurrency:
    """A workflow's `concurrency`, as it is written: both may hold expressions. No group means that it has none."""

    group: str = ""
    cancel: str = "false"


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """One workflow file; `path` is relative to the repository's root, `title` its `name:`."""

    path: str
    title: str
    triggers: Mapping[str, Trigger]
    jobs: Mapping[str, Tree]
    concurrency: Concurrency = field(default_factory=Concurrency)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return Path(self.path).stem

    @property
    def calls(self) -> bool:
        """Whether one of its jobs calls another workflow of the repository."""
        return any(str(job.get("uses", "")).startswith(f"./{FOLDER}/") for job in self.jobs.values())


def is_workflow(path: str) -> bool:
    """Whether a path from the repository's root is that of a workflow file."""
    folder, _, name = path.rpartition("/")
    return folder == FOLDER and name.endswith(ENDINGS)


def files(source: Path) -> list[str]:
    """The workflow files below `source`, as paths relative to it, in name order."""
    found = (path.relative_to(source).as_posix() for path in (source / FOLDER).glob("*"))
    return sorted(path for path in found if is_workflow(path))


def below(source: Path) -> Read:
    """A reader of the files below a folder."""

    def read(path: str) -> str | None:
        file = source / path
        return file.read_text(encoding="utf-8") if file.is_file() else None

    return read


def parse(path: str, text: str) -> Workflow:
    """Read one workflow file. Raises UsageError if it is not one."""
    tree = mapping(path, text)
    jobs = tree.get("jobs")
    if not isinstance(jobs, dict) or not jobs or not all(isinstance(job, dict) for job in jobs.values()):
        raise _unreadable(path, "it names no jobs")
    for key, job in jobs.items():
        check_steps(f"{path}: job {key}", job.get("steps", []))
    return Workflow(
        path=path,
        title=str(tree.get("name") or path),
        triggers=triggers.read(path, tree.get("on")),
        jobs=jobs,
        concurrency=_concurrency(path, tree.get("concurrency")),
    )


def check_inputs(workflow: Workflow, given: Mapping[str, str]) -> None:
    """Raise UsageError unless `workflow` may be started by hand with these inputs."""
    known = specified(workflow)
    if known is None:
        raise UsageError(f"{workflow.path} has no workflow_dispatch", next_step="add it to the workflow's on:")
    if unknown := sorted(set(given) - set(known)):
        names = ", ".join(known) or "none"
        raise UsageError(f"{workflow.path} has no input {unknown[0]}", next_step=f"its inputs are: {names}")
    for name, spec in known.items():
        if spec.get("required") == "true" and not spec.get("default") and not given.get(name):
            raise UsageError(f"{workflow.path} needs the input {name}", next_step=f"say it: --input {name}=...")
        if name in given:
            _check_value(f"{workflow.path}: {name}", given[name], _options(spec))


def inputs(workflow: Workflow, given: Mapping[str, str]) -> dict[str, Any]:
    """The `inputs` context of a workflow that was started by hand: what is given, else defaults, in their types."""
    return {
        name: _typed(spec.get("type", "string"), given.get(name, spec.get("default", "")))
        for name, spec in (specified(workflow) or {}).items()
    }


def specified(workflow: Workflow) -> dict[str, Tree] | None:
    """The inputs that `workflow_dispatch` takes, by name; None where nobody may start the workflow by hand."""
    trigger = workflow.triggers.get(tickets.DISPATCH)
    if trigger is None:
        return None
    return {name: spec if isinstance(spec, dict) else {} for name, spec in (trigger.inputs or {}).items()}


def mapping(path: str, text: str) -> Tree:
    """A YAML file that must hold a mapping, with text for every scalar. Raises UsageError if it does not."""
    try:
        tree = yaml.BaseLoader(text).get_single_data()
    except yaml.YAMLError as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(tree, dict):
        raise _unreadable(path, "it is not a mapping")
    return tree


def check_steps(where: str, steps: object) -> None:
    """Raise UsageError unless `steps` is a list of mappings."""
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise UsageError(f"{where}: its steps are no list of steps", next_step="actionlint says more")


def _options(spec: Tree) -> Iterable[str]:
    return ("true", "false") if spec.get("type") == "boolean" else spec.get("options", ())


def _check_value(what: str, value: str, options: Iterable[str]) -> None:
    if options and value not in options:
        raise UsageError(f"{what} cannot be {value!r}", next_step=f"one of: {', '.join(options)}")


def _typed(kind: str, value: str) -> bool | str:
    return value == "true" if kind == "boolean" else value


def _concurrency(path: str, value: object) -> Concurrency:
    if value is None or value == "":
        return Concurrency()
    if isinstance(value, str):
        return Concurrency(group=value)
    if not isinstance(value, dict) or not value.get("group"):
        raise _unreadable(path, "concurrency is a group's name, or a mapping with one")
    return Concurrency(group=str(value["group"]), cancel=str(value.get("cancel-in-progress", "false")))


def _unreadable(path: str, why: str) -> UsageError:
    return UsageError(f"{path} is not a workflow or an action: {why}", next_step="actionlint says more")
