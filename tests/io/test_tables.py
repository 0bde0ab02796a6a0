"""Tables on disk: the same rows are the same bytes, and a broken file is a refusal with its reason."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.conform import conform
from ratchet.core.schema import Column, Table
from ratchet.errors import BatchRefused, Violation
from ratchet.io.tables import arrow, read_frame, read_raw, read_table, write_frame, write_table

FRAME = pd.DataFrame(
    {
        "number": [1.5, math.nan],
        "integer": [1, 2],
        "text": ["a", None],
        "flag": [True, False],
        "moment": pd.to_datetime(["2013-07-04 09:00", "2013-07-04 10:00"], utc=True),
    }
)
TABLE = Table(
    key=["id"],
    columns={
        "id": Column(type="integer"),
        "code": Column(type="string", nullable=True),
        "size": Column(type="number", nullable=True),
        "open": Column(type="boolean", nullable=True),
        "moment": Column(type="timestamp", nullable=True),
        "zoned": Column(type="timestamp", nullable=True),
    },
)


def test_a_frame_comes_back_as_it_was(tmp_path: Path) -> None:
    """Columns, types and missing values survive."""
    write_frame(tmp_path / "x.parquet", FRAME)
    pd.testing.assert_frame_equal(read_frame(tmp_path / "x.parquet"), FRAME, check_dtype=False)


def test_a_folders_name_is_no_column(tmp_path: Path) -> None:
    """A batch may be called `year=2013`; and columns that are named come alone."""
    path = tmp_path / "year=2013" / "x.parquet"
    path.parent.mkdir()
    write_frame(path, FRAME)
    assert list(FRAME.columns) == read_table(path).column_names
    assert read_table(path, ["text", "flag"]).to_pydict() == {"text": ["a", None], "flag": [True, False]}


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    """Neither the index nor pandas' notes nor the path show in the file."""
    write_frame(tmp_path / "one.parquet", FRAME)
    write_frame(tmp_path / "other.parquet", FRAME.set_index(pd.Index([7, 9])))
    write_table(tmp_path / "third.parquet", arrow(FRAME).replace_schema_metadata({"made": "elsewhere"}))
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "+02:00", None])
@pytest.mark.parametrize("unit", ["s", "ns"])
def test_moments_keep_their_instant_zone_and_unit(zone: str | None, unit: Literal["s", "ns"]) -> None:
    """Around a change of the clocks, too, and where a moment is missing; pandas has nothing to warn of."""
    moments = [datetime(2013, 11, 3, hour, 30, tzinfo=UTC) for hour in (5, 6)]
    utc = pd.DatetimeIndex([*moments, pd.NaT]).as_unit(unit)
    column = arrow(pd.DataFrame({"a": [1, 2, 3], "moment": utc.tz_convert(zone)})).column("moment")
    assert column.type == pa.timestamp(unit, tz=zone)
    instants = column.cast(pa.timestamp("s", tz="UTC")).to_pylist()
    assert instants == [*moments, None]


def test_parquet_and_csv_are_read_as_what_they_are(tmp_path: Path) -> None:
    """The suffix says how a raw table is read."""
    table = pa.table({"a": [1, 2]})
    write_table(tmp_path / "x.parquet", table)
    (tmp_path / "x.csv").write_text("a\n1\n2\n", encoding="utf-8")
    assert [read_raw(path, batch="b", texts=[]).equals(table) for path in sorted(tmp_path.iterdir())] == [True, True]


def test_text_in_csv_stays_text(tmp_path: Path) -> None:
    """Leading zeros, dates, truth values and exponents are kept in columns that hold text."""
    (tmp_path / "x.csv").write_text("code,n\n007,1\n2013-07-04,2\ntrue,3\n1e5,4\n,5\n", encoding="utf-8")
    table = read_raw(tmp_path / "x.csv", batch="b", texts=["code", "absent"])
    assert table.column("code").to_pylist() == ["007", "2013-07-04", "true", "1e5", None]
    assert table.column("n").type == pa.int64()


def refusal(path: Path) -> Violation:
    with pytest.raises(BatchRefused) as refused:
        read_raw(path, batch="2013-07", texts=[])
    (violation,) = refused.value.violations
    assert (refused.value.batch, violation.table, violation.column) == ("2013-07", path.name, "*")
    return violation


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    """The refusal names the batch and the file."""
    (tmp_path / name).write_bytes(b"")
    assert refusal(tmp_path / name).rule == "the file is empty"


