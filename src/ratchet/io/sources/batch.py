"""The contract of every source: batches in time order, each with the record of where it came from."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ratchet.core.sources.batch_source import BatchSource
from ratchet.core.sources.taken import Taken

Writers = Mapping[str, tuple[str, Callable[[Path], object]]]
"""By table: the suffix of its file, and what fills the file."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch that is ready to be taken: what fills its files, how many rows each table has, where they came from."""

    name: str
    writers: Writers
    rows: Mapping[str, int]
    source: BatchSource


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a pull asks for: all batches up to and including `until`, as things stand at `now` (with a zone)."""

    taken: Taken
    now: datetime
    until: str | None = None

    def reaches(self, period: str) -> bool:
        """Whether a period is asked for."""
        return self.until is None or period <= self.until


@dataclass
class Left:
    """What a pull saw and did not take; it is filled while batches are read."""

    before_first: int = 0
    before_first_files: int = 0
    open_periods: set[str] = field(default_factory=set)
    edited: set[str] = field(default_factory=set)
    """Files that have other bytes than when they were taken, and no other number of rows."""

    def sentences(self, first: str) -> Iterator[str]:
        """What there is to say of it."""
        if self.before_first:
            yield f"left out {self.before_first:,} rows that are older than {first}, the first batch"
        if self.before_first_files:
            yield f"left out {self.before_first_files:,} files that are older than {first}, the first batch"
        for url in sorted(self.edited):
            yield f"{url} was edited after its rows were taken; batches stay as they are: publish corrections as rows"
        if self.open_periods:
            yield f"not complete yet: {', '.join(sorted(self.open_periods))}"


class Source(Protocol):
    """Where batches come from: files, a query, a package, or the user's function."""

    def collect(self, wanted: Wanted, left: Left) -> Generator[Batch]:
        """Yield what is new, oldest first. Asked again after it was taken, yields nothing.

        Raises ServiceFailed if the source does not answer or changes while it is read, DataRefused if what it says
        cannot be taken, UsageError if it is declared wrongly.
        """
        ...

    def standing(self, folder: Path) -> Mapping[str, Path]:
        """Write the lookups that stand for all batches into `folder`; returns the file of each. Raises as collect."""
        ...
