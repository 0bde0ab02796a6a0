"""Erasing batches: written into the ledger first, then taken away wherever this machine knows them to be.

Killed at any point, the same command once more goes on: what the ledger says already is not said again, and what is
gone is passed over. In another clone it takes away what that one has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ratchet.core.deliveries import without_late
from ratchet.core.erasure import Contents, digests_in, erased_contents, erasures, joined, made_of, not_yet_erased
from ratchet.core.ledger import champion, models
from ratchet.core.ledger_entries import Erase, EraseEntry, Line
from ratchet.errors import ServiceFailed, UsageError, did_you_mean
from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.ledger import ledger
from ratchet.flows.permission import require_role
from ratchet.flows.reason import require_reason
from ratchet.io import dvc, erasing
from ratchet.io.batch_objects import BatchObjects, tracked_ever
from ratchet.io.batches import RawBatches, check_batch_name
from ratchet.io.erasing import Traces
from ratchet.io.object_stores import ObjectStores
from ratchet.io.pointers import tracked_digests
from ratchet.io.refused import kept_names
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which batches (none: all that the ledger says were erased), why, and whether only to say what would go."""

    batches: tuple[str, ...] = ()
    reason: str = ""
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What was taken away, or would be. `entries` say so in the ledger, `new` is the one that this call wrote.

    `trained` and `judged` are the versions made of the batches, `serving` is the one that serves; `late` are tracked
    batches of rows that came late for these.
    """

    batches: tuple[str, ...]
    traces: Traces
    entries: tuple[EraseEntry, ...]
    new: EraseEntry | None
    trained: tuple[int, ...]
    judged: tuple[int, ...]
    serving: int | None
    late: tuple[str, ...]


def erase(settings: Settings, wish: Wish, *, clock: Clock = now) -> Erased:
    """Write into the ledger that batches are erased, then take them away; a second time nothing is written again.

    Raises UsageError without a reason or for a batch that nobody knows, PromotionRefused if whoever acts may not, and
    ServiceFailed if the ledger or DVC's remote does not do its part: the same command goes on later.
    """
    params = read_params(settings.root)
    if wish.batches and not wish.dry_run:
        require_reason("erasing", wish.reason)
        require_role(settings, params, "erase")
    task, branch = _Task(settings=settings, model=params.project.name, wish=wish, clock=clock), ledger(settings, params)
    entries = branch.read()
    contents = task.contents(entries)
    new = None
    with task.finder(entries, contents) as finder:
        holding, leaving = finder.holding(contents), task.leaving(contents)
        there = erasing.traces(finder, holding, leaving)
        if not wish.dry_run:
            new = branch.append_unless(lambda known: task.event(known, contents), EraseEntry)
            erasing.erase(finder, holding, leaving)
    return task.told(branch.read(), contents, there, new)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What is asked, of which model, by whom and when."""

    settings: Settings
    model: str
    wish: Wish
    clock: Clock

    def contents(self, entries: Sequence[Line]) -> Contents:
        """Every content that each batch ever had, by git and by the ledger. Raises UsageError for one without any."""
        known = erased_contents(entries, self.model)
        if not self.wish.batches:
            return known
        names = tuple(dict.fromkeys(map(check_batch_name, self.wish.batches)))
        ever = {name: tracked_ever(self.settings.root, name) for name in names}
        found = joined(ever, {name: known.get(name, ()) for name in names})
        for name in names:
            if not found[name]:
                raise _unknown(self.settings, name)
        return found

    @contextmanager
    def finder(self, entries: Sequence[Line], contents: Contents) -> Iterator[BatchObjects]:
        """Who looks for rows in DVC's cache and remote. Raises ServiceFailed where one of them fails."""
        erased = {name: erased_contents(entries, name) for name in models(entries)}
        erased[self.model] = joined(erased.get(self.model, {}), contents)
        root = self.settings.root
        try:
            with dvc.project(root, self.settings.dvc_remote) as repo:
                yield BatchObjects(root=root, model=self.model, stores=ObjectStores(repo), erased=erased)
        except (OSError, NotImplementedError) as error:
            # A remote over HTTP takes nothing away, for one.
            raise ServiceFailed(
                f"not everything was taken away: {error or type(error).__name__}",
                next_step="mend that; then the same command goes on",
            ) from error

    def leaving(self, contents: Contents) -> tuple[str, ...]:
        """The batches that leave the work tree: those that were named; else those that did not come again cleaned."""
        here = tracked_digests(self.settings.root)
        cleaned = {name for name, digests in contents.items() if name in here and here[name] not in digests}
        return tuple(name for name in contents if self.wish.batches or name not in cleaned)

    def event(self, entries: tuple[Line, ...], contents: Contents) -> Erase | None:
        """What the ledger has to say that it does not say yet."""
        new = not_yet_erased(contents, erasures(entries, self.model))
        if not new:
            return None
        trained, judged = made_of(entries, self.model, new)
        return Erase(
            model=self.model, actor=self.settings.actor, time=stamp(self.clock()), reason=self.wish.reason.strip(),
            batches=new, trained=trained, judged=judged,
        )  # fmt: skip

    def told(self, entries: Sequence[Line], contents: Contents, there: Traces, new: EraseEntry | None) -> Erased:
        """The answer."""
        known, serving = erasures(entries, self.model), champion(entries, self.model)
        said = {known[digest].sequence: known[digest] for digest in digests_in(contents) if digest in known}
        trained, judged = made_of(entries, self.model, contents)
        others = (name for name in tracked_digests(self.settings.root) if name not in contents)
        return Erased(
            batches=tuple(contents), traces=there, entries=tuple(said.values()), new=new, trained=trained,
            judged=judged, serving=serving.version if serving else None,
            late=tuple(name for name in others if without_late(name) in contents),
        )  # fmt: skip


def _unknown(settings: Settings, name: str) -> UsageError:
    if name in RawBatches(settings.root).names():
        return UsageError(
            f"batch {name} was never tracked: nobody else has it", next_step=f"remove the folder data/raw/{name}"
        )
    if name in kept_names(settings.root):
        return UsageError(
            f"batch {name} was refused, and is kept on this machine alone",
            next_step=f"remove the folder data/refused/{name}",
        )
    near = did_you_mean(name, tracked_digests(settings.root))
    return UsageError(
        f"neither git nor the ledger knows a batch {name}{near}",
        next_step="ratchet data list; in a clone without its history: git fetch --unshallow",
    )
