"""Names of time zones in declarations, such as America/New_York (IANA Time Zone Database)."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

from ratchet.errors import did_you_mean


def known_zone(name: str) -> str:
    """Return `name` if there is such a time zone. Raises ValueError that names it, and the nearest one there is.

    >>> known_zone("Europe/Berlin")
    'Europe/Berlin'
    """
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        near = did_you_mean(name, sorted(available_timezones())) or ": they are called such as America/New_York or UTC"
        raise ValueError(f"{name!r} is no time zone{near}") from error
    return name


Zone = Annotated[str, AfterValidator(known_zone)]
"""A time zone that there is."""