@pytest.mark.parametrize("cut", [1, 9, 200])
def test_a_truncated_parquet_file_is_refused(tmp_path: Path, cut: int) -> None:
    """A file that was cut at its end, as by a broken upload, is not read in part."""
    path = tmp_path / "rows.parquet"
    write_frame(path, FRAME)
    path.write_bytes(path.read_bytes()[:-cut])
    assert refusal(path).rule.startswith("cannot be read as parquet: ")


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    """A page that says "not found" is no table."""
    (tmp_path / "rows.parquet").write_text("<html>404</html>", encoding="utf-8")
    assert refusal(tmp_path / "rows.parquet").rule.startswith("cannot be read as parquet: ")


@pytest.mark.parametrize(
    "data", [b"a,b\n1,2\n3\n", b"a,b\n1,2,3\n", b"a\n\xff\xfe\n"], ids=["short row", "long row", "not UTF-8"]
)
def test_a_broken_csv_file_is_refused(tmp_path: Path, data: bytes) -> None:
    """Broken lines are not skipped, and bytes that are no text are not replaced."""
    (tmp_path / "rows.csv").write_bytes(data)
    with pytest.raises(BatchRefused) as refused:
        read_raw(tmp_path / "rows.csv", batch="2013-07", texts=["a"])
    assert refused.value.violations[0].rule.startswith("cannot be read as csv: ")


ROWS = st.fixed_dictionaries(
    {
        "id": st.integers(-(2**53), 2**53),
        "code": st.none() | st.from_regex(r"[0-9A-M]{1,4}", fullmatch=True),
        "size": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "open": st.none() | st.booleans(),
        "moment": st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
        "zoned": st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    }
)  # fmt: skip
TYPES = pa.schema(
    {
        "id": pa.int64(), "code": pa.string(), "size": pa.float64(), "open": pa.bool_(),
        "moment": pa.timestamp("us"), "zoned": pa.timestamp("us", "UTC"),
    }
)  # fmt: skip


def as_csv(rows: list[dict[str, Any]]) -> str:
    """The rows as somebody else would write them."""
    lines = [",".join(TYPES.names)]
    for row in rows:
        zoned = "" if row["zoned"] is None else f"{row['zoned'].isoformat()}Z"
        open_ = "" if row["open"] is None else str(row["open"]).lower()
        plain = ["" if row[name] is None else str(row[name]) for name in ("id", "code")]
        size = "" if row["size"] is None else repr(row["size"])
        moment = "" if row["moment"] is None else row["moment"].isoformat(sep=" ")
        lines.append(",".join([*plain, size, open_, moment, zoned]))
    return "\n".join(lines) + "\n"


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(ROWS, min_size=1, max_size=6))
def test_csv_and_parquet_of_the_same_rows_are_the_same_table(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    """In which format a batch comes makes no difference to what is trained on."""
    folder = tmp_path_factory.mktemp("rows")
    write_table(folder / "rows.parquet", pa.Table.from_pylist(rows, TYPES))
    (folder / "rows.csv").write_text(as_csv(rows), encoding="utf-8")
    found = [
        conform(read_raw(folder / name, batch="b", texts=TABLE.texts()), TABLE, name="rows")
        for name in ("rows.parquet", "rows.csv")
    ]
    assert [violations for _, violations in found] == [(), ()]
    parquet, csv = (table.to_pylist() for table, _ in found)
    if any(row["zoned"] for row in rows):
        assert csv == parquet
    else:  # a CSV column without any value does not say that it would have a zone
        assert [row | {"zoned": None} for row in csv] == parquet


def test_the_reason_names_no_place_and_obeys_nobody(tmp_path: Path) -> None:
    """Where the file lies for now tells nothing, and bytes of the file must not reach a terminal."""
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and nothing else")
    (tmp_path / "x.csv").write_bytes(b"a\n1,\x1b[31m" + b"y" * 1000)
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(BatchRefused) as refused:
            read_raw(path, batch="b", texts=[])
        assert str(tmp_path) not in refused.value.message
        assert "\x1b" not in refused.value.message
        assert len(refused.value.message) < 400
