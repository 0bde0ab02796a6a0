"""What served when, and why."""

from __future__ import annotations

from datetime import UTC, datetime

from ratchet.core.ledger import Entry, champion_at
from ratchet.errors import UsageError
from ratchet.flows.champion import ledger
from ratchet.io.room import read_params
from ratchet.settings import Settings


def history(settings: Settings, *, at: str | None) -> tuple[Entry, ...]:
    """All ledger entries, oldest first; or with `at` (ISO 8601, UTC if it has no zone) the one that served then.

    Raises UsageError if `at` is no time, TamperedFile if the chain is broken.
    """
    entries = ledger(settings, read_params(settings.root)).read()
    if at is None:
        return entries
    found = champion_at(entries, _moment(at))
    return (found,) if found else ()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"--at {text!r} is not a time", next_step="write it as 2026-03-01 or 2026-03-01T12:00"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
