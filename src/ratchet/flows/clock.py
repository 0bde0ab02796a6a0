"""What time it is, for records that say when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def stamp(time: datetime) -> str:
    """As records write it: ISO 8601, UTC, whole seconds."""
    return time.astimezone(UTC).isoformat(timespec="seconds")
