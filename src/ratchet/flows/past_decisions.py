"""Where the decisions of the past are: in MLflow's runs, in the history of `data/decision.json`, and here."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.past import Past, read_past
from ratchet.core.tracked_run import RunRef
from ratchet.errors import ServiceFailed, UsageError
from ratchet.io import layout
from ratchet.io.git import git, git_says
from ratchet.io.mlflow import Tracking, tracking
from ratchet.io.progress import say
from ratchet.io.revision import Revision
from ratchet.io.room import read_params
from ratchet.settings import Settings

ARTIFACT = f"decision/{Path(layout.DECISION).name}"
SHORT = 9


@dataclass(frozen=True, kw_only=True)
class Found:
    """A decision with its file's SHA-256 and what is known of where it was made; empty: not known.

    `commit` is the one that holds the decision, for those of git's history.
    """

    past: Past
    digest: str
    run_id: str = ""
    commit: str = ""
    time: str = ""

    @property
    def name(self) -> str:
        """What to call it: 'run 3f2a…', 'commit 1a2b3c4d5', 'data/decision.json'."""
        if self.run_id:
            return f"run {self.run_id}"
        return f"commit {self.commit[:SHORT]}" if self.commit else layout.DECISION


def find(settings: Settings, *, run_id: str | None, at: str | None) -> Found:
    """The decision of a run, or that of a commit, or the one that is here.

    Raises UsageError if there is no such run or commit, or both are named, ServiceFailed if it holds no decision.
    """
    if run_id and at:
        raise UsageError("a run and --at name two decisions", next_step="name one of them")
    if run_id:
        return of_run(settings, run_id)
    return at_commit(settings, at) if at else here(settings)


def here(settings: Settings) -> Found:
    """The decision in the work tree. Raises ServiceFailed if there is none."""
    path = settings.root / layout.DECISION
    try:
        return _found(path.read_bytes())
    except OSError as error:
        raise ServiceFailed(f"{path} is not there", next_step="ratchet run makes it") from error


def of_run(settings: Settings, run_id: str) -> Found:
    """The decision that a run recorded. Raises UsageError if there is no such run, ServiceFailed."""
    with tracking(settings.mlflow_uri, read_params(settings.root).project.name) as store:
        return _recorded(store, store.get_run(run_id))


def at_commit(settings: Settings, ref: str) -> Found:
    """The decision that a commit holds. Raises UsageError if there is no such commit, or it holds none."""
    commit = git_says(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"], cwd=settings.root)
    if commit is None:
        raise UsageError(
            f"there is no commit {ref!r}", next_step="git log names them; git fetch brings those of others"
        )
    found = _committed(settings.root, commit)
    if found is None:
        raise UsageError(
            f"commit {commit[:SHORT]} has no {layout.DECISION}",
            next_step=f"git log -- {layout.DECISION} names those that have",
        )
    return found


def newest(settings: Settings, last: int | None = None) -> tuple[Found, ...]:
    """The decisions of all runs, or of the `last` ones, newest first; of git's history where MLflow has no run.

    Raises ServiceFailed.
    """
    try:
        with tracking(settings.mlflow_uri, read_params(settings.root).project.name) as store:
            if runs := store.finished(last):
                return tuple(_recorded(store, run) for run in runs)
    except ServiceFailed as error:
        say(f"{error.message}; the history of {layout.DECISION} is read instead")
    return tuple(_history(settings.root, last))


def commit_of(root: Path, found: Found) -> str:
    """The commit, of any branch, that first held a decision with this seal; empty if there is none."""
    if found.commit:
        return found.commit
    seal = found.past.decision.seal if found.past.decision else None
    if seal is None:
        return ""
    told = git_says(["log", "--all", f"-S{seal.decision}", "--format=%H", "--", layout.DECISION], cwd=root)
    return (told or "").rpartition("\n")[2]


def _history(root: Path, last: int | None) -> Iterator[Found]:
    limit = [] if last is None else [f"--max-count={last}"]
    commits = git(["log", *limit, "--format=%H", "--", layout.DECISION], cwd=root).split()
    for commit in commits:
        if found := _committed(root, commit):
            yield found


def _committed(root: Path, commit: str) -> Found | None:
    if not Revision(root, commit).files(layout.DECISION):
        return None
    text = git(["cat-file", "blob", f"{commit}:./{layout.DECISION}"], cwd=root, strip=False)
    time = git(["show", "--no-patch", "--format=%cI", commit], cwd=root)
    return _found(text.encode(errors="surrogateescape"), commit=commit, time=time)


def _recorded(store: Tracking, run: RunRef) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        content = store.fetch(run.run_id, ARTIFACT, Path(folder)).read_bytes()
    return _found(content, run_id=run.run_id, time=run.time)


def _found(content: bytes, *, run_id: str = "", commit: str = "", time: str = "") -> Found:
    digest = hashlib.sha256(content).hexdigest()
    return Found(past=read_past(content), digest=digest, run_id=run_id, commit=commit, time=time)
