"""How long stages took: of the last run here, and as the commits that published a lock say.

A stage appends a line to the file that RATCHET_TIMINGS names (`ratchet.stages.__main__`). After the run
`.ratchet/last_run.json` holds what it did and the digest of the `dvc.lock` it led to. The commit that publishes that
lock has a trailer, `Stage-seconds: evaluate=3.0 train=12.1`, so that other clones know what their cache saved.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, ValidationError

from ratchet.core.params import Section
from ratchet.io import files, layout
from ratchet.io.git import git_says

VARIABLE = "RATCHET_TIMINGS"
LINES = ".ratchet/timings.jsonl"
LAST_RUN = ".ratchet/last_run.json"
TRAILER = "Stage-seconds"
COMMITS = 100
"""How many commits with a lock are asked: each stage has run in one of them, or nobody remembers how long it took."""
PAIR = re.compile(r"(?P<stage>[A-Za-z0-9_@.-]+)=(?P<seconds>\d{1,9}(\.\d{1,3})?)")


class LastRun(Section):
    """`.ratchet/last_run.json`: what the last run did that had something to do."""

    lock: str = Field(description="SHA-256 of the dvc.lock that it led to")
    whole: bool = Field(description="false: a stage ended early, and the next run goes on from there")
    seconds: dict[str, float] = Field(description="by stage that was computed")
    restored: list[str] = Field(description="stages whose outputs came from the run cache")
    last: dict[str, float] = Field(description="how long each stage last took here, whichever run computed it")


class Stopwatch:
    """The seconds of the stages that ended well since it was started."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seconds(self) -> dict[str, float]:
        """What the stages have said so far; a line that was cut short is left out."""
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        return dict(filter(None, map(_parsed, lines)))


@contextmanager
def stopwatch(root: Path) -> Iterator[Stopwatch]:
    """While the block runs, stages of this process's pipelines say how long they took."""
    path = root / LINES
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.environ[VARIABLE] = str(path)
    try:
        yield Stopwatch(path)
    finally:
        del os.environ[VARIABLE]
        path.unlink(missing_ok=True)


def read_last_run(root: Path) -> LastRun | None:
    """What the last run here did; None if there was none."""
    try:
        return LastRun.model_validate_json((root / LAST_RUN).read_bytes())
    except (OSError, ValidationError):
        return None


def run_of_lock(root: Path) -> LastRun | None:
    """What the last run here did if the `dvc.lock` that is here is the one it led to, else None."""
    found = read_last_run(root)
    return found if found and found.lock == lock_digest(root) else None


def lock_digest(root: Path) -> str:
    """SHA-256 of `dvc.lock`; empty if there is none."""
    path = root / layout.LOCK
    return files.digest(path) if path.is_file() else ""


def write_last_run(
    root: Path, *, seconds: Mapping[str, float], restored: Sequence[str], whole: bool, goes_on: LastRun | None
) -> LastRun:
    """Remember a run. `goes_on` is the run that ended early and that it completed, if it did: both count as one."""
    earlier = read_last_run(root)
    run = LastRun(
        lock=lock_digest(root),
        whole=whole,
        seconds={**(goes_on.seconds if goes_on else {}), **seconds},
        restored=[*(name for name in (goes_on.restored if goes_on else ()) if name not in seconds), *restored],
        last={**(earlier.last if earlier else {}), **seconds},
    )
    files.write_json(root / LAST_RUN, run.model_dump())
    return run


def trailer(root: Path) -> str:
    """The last line of a message of the commit that publishes `dvc.lock`; empty if nothing was computed for it here.

    Written with one decimal: 'Stage-seconds: evaluate=3.0 train=12.1'.
    """
    run = run_of_lock(root)
    if run is None or not run.seconds:
        return ""
    return f"{TRAILER}: {' '.join(f'{stage}={seconds:.1f}' for stage, seconds in run.seconds.items())}"


def last_seconds(root: Path) -> dict[str, float]:
    """How long each stage last took: here, or else as the newest commit says that computed it."""
    said = git_says(
        ["log", f"-{COMMITS}", f"--format=%(trailers:key={TRAILER},valueonly)", "HEAD", "--", layout.LOCK], cwd=root
    )
    earlier = read_last_run(root)
    return {**parse_trailers(said or ""), **(earlier.last if earlier else {})}


def parse_trailers(text: str) -> dict[str, float]:
    r"""The seconds by stage in trailers' values, one a line and the newest first; other words are skipped.

    >>> parse_trailers("train=12.1 evaluate=3.0\n\ntrain=99.0 gate=0.5")
    {'train': 12.1, 'evaluate': 3.0, 'gate': 0.5}
    """
    found: dict[str, float] = {}
    for word in text.split():
        if match := PAIR.fullmatch(word):
            found.setdefault(match["stage"], float(match["seconds"]))
    return found


def _parsed(line: str) -> tuple[str, float] | None:
    try:
        entry = json.loads(line)
        return str(entry["stage"]), float(entry["seconds"])
    except (ValueError, KeyError, TypeError):
        return None
