"""The ledger's rules: an append-only chain of what was put into service, by whom, on what evidence.

The file is JSON lines, one entry a line; each entry carries the SHA-256 of the one before it, so that an edited,
dropped or reordered line is found. What serves is the version that the last entry names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from ratchet.core import chain
from ratchet.core.chain import GENESIS, Link, linked
from ratchet.core.section import Section
from ratchet.errors import PromotionRefused

__all__ = [
    "GENESIS",
    "Change",
    "Entry",
    "Overridden",
    "append",
    "champion",
    "champion_at",
    "dump",
    "load",
    "rollback_target",
    "withdrawn",
]


class Overridden(Section):
    """Failed conditions of the decision that somebody took upon themselves, and until when (see `core.override`)."""

    conditions: tuple[str, ...]
    reason: str
    actor: str
    expires: str = Field(description="ISO 8601, UTC: from then on nothing more was to be promoted by it")


class Change(Section):
    """What somebody asks the ledger to remember: `version` of `model` now serves.

    `replaces` is the version that served before (null for the first), and with `after` (the hash of the entry that
    this change was decided on, GENESIS for an empty ledger) makes the append a compare-and-set.
    """

    kind: Literal["promotion", "rollback"]
    model: str
    version: int
    replaces: int | None
    run_id: str = Field(description="the MLflow run that recorded the decision")
    fingerprint: str = Field(description="of what was computed: code, data, parameters, champion")
    model_digest: str = Field(description="SHA-256 of model.skops")
    seal: str = Field(description="SHA-256 of seal.json, which names every file of the model folder")
    decision_digest: str = Field(description="SHA-256 of the decision record")
    commit: str
    trained_on: dict[str, str]
    metrics: dict[str, float]
    actor: str
    time: str = Field(description="ISO 8601, UTC")
    reason: str
    overrides: tuple[Overridden, ...] = Field(default=(), description="what let a decision of another verdict serve")

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without overrides the field is left out: an entry of before has the same bytes, and the same hash."""
        tree: dict[str, Any] = dump(self)
        if not self.overrides:
            tree.pop("overrides", None)
        return tree


class Entry(Change, Link):
    """A change with its place in the chain."""


def append(entries: Sequence[Entry], change: Change) -> Entry:
    """The entry that follows the last one. Raises PromotionRefused if `change` replaces what does not serve."""
    serving = champion(entries)
    if change.replaces != (serving.version if serving else None):
        raise PromotionRefused(
            f"the ledger says version {serving.version if serving else 'none'} serves, "
            f"but the change replaces version {change.replaces or 'none'}",
            next_step="evaluate again against the version that serves: ratchet run",
        )
    return linked(Entry, entries, change.model_dump())


def champion(entries: Sequence[Entry]) -> Entry | None:
    """The entry that put the serving version into service, or None if nothing serves yet."""
    return entries[-1] if entries else None


def champion_at(entries: Iterable[Entry], moment: datetime) -> Entry | None:
    """The entry of the version that served at `moment` (timezone-aware)."""
    served = [entry for entry in entries if datetime.fromisoformat(entry.time) <= moment]
    return served[-1] if served else None


def rollback_target(entries: Sequence[Entry]) -> Entry:
    """The entry of the version that served before the serving one was first promoted.

    Rolling back twice goes back two versions: a rollback is no promotion of what it returns to.
    Raises PromotionRefused if nothing served before.
    """
    serving = champion(entries)
    if serving is None:
        raise PromotionRefused("nothing serves yet, so there is nothing to roll back", next_step="ratchet promote")
    first = next(entry for entry in entries if entry.version == serving.version)
    if first.replaces is None:
        raise PromotionRefused(
            f"version {serving.version} is the first that ever served: there is nothing before it",
            next_step="push a fix and let the gate decide; ratchet history shows the whole record",
        )
    return next(entry for entry in entries if entry.version == first.replaces)


def withdrawn(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Model digests that a rollback took out of service, each with the entry that did it."""
    out: dict[str, Entry] = {}
    for before, entry in pairwise(entries):
        if entry.kind == "rollback":
            out[before.model_digest] = entry
    return out


def dump(entries: Iterable[Entry]) -> str:
    """The ledger file's text."""
    return chain.dump(entries)


def load(text: str) -> tuple[Entry, ...]:
    """Read the ledger file and verify the chain. Raises TamperedFile that names the first line that does not fit."""
    return chain.load(
        Entry,
        text,
        name="ledger",
        next_step="compare the ledger branch with another clone; nothing is served or promoted on a broken chain",
    )
