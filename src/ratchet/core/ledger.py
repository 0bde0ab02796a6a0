"""The ledger's rules: an append-only chain of what was put into service, by whom, on what evidence.

The file is JSON lines, one entry a line; each entry carries the SHA-256 of the one before it, so that an edited,
dropped or reordered line is found. What serves is what the last promotion or rollback of a model names.

Its clock never goes back: an entry of a machine whose clock is behind gets the time of the entry before it, so that
what served at a moment has one answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import overload

from ratchet.core import chain
from ratchet.core.chain import GENESIS, START, Place, linked
from ratchet.core.ledger_entries import LINE, PLACED, Change, Entry, Event, Line
from ratchet.errors import ChampionChanged, PromotionRefused

__all__ = [
    "BROKEN",
    "GENESIS",
    "NAME",
    "append",
    "champion",
    "champion_at",
    "dump",
    "load",
    "models",
    "not_loading",
    "of_model",
    "rollback_target",
    "served",
    "withdrawn",
]

NAME = "ledger"
BROKEN = "compare the ledger branch with another clone; nothing is served or promoted on a broken chain"
"""What to do when the chain does not hold."""


@overload
def append(entries: Sequence[Line], event: Change) -> Entry: ...
@overload
def append(entries: Sequence[Line], event: Event) -> Line: ...
def append(entries: Sequence[Line], event: Event) -> Line:
    """The entry that follows the last one. Raises ChampionChanged if a change replaces what does not serve."""
    if isinstance(event, Change):
        _require_champion(entries, event)
    body = event.model_dump()
    if entries and datetime.fromisoformat(entries[-1].time) > datetime.fromisoformat(event.time):
        body["time"] = entries[-1].time
    placed: Line = linked(PLACED[type(event)], entries, body)  # type: ignore[assignment]  # the table pairs them
    return placed


def _require_champion(entries: Sequence[Line], change: Change) -> None:
    serving = champion(entries, change.model)
    if change.replaces != (serving.version if serving else None):
        raise ChampionChanged(
            f"the ledger says version {serving.version if serving else 'none'} serves, "
            f"but the change replaces version {change.replaces or 'none'}",
            next_step="evaluate again against the version that serves: ratchet run",
        )


def models(entries: Iterable[Line]) -> tuple[str, ...]:
    """The models that the ledger knows, in the order in which they first appear."""
    return tuple(dict.fromkeys(entry.model for entry in entries))


def of_model(entries: Iterable[Line], model: str) -> tuple[Line, ...]:
    """What concerns one model: its own entries, and what was said of all."""
    return tuple(entry for entry in entries if entry.model == model or getattr(entry, "everything", False))


def served(entries: Iterable[Line], model: str) -> tuple[Entry, ...]:
    """The promotions and rollbacks of a model, oldest first."""
    return tuple(entry for entry in entries if isinstance(entry, Entry) and entry.model == model)


def champion(entries: Sequence[Line], model: str) -> Entry | None:
    """The entry that put the serving version into service, or None if nothing serves yet."""
    found = (entry for entry in reversed(entries) if isinstance(entry, Entry) and entry.model == model)
    return next(found, None)


def champion_at(entries: Iterable[Line], model: str, moment: datetime) -> Entry | None:
    """The entry of the version that served at `moment` (timezone-aware)."""
    found = [entry for entry in served(entries, model) if datetime.fromisoformat(entry.time) <= moment]
    return found[-1] if found else None


def rollback_target(entries: Iterable[Line], model: str) -> Entry:
    """The entry of the version that served before the serving one was promoted.

    Rolling back twice goes back two versions: a rollback is no promotion of what it returns to.
    Raises PromotionRefused if nothing served before.
    """
    stack = _stack(served(entries, model))
    if not stack:
        raise PromotionRefused("nothing serves yet, so there is nothing to roll back", next_step="ratchet promote")
    if len(stack) == 1:
        raise PromotionRefused(
            f"version {stack[-1].version} is the first that ever served: there is nothing before it",
            next_step="push a fix and let the gate decide; ratchet history shows the whole record",
        )
    return stack[-2]


def not_loading(entries: Iterable[Line], model: str) -> dict[int, Entry]:
    """By version that did not load when another was promoted over it: that promotion.

    One that has served again since is not among them.
    """
    out: dict[int, Entry] = {}
    for entry in served(entries, model):
        out.pop(entry.version, None)
        if entry.no_way_back and entry.replaces is not None:
            out[entry.replaces] = entry
    return out


def withdrawn(entries: Iterable[Line], model: str) -> dict[str, Entry]:
    """Model digests that a rollback took out of service, each with the entry that did it.

    One that was brought back on purpose is not among them.
    """
    out: dict[str, Entry] = {}
    stack: list[Entry] = []
    for entry in served(entries, model):
        before, stack = stack, _after(stack, entry)
        out |= {each.model_digest: entry for each in before[len(stack) :]}
        out.pop(entry.model_digest, None)
    return out


def _stack(changes: Iterable[Entry]) -> list[Entry]:
    """What serves is on top of what it was put upon; going back takes off what lies above."""
    stack: list[Entry] = []
    for entry in changes:
        stack = _after(stack, entry)
    return stack


def _after(stack: list[Entry], entry: Entry) -> list[Entry]:
    if entry.kind == "rollback":
        place = next((at for at in reversed(range(len(stack))) if stack[at].version == entry.version), None)
        if place is not None:
            return stack[: place + 1]
    return [*stack, entry]


def dump(entries: Iterable[Line]) -> str:
    """The ledger file's text."""
    return chain.dump(entries)


def load(text: str | bytes, *, after: Place = START) -> tuple[Line, ...]:
    """Read a file of the ledger and verify the chain, which goes on from `after`.

    Raises TamperedFile that names the first line that does not fit.
    """
    return chain.load(LINE, text, name=NAME, next_step=BROKEN, after=after)
