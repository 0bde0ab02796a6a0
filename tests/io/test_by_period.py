"""Rows are cut into batches: under any order of deliveries and pulls, each comes once, in a batch of its period."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.params import Data
from ratchet.core.schema import Period, parse_schema
from ratchet.core.sources.batch_source import BatchSource, Reading
from ratchet.core.sources.declared import Source
from ratchet.core.sources.periods import period_of
from ratchet.core.sources.taken import Taken
from ratchet.io.sources.batch import Left, Wanted
from ratchet.io.sources.by_period import ByPeriod
from ratchet.io.sources.part import After, Opened, Part

NEW_YORK = ZoneInfo("America/New_York")
MONTH = Period(every="month", zone="America/New_York")
START = datetime(2024, 1, 1, 5, tzinfo=UTC)
SCHEMA = parse_schema(
    {
        "rows": {
            "key": ["id"],
            "time": "at",
            "period": MONTH.model_dump(),
            "columns": {"id": {"type": "integer"}, "at": {"type": "timestamp"}, "came": {"type": "integer"}},
        }
    }
)
Deliveries = list[list[tuple[int, int, int]]]
"""Of each delivery, its rows: a number, hours after START, and when it arrived."""


@dataclass
class Memory:
    """Deliveries as parts, in chunks of two rows; a query gives them all as one part."""

    declared: Source
    query: bool
    deliveries: Deliveries = field(default_factory=list)

    def parts(self, names: Sequence[str]) -> list[Part]:  # noqa: ARG002 - for web servers
        """One part each, or one for all."""
        if self.query:
            return [Part(url="query", place="", query=True)]
        return [Part(url=f"part-{number}", place=str(number), size=1) for number in range(len(self.deliveries))]

    def same(self, part: Part, known: Reading) -> bool:  # noqa: ARG002 - what was delivered never changes
        """A delivery is what it was."""
        return True

    @contextmanager
    def open(self, part: Part, after: After) -> Iterator[Opened]:
        """The rows of a part; a query leaves out what it is told to, as a database does."""
        rows = [row for each in self.deliveries for row in each] if self.query else self.deliveries[int(part.place)]
        if self.query and after.time:
            least = datetime.fromisoformat(after.time)
            rows = [row for row in rows if START + timedelta(hours=row[1]) >= least or row[2] >= int(after.arrived)]
        chunks = (self._table(rows[at : at + 2]) for at in range(0, len(rows), 2))
        yield Opened(sha256="", size=part.size, chunks=chunks)

    @staticmethod
    def _table(rows: list[tuple[int, int, int]]) -> pa.Table:
        columns = {"id": [row[0] for row in rows], "at": [START + timedelta(hours=row[1]) for row in rows]}
        return pa.table({**columns, "came": [row[2] for row in rows]})


@dataclass
class Puller:
    """Pulls again and again, and keeps the records and the rows of what it took."""

    memory: Memory
    data: Data
    records: dict[str, BatchSource | None] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)

    def pull(self, now: datetime, limit: int | None) -> list[str]:
        """Take at most `limit` batches."""
        source = ByPeriod(
            data=self.data, schema=SCHEMA, period=MONTH, time="at", rows=self.memory, per_batch={}, always={}, now=now
        )
        taken = Taken(
            kind=self.data.rows.kind,
            records=dict(self.records),
            period_of=lambda name: period_of(name, MONTH) or "",
            first="2024-01",
        )
        names = []
        with tempfile.TemporaryDirectory() as folder:
            for batch in islice(source.collect(Wanted(taken=taken, now=now), Left()), limit):
                batch.writers["rows"][1](Path(folder) / "rows.parquet")
                assert batch.name not in self.records
                self.records[batch.name] = batch.source
                self.rows[batch.name] = pq.read_table(Path(folder) / "rows.parquet")["id"].to_pylist()
                names.append(batch.name)
        return names


steps = st.lists(
    st.tuples(st.lists(st.integers(0, 24 * 150), max_size=5), st.integers(0, 200), st.sampled_from([None, 1, 2])),
    min_size=1,
    max_size=6,
)


@given(steps=steps, by_arrival=st.booleans(), query=st.booleans())
@settings(max_examples=50, deadline=None)
def test_every_row_comes_once_in_a_batch_of_its_period(
    steps: list[tuple[list[int], int, int | None]], by_arrival: bool, query: bool
) -> None:
    """Whatever is delivered between pulls, however late, wherever a pull stops: no row is lost, none comes twice."""
    arrived = "came" if by_arrival or query else ""
    declared = Source(kind="files", path="x", arrived=arrived)
    if query:
        declared = Source(kind="sql", url_env="X", query="X", arrived=arrived)
    puller = Puller(Memory(declared, query), Data(rows=declared, watermark="clock"))
    period: dict[int, str] = {}
    now = START
    for hours, days, limit in steps:
        arrival = len(puller.memory.deliveries) + 1
        rows = [(len(period) + number, hour, arrival) for number, hour in enumerate(hours)]
        period.update(
            {number: f"{(START + timedelta(hours=hour)).astimezone(NEW_YORK):%Y-%m}" for number, hour, _ in rows}
        )
        puller.memory.deliveries.append(rows)
        now += timedelta(days=days)
        puller.pull(now, limit)
    late = datetime(2026, 1, 1, tzinfo=UTC)
    while puller.pull(late, None):
        pass
    got = Counter(number for numbers in puller.rows.values() for number in numbers)
    assert got == Counter(period.keys())
    for name, numbers in puller.rows.items():
        assert {period[number] for number in numbers} == {name.partition(".")[0]}


def test_bytes_do_not_depend_on_chunks(tmp_path: Path) -> None:
    """Row by row or all at once, the Parquet file is the same, and text becomes what the schema says."""
    from ratchet.io.sources.spool import Spool

    table = pa.table({"id": ["1", "2", "", "4"], "at": ["2024-01-01T00:00:00Z"] * 4})
    written = []
    for size in (1, 3, 4):
        folder = tmp_path / str(size)
        folder.mkdir()
        spool = Spool(folder, {"id": "integer", "at": "timestamp"})
        for at in range(0, 4, size):
            spool.add("2024-01", table.slice(at, size))
        spool.write("2024-01", folder / "rows.parquet", "2024-01")
        written.append((folder / "rows.parquet").read_bytes())
    assert written[0] == written[1] == written[2]
    found = pq.read_table(tmp_path / "1" / "rows.parquet")
    assert (found["id"].to_pylist(), str(found.schema.field("at").type)) == ([1, 2, None, 4], "timestamp[us, tz=UTC]")
