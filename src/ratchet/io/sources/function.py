"""The user's own function as a source: it names its batches, and gives them as data frames."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.schema import ROWS
from ratchet.core.sources.batch_source import BatchSource, Reading
from ratchet.core.sources.declared import Source as Declared
from ratchet.errors import DataRefused
from ratchet.io.batches import check_batch_name
from ratchet.io.sources.batch import Batch, Left, Wanted
from ratchet.io.tables import write_frame

if TYPE_CHECKING:
    import pandas as pd

    from ratchet.io.room import Collect, Standing


@dataclass(frozen=True, kw_only=True)
class FunctionSource:
    """`collect(since, until)` and `standing()` of the room. What comes late, only the function can know."""

    declared: Declared
    function: Collect
    always: Standing | None

    def collect(self, wanted: Wanted, left: Left) -> Generator[Batch]:  # noqa: ARG002 - nothing is left
        """Yield what the function gives after the newest batch that is here. See Source."""
        since = max(wanted.taken.records, default=None)
        before = since or ""
        for name, tables in self._given(since, wanted.until):
            if check_batch_name(name) <= before:
                raise DataRefused(
                    f"{self.declared.collect} gave batch {name} after {before}: names come in time order, each once",
                    next_step="mend the function; docs/your-own-data.md says what it owes",
                )
            before = name
            yield self._batch(name, tables)

    def standing(self, folder: Path) -> Mapping[str, Path]:
        """Write the lookups that the function gives. See Source."""
        written = {}
        for name, table in (self.always() if self.always else {}).items():
            written[name] = folder / f"{name}.parquet"
            write_frame(written[name], table)
        return written

    def _given(self, since: str | None, until: str | None) -> Iterator[tuple[str, Mapping[str, pd.DataFrame]]]:
        """What the function gives. Raises DataRefused for what is no batch; what it raises itself goes through."""
        given: object = self.function(since, until)
        if not isinstance(given, Iterable):
            raise self._refused(given)
        for each in given:
            match each:
                case (str() as name, Mapping() as tables) if ROWS in tables and _are_frames(tables):
                    yield name, tables
                case _:
                    raise self._refused(each)

    def _refused(self, given: object) -> DataRefused:
        return DataRefused(
            f"{self.declared.collect} gave {_kind(given)}, which is no batch",
            next_step=f'let it yield (name, {{"{ROWS}": data frame, "<lookup>": data frame}}); docs/your-own-data.md',
        )

    def _batch(self, name: str, tables: Mapping[str, pd.DataFrame]) -> Batch:
        rows = {table: len(frame) for table, frame in tables.items()}
        return Batch(
            name=name,
            writers={table: (".parquet", partial(_write, frame)) for table, frame in tables.items()},
            rows=rows,
            source=BatchSource(
                kind="callable",
                period=name,
                rows=rows[ROWS],
                late_rows="unknown",
                tables={
                    table: (Reading(url=f"callable:{self.declared.collect}", rows=number),)
                    for table, number in rows.items()
                },
            ),
        )


def _are_frames(tables: Mapping[str, object]) -> bool:
    import pandas as pd

    return all(isinstance(table, pd.DataFrame) for table in tables.values())


def _kind(given: object) -> str:
    """What was given, by types and names: its values may be anybody's data."""
    if isinstance(given, tuple):
        return f"({', '.join(map(_kind, given))})"
    if isinstance(given, Mapping):
        return f"{{{', '.join(f'{name}: {_kind(each)}' for name, each in given.items())}}}"
    return type(given).__name__


def _write(frame: pd.DataFrame, path: Path) -> None:
    write_frame(path, frame)
