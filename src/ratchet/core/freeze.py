"""When nothing is promoted: windows that `params.yaml` declares, and freezes that somebody called.

Going back is always possible.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from ratchet.core.section import Section
from ratchet.core.zones import Zone

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
TEN_YEARS = 3660
"""Days."""
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Window(Section):
    """Days on which nothing is promoted: from one date to another, both included, or some weekdays."""

    since: str | None = Field(default=None, description="a date, 2026-12-20; with until")
    until: str | None = Field(default=None, description="the last day")
    weekdays: Annotated[tuple[Weekday, ...], Field(strict=False)] = Field(
        default=(), description="instead of dates: friday, saturday, sunday"
    )
    zone: Zone = Field(default="UTC", description="whose calendar counts, such as Europe/Berlin")
    reason: str = Field(default="", description="what people are told")

    @field_validator("since", "until", mode="before")
    @classmethod
    def _date(cls, value: object) -> object:
        """YAML reads an unquoted date as one."""
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, str):
            try:
                return date.fromisoformat(value).isoformat()
            except ValueError as error:
                raise ValueError(f"{value!r} is no date; write it as 2026-12-20") from error
        return value

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if bool(self.weekdays) == bool(self.since or self.until) or bool(self.since) != bool(self.until):
            raise ValueError("say since and until, or weekdays")
        if self.since and self.until and self.until < self.since:
            raise ValueError(f"until {self.until} is before since {self.since}")
        return self

    def covers(self, moment: datetime) -> bool:
        """Whether nothing is promoted at `moment` (timezone-aware)."""
        day = moment.astimezone(ZoneInfo(self.zone)).date()
        if self.weekdays:
            return WEEKDAYS[day.weekday()] in self.weekdays
        return str(self.since) <= day.isoformat() <= str(self.until)

    def ends(self, moment: datetime) -> datetime:
        """The first midnight after `moment` on which it does not cover."""
        zone = ZoneInfo(self.zone)
        day = moment.astimezone(zone).date()
        while True:
            day += timedelta(days=1)
            midnight = datetime.combine(day, time(), tzinfo=zone)
            if not self.covers(midnight) or (day - moment.date()).days > TEN_YEARS:
                return midnight


def declared(windows: Iterable[Window], moment: datetime) -> Window | None:
    """The window that covers `moment`, if one does."""
    return next((window for window in windows if window.covers(moment)), None)
