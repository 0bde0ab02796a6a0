"""The user's own function as a source: it names its batches, and gives them as data frames."""

from __future__ import annotations

from collections.abc import Generator, Mapping
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
        for name, tables in self.function(since, wanted.until):
            if check_batch_name(name) <= before:
                raise DataRefused(
                    f"{self.declared.collect} gave batch {name} after {before}: names come in time order, each once",
                    next_step="mend the function; docs/your-own-data.md says what it owes",
                )
            before = name
            if ROWS not in tables:
                raise DataRefused(
                    f"{self.declared.collect} gave batch {name} without {ROWS}", next_step="mend the function"
                )
            yield self._batch(name, tables)

    def standing(self, folder: Path) -> Mapping[str, Path]:
        """Write the lookups that the function gives. See Source."""
        written = {}
        for name, table in (self.always() if self.always else {}).items():
            written[name] = folder / f"{name}.parquet"
            write_frame(written[name], table)
        return written

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


def _write(frame: pd.DataFrame, path: Path) -> None:
    write_frame(path, frame)
