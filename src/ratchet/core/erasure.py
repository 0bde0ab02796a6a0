"""Erased batches, as the ledger has them: which contents they were, and which versions were made of them.

A batch is known by the digest under which git tracks it, whatever its name: other rows may come under a name that was
erased, the same ones under no name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ratchet.core.ledger_entries import Change, EraseEntry, Line, Registration

DAY = len("2026-03-01")

Contents = Mapping[str, Sequence[str]]
"""By batch, the digests by which git has tracked it."""


def erasures(entries: Iterable[Line], model: str) -> dict[str, EraseEntry]:
    """By the digest of what was erased of a model's batches, the entry that first said so."""
    found: dict[str, EraseEntry] = {}
    for entry in entries:
        if isinstance(entry, EraseEntry) and entry.model == model:
            found = {**dict.fromkeys(digests_in(entry.batches), entry), **found}
    return found


def digests_in(contents: Contents) -> tuple[str, ...]:
    """All digests, each once."""
    return tuple(dict.fromkeys(digest for digests in contents.values() for digest in digests))


def erased_contents(entries: Iterable[Line], model: str) -> dict[str, tuple[str, ...]]:
    """All contents of a model's batches that were ever erased."""
    mine = (entry for entry in entries if isinstance(entry, EraseEntry) and entry.model == model)
    found: dict[str, tuple[str, ...]] = {}
    for entry in mine:
        found = joined(found, entry.batches)
    return found


def joined(one: Contents, other: Contents) -> dict[str, tuple[str, ...]]:
    """The contents of both, each once."""
    names = dict.fromkeys([*one, *other])
    return {name: tuple(dict.fromkeys([*one.get(name, ()), *other.get(name, ())])) for name in names}


def not_yet_erased(contents: Contents, known: Mapping[str, EraseEntry]) -> dict[str, tuple[str, ...]]:
    """Of these contents what no entry has erased; batches of which nothing is left are left out."""
    new = {name: tuple(each for each in digests if each not in known) for name, digests in contents.items()}
    return {name: digests for name, digests in new.items() if digests}


def made_of(entries: Iterable[Line], model: str, contents: Contents) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The versions that learned from these batches, and those that were judged on them."""
    mine = [each for each in entries if isinstance(each, Registration | Change) and each.model == model]
    raw = {each.version: each.batches for each in mine if isinstance(each, Registration)}
    trained: set[int] = set()
    judged: set[int] = set()
    for entry in mine:
        tracked = raw.get(entry.version, {})
        # Where the digest is not on record, the name has to do.
        same = {name for name, digests in contents.items() if not tracked.get(name) or tracked[name] in digests}
        if same & entry.trained_on.keys():
            trained.add(entry.version)
        if isinstance(entry, Registration) and same.intersection(entry.judged_on):
            judged.add(entry.version)
    return tuple(sorted(trained)), tuple(sorted(judged))


def erased_of(entries: Iterable[Line], model: str, raw: Mapping[str, str]) -> dict[str, EraseEntry]:
    """Of batches by name, each with its digest, those that were erased, and the entry that says so."""
    known = erasures(entries, model)
    return {name: known[digest] for name, digest in sorted(raw.items()) if digest in known}


def erased_words(entry: EraseEntry) -> str:
    """Since when, by whom, and where it is written."""
    return f"erased on {entry.time[:DAY]} by {entry.actor} (ledger entry {entry.sequence})"
