"""Lineage: from which batches and which commit, by which run and which decision, which version, and when it served.

It is asked for from any end (a batch, a commit, a run, a version) and gives all the others. What belongs together is
one run's: everything else hangs on it. It is told by the ledger alone, which no one can edit; what the ledger does not
say (predictions, rows, runs that were never registered) is found by `flows.lineage` and put beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from pydantic import Field

from ratchet.core.ledger_entries import Entry, Line, OpinionEntry, PhaseEntry, RegistrationEntry
from ratchet.core.section import Section

End = Literal["prediction", "version", "run", "commit", "batch", "row"]
ENDS: tuple[End, ...] = ("prediction", "version", "run", "commit", "batch", "row")
"""What somebody may have in hand."""

SHORTEST_PREFIX = 4
"""As git: fewer characters of a hash are more likely a number."""
VERSION = re.compile(r"v?(\d{1,9})", re.ASCII)
PREFIX = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},64}}")


class UsedBatch(Section):
    """A batch and what it was used for: `raw` and `features` are its digests, empty where they are not known.

    `erased` says since when its data is gone and by whom; empty: it is not.
    """

    name: str
    raw: str
    features: str
    trained: bool
    judged: bool
    erased: str = ""


class Service(Section):
    """A time in which a version served, from one entry of the ledger to the next; `until` None: it serves."""

    since: str
    until: str | None
    kind: Literal["promotion", "rollback"]
    actor: str
    reason: str
    sequence: int


class Word(Section):
    """What was said about a version on its way: by a person, or by the rows of a phase."""

    kind: str
    actor: str
    time: str
    reason: str


class Answered(Section):
    """How much a version has answered, as champion and in a canary, by the log of predictions."""

    requests: int
    rows: int
    first: str
    last: str


class Descent(Section):
    """All that hangs on one run; `version` is None for one that was never registered."""

    run_id: str
    fingerprint: str
    model_digest: str = ""
    commit: str = ""
    batches: tuple[UsedBatch, ...] = ()
    verdict: str = ""
    decided: str = ""
    decision_digest: str = ""
    policy: str = ""
    compared_with: int | None = None
    version: int | None = None
    registered: str = ""
    authors: tuple[str, ...] = ()
    words: tuple[Word, ...] = ()
    services: tuple[Service, ...] = ()
    metrics: dict[str, float] = Field(default_factory=dict)
    manifest: str = ""
    signed_by: str = ""
    answered: Answered | None = None


class CommitFacts(Section):
    """What git says of a commit; `parts` are git's names of the content of what decided the run, by path."""

    commit: str
    author: str
    time: str
    subject: str
    parts: dict[str, str]


class Asked(Section):
    """The end that somebody had in hand, by its full name, and what else is known about it."""

    end: End
    name: str
    note: str = ""


class Lineage(Section):
    """The answer: every descent that the end is part of, oldest first; commits by hash, as far as git has them.

    `earlier` counts older descents that were left out.
    """

    model: str
    asked: Asked
    descents: tuple[Descent, ...]
    earlier: int = 0
    commits: dict[str, CommitFacts] = Field(default_factory=dict)


@dataclass
class Told:
    """What the ledger says about one run."""

    run_id: str
    registered: RegistrationEntry | None = None
    changes: list[tuple[Entry, str | None]] = field(default_factory=list)
    said: list[OpinionEntry | PhaseEntry] = field(default_factory=list)

    @property
    def source(self) -> RegistrationEntry | Entry:
        """The entry that has the facts that all of them share."""
        return self.registered or self.changes[0][0]

    @property
    def batches(self) -> set[str]:
        """The names of the batches behind it."""
        judged = (*self.registered.batches, *self.registered.judged_on) if self.registered else ()
        return {*self.source.trained_on, *judged}


def told_by(entries: Iterable[Line], model: str, left: Mapping[int, str] | None = None) -> dict[str, Told]:
    """What entries say of each run of a model, in the order in which they first appear.

    `left` has the time at which what an entry put into service was replaced, by the entry's number; one that is not
    there serves. Without it the entries are the whole ledger, which says it itself.
    """
    found: dict[str, Told] = {}
    by_version: dict[int, Told] = {}
    changes: list[Entry] = []
    for entry in entries:
        if entry.model != model:
            continue
        if isinstance(entry, RegistrationEntry | Entry):
            told = by_version.setdefault(entry.version, found.setdefault(entry.run_id, Told(entry.run_id)))
            if isinstance(entry, Entry):
                changes.append(entry)
            else:
                told.registered = told.registered or entry
        elif isinstance(entry, OpinionEntry | PhaseEntry) and entry.version in by_version:
            by_version[entry.version].said.append(entry)
    ends_of = {before.sequence: after.time for before, after in pairwise(changes)} if left is None else left
    for change in changes:
        by_version[change.version].changes.append((change, ends_of.get(change.sequence)))
    return {run: told for run, told in found.items() if told.registered or told.changes}


def ends(told: Iterable[Told], text: str) -> list[Asked]:
    """What `text` can be, by the ledger: a version (`7`, `v7`), a run or a commit (or how it begins), a batch."""
    version, prefix = VERSION.fullmatch(text), PREFIX.fullmatch(text.lower())
    found: dict[tuple[End, str], None] = {}
    for each in told:
        source = each.source
        if version and source.version == int(version[1]):
            found["version", str(source.version)] = None
        if prefix and each.run_id.startswith(prefix[0]):
            found["run", each.run_id] = None
        if prefix and source.commit.startswith(prefix[0]):
            found["commit", source.commit] = None
        if text in each.batches:
            found["batch", text] = None
    return [Asked(end=end, name=name) for end, name in found]


def has(told: Told, end: End, name: str) -> bool:
    """Whether an end, by its full name, is part of this run's lineage."""
    match end:
        case "version":
            return told.source.version == int(name)
        case "run":
            return told.run_id == name
        case "commit":
            return told.source.commit == name
        case "batch":
            return name in told.batches
        case _:
            return False


def versions(descents: Iterable[Descent]) -> set[int]:
    """The versions that were registered of them."""
    return {each.version for each in descents if each.version is not None}
