"""What time it is, for records that say when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from ratchet.errors import UsageError

Clock = Callable[[], datetime]


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def stamp(time: datetime) -> str:
    """As records write it: ISO 8601, UTC, whole seconds."""
    return time.astimezone(UTC).isoformat(timespec="seconds")


def moment(text: str) -> datetime:
    """The moment that somebody wrote, ISO 8601, UTC if it has no zone. Raises UsageError if it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a time", next_step="write it as 2026-03-01 or 2026-03-01T12:00") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
