"""What every kind of source of one table does: says what there is, and reads it in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from ratchet.core.sources.batch_source import Reading
from ratchet.core.sources.declared import Source


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that can be read: a file, or a query. `url` has no credentials; `place` is where its reader finds it.

    A file is read whole, so that what it holds is known until it changes; a query gives what it is asked for.
    `etag` is the version that its server names; `touched` is when it last changed, which only this machine knows.
    """

    url: str
    place: str
    size: int | None = None
    etag: str = ""
    touched: str = ""
    batch: str = ""
    query: bool = False


@dataclass(frozen=True, kw_only=True)
class After:
    """What a query may leave out: rows whose time is before `time` and that had arrived before `arrived`.

    Both are ISO 8601 text in UTC (`arrived` may be a whole number); more rows than asked for do no harm.
    """

    time: str = ""
    arrived: str = ""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A part that is being read: its digest, and its rows in chunks."""

    sha256: str
    size: int | None
    chunks: Iterator[pa.Table]


def same_version(part: Part, known: Reading) -> bool:
    """Whether its size and the version that its server names are those of `known`."""
    return (part.size, part.etag) == (known.size, known.etag)


class TableSource(Protocol):
    """Where one table comes from."""

    @property
    def declared(self) -> Source:
        """What params.yaml says of it."""
        ...

    def parts(self, names: Sequence[str]) -> list[Part]:
        """What there is to read, in a fixed order; a server without a listing is asked for the batches `names`.

        Raises ServiceFailed if it does not answer, DataRefused if nothing is there or a name comes twice.
        """
        ...

    def same(self, part: Part, known: Reading) -> bool:
        """Whether a part is still what it was when `known` was read of it."""
        ...

    def open(self, part: Part, after: After) -> AbstractContextManager[Opened]:
        """Read a part. Raises ServiceFailed if it is gone, changed or breaks off, DataRefused if it is no table."""
        ...
