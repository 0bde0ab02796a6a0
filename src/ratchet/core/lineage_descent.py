"""All that the ledger says of one run, as the descent of a version."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from ratchet.core.erasure import erased_words
from ratchet.core.ledger_entries import Entry, EraseEntry, OpinionEntry, PhaseEntry, RegistrationEntry
from ratchet.core.lineage import Asked, Descent, Service, Told, UsedBatch, Word


def descent(told: Told) -> Descent:
    """All that the ledger says of one run."""
    source, entry = told.source, told.registered
    facts = Descent(
        run_id=told.run_id,
        fingerprint=source.fingerprint,
        model_digest=source.model_digest,
        commit=source.commit,
        batches=_batches(source),
        decision_digest=source.decision_digest,
        version=source.version,
        registered=entry.time if entry else "",
        words=tuple(_word(each) for each in told.said),
        services=tuple(_service(each, until) for each, until in told.changes),
        metrics=source.metrics,
    )
    if entry is None:
        return facts.model_copy(update={"decided": source.reason, "verdict": "promote"})
    same = ("verdict", "decided", "policy", "authors", "manifest", "signed_by")
    return facts.model_copy(update={**{name: getattr(entry, name) for name in same}, "compared_with": entry.champion})


def with_erased(found: Descent, known: Mapping[str, EraseEntry]) -> Descent:
    """The same, with what is said of its batches that were erased: `known` has the entries by raw digest."""
    if not any(each.raw in known for each in found.batches):
        return found
    marked = (
        each.model_copy(update={"erased": erased_words(known[each.raw])}) if each.raw in known else each
        for each in found.batches
    )
    return found.model_copy(update={"batches": tuple(marked)})


def noted(asked: Asked, known: Mapping[str, EraseEntry]) -> Asked:
    """What was asked; of a batch that was erased, with who did it and why."""
    entries = [entry for entry in known.values() if asked.end == "batch" and asked.name in entry.batches]
    if not entries:
        return asked
    latest = max(entries, key=lambda entry: entry.sequence)
    note = f"{asked.note}; " * bool(asked.note) + f"{erased_words(latest)}: {latest.reason}"
    return asked.model_copy(update={"note": note})


def _batches(source: RegistrationEntry | Entry) -> tuple[UsedBatch, ...]:
    raw: dict[str, str] = {}
    judged: tuple[str, ...] = ()
    if isinstance(source, RegistrationEntry):
        raw, judged = source.batches, source.judged_on
    return tuple(
        _used(name, raw.get(name, ""), source.trained_on.get(name, ""), (name in source.trained_on, name in judged))
        for name in sorted({*raw, *judged, *source.trained_on})
    )


@lru_cache(maxsize=10_000)
def _used(name: str, raw: str, features: str, uses: tuple[bool, bool]) -> UsedBatch:
    """One record for all versions that used a batch in the same way: thousands may share it."""
    return UsedBatch(name=name, raw=raw, features=features, trained=uses[0], judged=uses[1])


def _word(said: OpinionEntry | PhaseEntry) -> Word:
    kind = said.kind if isinstance(said, OpinionEntry) else f"{said.phase} {said.outcome}"
    return Word(kind=kind, actor=said.actor, time=said.time, reason=said.reason)


def _service(entry: Entry, until: str | None) -> Service:
    return Service(
        since=entry.time,
        until=until,
        kind=entry.kind,
        actor=entry.actor,
        reason=entry.reason,
        sequence=entry.sequence,
    )
