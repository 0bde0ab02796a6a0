"""All that the ledger says of one run, as the descent of a version."""

from __future__ import annotations

from ratchet.core.ledger_entries import Entry, OpinionEntry, PhaseEntry, RegistrationEntry
from ratchet.core.lineage import Descent, Service, Told, UsedBatch, Word


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


def _batches(source: RegistrationEntry | Entry) -> tuple[UsedBatch, ...]:
    raw: dict[str, str] = {}
    judged: tuple[str, ...] = ()
    if isinstance(source, RegistrationEntry):
        raw, judged = source.batches, source.judged_on
    return tuple(
        UsedBatch(
            name=name,
            raw=raw.get(name, ""),
            features=source.trained_on.get(name, ""),
            trained=name in source.trained_on,
            judged=name in judged,
        )
        for name in sorted({*raw, *judged, *source.trained_on})
    )


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
