"""The jobs that a workflow comes down to, through the workflows it calls: what they run on, use, wait for, may take.

What act would skip without a word, or do otherwise than GitHub, is an error here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ratchet.errors import UsageError
from ratchet.forge import expressions, workflows
from ratchet.forge.triggers import Tree
from ratchet.forge.workflows import Read, Workflow

LABELS = ("ubuntu-latest", "ubuntu-24.04")
"""The `runs-on` labels that this machine stands for."""

DEFAULT_MINUTES = 360.0
"""GitHub's limit for a job that names none."""

EXPRESSION = "${{"
NESTED = 10
"""How deep workflows may call each other; GitHub's limit, and the end of a circle."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job: the file it stands in, its key there, and what it is called in logs, `Train / Fit`."""

    path: str
    key: str
    label: str
    tree: Tree

    @property
    def where(self) -> str:
        """The job in a message."""
        return f"job {self.key} of {self.path}"

    @property
    def calls(self) -> bool:
        """Whether it only calls another workflow."""
        return "uses" in self.tree

    @property
    def minutes(self) -> float:
        """How long it may take. Raises UsageError if that is not a number."""
        words = str(self.tree.get("timeout-minutes", DEFAULT_MINUTES))
        try:
            return float(words)
        except ValueError as error:
            raise UsageError(
                f"{self.where}: timeout-minutes is {words!r}, and the forge reads numbers only",
                next_step="write the number of minutes",
            ) from error

    @property
    def environment(self) -> str:
        """The environment it names, or nothing; an expression as it is written."""
        named = self.tree.get("environment", "")
        return str(named.get("name", "")) if isinstance(named, dict) else str(named)


@dataclass(frozen=True, kw_only=True)
class Use:
    """One `uses:` of a third party's action: `owner/repository`, the folder in it, the version, the keys of `with`."""

    repository: str
    folder: str
    version: str
    keys: tuple[str, ...]
    where: str


def every(read: Read, workflow: Workflow) -> Iterator[Job]:
    """Every job of a workflow and of those it calls. Raises UsageError for a call that cannot be followed."""
    yield from _jobs(read, workflow, "", NESTED)


def check_runnable(read: Read, workflow: Workflow) -> None:
    """Raise UsageError if a job asks for what this machine is not or what the forge does not do."""
    for job in every(read, workflow):
        _check_machine(job)
        if "concurrency" in job.tree:
            raise UsageError(
                f"{job.where} has a concurrency of its own, and the forge knows that of whole workflows only",
                next_step="put concurrency at the top of the workflow",
            )
        _ = job.minutes


def third_party(read: Read, workflow: Workflow) -> Iterator[Use]:
    """Every third-party action the workflow can reach, through its reusable workflows and local actions too."""
    for job in every(read, workflow):
        yield from _steps(read, job.where, job.tree.get("steps", []))


def environments(read: Read, workflow: Workflow) -> tuple[str, ...]:
    """The environments that jobs name, in order, each once."""
    return tuple(dict.fromkeys(job.environment for job in every(read, workflow) if job.environment))


def labels(key: str, tree: Tree) -> re.Pattern[str]:
    """What act calls a job of the workflow it runs, or if it calls a workflow, the jobs of that one: the whole label.

    The jobs of a matrix are numbered, and in a name act fills in what its expressions come to.
    """
    fixed = expressions.WHOLE.sub("\0", str(tree.get("name") or key)).split("\0")
    below = " / .*" if "uses" in tree else ""
    return re.compile(rf"{'.*'.join(map(re.escape, fixed))}(-\d+)?{below}", re.DOTALL)


def limit(known: Sequence[Job], label: str, key: str) -> float:
    """How many minutes the job that act calls `label`, and its file `key`, may take.

    act numbers the jobs of a matrix, `Fit-2`, and fills in names that hold expressions; then the key alone tells.
    """
    own = [job for job in known if job.key == key and not job.calls]
    named = [job for job in own if label == job.label or label.startswith(f"{job.label}-")]
    return max((job.minutes for job in named or own), default=DEFAULT_MINUTES)


def _check_machine(job: Job) -> None:
    if "container" in job.tree or "services" in job.tree:
        raise UsageError(
            f"{job.where} needs a container, and the forge runs jobs on this machine itself",
            next_step="run this workflow on GitHub, or start what it needs from its own steps",
        )
    if not job.calls and job.tree.get("runs-on") not in LABELS:
        raise UsageError(
            f"{job.where} runs on {job.tree.get('runs-on')!r}, which this machine does not stand for",
            next_step=f"runs-on: {LABELS[0]}",
        )


def _jobs(read: Read, workflow: Workflow, prefix: str, depth: int) -> Iterator[Job]:
    for key, tree in workflow.jobs.items():
        job = Job(path=workflow.path, key=key, label=f"{prefix}{tree.get('name') or key}", tree=tree)
        yield job
        if job.calls:
            yield from _jobs(read, _called(read, job, depth), f"{job.label} / ", depth - 1)


def _called(read: Read, job: Job, depth: int) -> Workflow:
    called = str(job.tree["uses"])
    if not called.startswith("./"):
        raise UsageError(
            f"{job.where} calls {called}, a workflow of another repository",
            next_step="the forge runs this repository's own workflows only",
        )
    text = read(called[2:])
    if text is None:
        raise UsageError(f"{job.where} calls {called}, which cannot be read", next_step="add it, or mend the path")
    if not depth:
        raise UsageError(f"{job.where} calls {called}, {NESTED} calls deep", next_step="workflows may call no circle")
    return workflows.parse(called[2:], text)


def _steps(read: Read, where: str, steps: list[Tree], depth: int = NESTED) -> Iterator[Use]:
    for step in steps:
        used = str(step.get("uses", ""))
        if used.startswith("./") and depth:
            yield from _local_action(read, where, used, depth - 1)
        elif used:
            yield _use(where, used, step)


def _local_action(read: Read, where: str, used: str, depth: int) -> Iterator[Use]:
    for ending in ("yml", "yaml"):
        path = (Path(used) / f"action.{ending}").as_posix()
        if (text := read(path)) is not None:
            runs = workflows.mapping(path, text).get("runs")
            steps = runs.get("steps", []) if isinstance(runs, dict) else []
            workflows.check_steps(path, steps)
            yield from _steps(read, path, steps, depth)
            return
    raise UsageError(f"{where} uses {used}, but there is no {used}/action.yml", next_step="add it, or mend the path")


def _use(where: str, used: str, step: Mapping[str, object]) -> Use:
    action, at, version = used.partition("@")
    owner, _, rest = action.partition("/")
    name, _, folder = rest.partition("/")
    if not (at and owner and name) or used.startswith("docker:"):
        raise UsageError(f"{where} uses {used}, which the forge cannot run", next_step="use owner/repository@version")
    given = step.get("with")
    keys = tuple(given) if isinstance(given, dict) else ()
    return Use(repository=f"{owner}/{name}", folder=folder, version=version, keys=keys, where=where)
