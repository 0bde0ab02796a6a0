"""Batches whose numbers were shown to people, under `gate.reuse.policy: open`: they are not fresh for anybody later on.

It is written into the alpha ledger when they are shown, once a batch. Where nobody could write it, every decision that
git knows tells it, and the last one in the work tree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from ratchet.core.alpha_ledger import Charge, Entry, holdout_of, newest_of, shown
from ratchet.core.params import Params
from ratchet.core.past import shows
from ratchet.errors import RatchetError
from ratchet.flows.clock import Clock, now, stamp
from ratchet.io import layout, sealed
from ratchet.io.alpha_branch import AlphaBranch
from ratchet.io.git import git, ledger_remote
from ratchet.io.progress import say
from ratchet.settings import Settings


def alpha_ledger(settings: Settings, params: Params) -> AlphaBranch:
    """The model's part of the alpha ledger, on the branch of its ledger."""
    remote = ledger_remote(settings.root, settings.git_remote)
    return AlphaBranch(settings.root, remote, params.promotion.branch, settings.git_token, model=params.project.name)


def note_shown(settings: Settings, params: Params, *, clock: Clock = now) -> None:
    """Write that the numbers of the batches that `data/evaluation` is of are shown.

    What cannot be written is said and is no failure: the decision tells it, once it is committed.
    """
    evaluation = json.loads((settings.root / layout.EVALUATION / "evaluation.json").read_bytes())
    try:
        _write(settings, params, evaluation["holdout"], clock)
    except RatchetError as error:
        say(f"that numbers of these rows are shown is not in the alpha ledger: {error.message}")


def find_shown(settings: Settings, params: Params, batches: Iterable[str], *, clock: Clock = now) -> None:
    """Write that these batches were shown if a decision tells it: of any branch, of a reflog, or the last one here.

    Raises ServiceFailed if it cannot be written, TamperedFile.
    """
    batch = newest_of(batches)
    if batch and any(shows(each, batch) for each in _decisions(settings.root)):
        _write(settings, params, [batch], clock)


def is_cut_off(root: Path) -> bool:
    """Whether the repository lacks older commits, so that nobody can say what they showed."""
    return git(["rev-parse", "--is-shallow-repository"], cwd=root) == "true"


def _write(settings: Settings, params: Params, batches: Iterable[str], clock: Clock) -> None:
    holdout = holdout_of(batches)

    def decide(entries: tuple[Entry, ...]) -> Charge | None:
        return shown(entries, holdout, reuse=params.gate.reuse, actor=settings.actor, time=stamp(clock()))

    alpha_ledger(settings, params).append(decide)


def _decisions(root: Path) -> Iterator[bytes]:
    """Every decision's file, the nearest first."""
    for path in (root / layout.DECISION, root / layout.SEALED / sealed.DECISION):
        if path.is_file():
            yield path.read_bytes()
    args = ["rev-list", "--all", "--reflog", "--objects", "--full-history", "--", layout.DECISION]
    for line in git(args, cwd=root).splitlines():
        name, _, path_ = line.partition(" ")
        if path_.endswith(layout.DECISION):
            yield git(["cat-file", "blob", name], cwd=root, strip=False).encode(errors="surrogateescape")
