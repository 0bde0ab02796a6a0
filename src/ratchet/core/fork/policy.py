"""When the numbers of a fork's pull request may be shown: it must not touch what decides how it is judged.

Closed by default: a file is a reason against it unless it is known to have no say. The run that made the numbers was
the pull request's own workflow with its own machine, and a change to either could have made them anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.core.fork.hostile_text import shown

PARAMS = "params.yaml"
JUDGING = ("project", "split", "evaluate", "gate", "promotion")
"""Sections of params.yaml: what is predicted, which rows judge, what it costs, by what rule, and what becomes of it."""

DECIDERS = {
    ".github/": "the workflows and what they run",
    ".gitattributes": "how files are merged and checked out",
    ".gitmodules": "code from elsewhere",
    ".ci/": "what tests run",
    ".dvc/": "where data and results come from",
    ".dvcignore": "what counts as data and code",
    "Makefile": "how everything is run",
    "pyproject.toml": "which libraries compute",
    "requirements/": "which libraries compute",
    "dvc.yaml": "the pipeline",
    "dvc.lock": "results that nobody here computed",
    "data/sample/": "the rows that it is judged on",
    "data/metrics/": "results that nobody here computed",
    "data/decision.json": "results that nobody here computed",
    "data/level.json": "results that nobody here computed",
    "src/ratchet/": "the machine that judges",
}
"""Folders (with a slash) and files that decide, and what each decides."""

HARMLESS = ("benchmarks/", "demo/", "docs/", "tests/", "README.md", "LICENSE", "data/README.md")
"""What has no say in a run on the sample."""

DATA = ("data/raw/", "data/lookups/")
"""Batches: no say either, and no part of the run, which has the sample in their place."""


@dataclass(frozen=True)
class Reason:
    """One thing a pull request changes that decides how it is judged. `path` is harmless to show."""

    path: str
    why: str


def reasons(
    paths: Iterable[str],
    *,
    room: str,
    base: Mapping[str, Any] | None,
    head: Mapping[str, Any] | None,
    elsewhere: Iterable[str] = (),
) -> tuple[Reason, ...]:
    """Why the numbers of a pull request must not be shown; none means that they may be.

    `paths` are all files that it adds, changes, removes or renames, by old and new name. `room` is the package under
    `src/` that holds the features; `elsewhere` are folders, with a slash, of other projects of the repository and of
    their rooms, which no stage of this one reads. `base` and `head` are the parsed params.yaml before and after, None
    where it cannot be read.
    """
    free = (PARAMS, f"src/{room}/", *elsewhere, *HARMLESS, *DATA)
    found = [Reason(shown(path), why) for path in sorted(set(paths)) if (why := _why(path, free)) is not None]
    if PARAMS in set(paths):
        found += _sections(base, head)
    return tuple(found)


def data_files(paths: Iterable[str]) -> int:
    """How many of `paths` are data, which the sample stands in for: the numbers say nothing about them."""
    return sum(path.startswith(DATA) for path in set(paths))


def _why(path: str, free: Iterable[str]) -> str | None:
    for decider, why in DECIDERS.items():
        if _lies_at(path, decider):
            return why
    # A path that is not in its plain form could mean another one.
    plain = all(part not in ("", ".", "..") for part in path.split("/"))
    return None if plain and any(_lies_at(path, each) for each in free) else "not known to have no say"


def _lies_at(path: str, place: str) -> bool:
    return path.startswith(place) if place.endswith("/") else path == place


def _sections(base: Mapping[str, Any] | None, head: Mapping[str, Any] | None) -> list[Reason]:
    if base is None or head is None:
        return [Reason(PARAMS, "one of its two versions cannot be read")]
    return [
        Reason(f"{PARAMS}: {name}", "how models are judged") for name in JUDGING if base.get(name) != head.get(name)
    ]
