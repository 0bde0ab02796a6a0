"""`ratchet schema infer`: what comes out lets its own data in, says where it guessed, and is the same every time."""

from __future__ import annotations

import csv
import json
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.core.schema import Schema, parse_schema
from ratchet.core.schema_inference.records import Hints
from ratchet.core.schema_proposal.faults import is_anomaly
from ratchet.core.validation.records import Finding
from ratchet.errors import DataRefused, UsageError
from ratchet.flows.examination import look_at
from ratchet.flows.schema_infer import Draft, Sources, infer, of_files, write

START = datetime(2024, 1, 1)


def schema_of(draft: Draft) -> Schema:
    """The schema as a project would read it."""
    return parse_schema(yaml.safe_load(draft.text))


def findings(draft: Draft, sources: Sources) -> list[Finding]:
    """What validation at the door says of the very data, beside what no schema is about."""
    schema = schema_of(draft)
    reports = [look_at(name, paths, schema).report for name, paths in sources.batches.items()]
    return [finding for report in reports for finding in report.findings if not is_anomaly(finding)]


def write_csv(path: Path, **columns: list[Any]) -> Path:
    """A CSV file of the columns; None is an empty cell."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(columns)
        out.writerows(zip(*columns.values(), strict=True))
    return path


def month(path: Path, name: str, first: datetime, days: int) -> Path:
    """A batch of rides, four a day."""
    size = 4 * days
    return write_csv(
        path / f"{name}.csv",
        ride=[f"{name}/{number:03d}" for number in range(size)],
        start=[first + timedelta(hours=6 * number) for number in range(size)],
        zip=[f"0{number % 7}210" for number in range(size)],
        kind=[("bike", "car")[number % 2] for number in range(size)],
        stars=[number % 5 if number % 10 else None for number in range(size)],
        km=[number % 17 + 0.5 for number in range(size)],
        paid=[("true", "false")[number % 3 == 0] for number in range(size)],
    )


@pytest.fixture
def months(tmp_path: Path) -> list[Path]:
    """Two whole months."""
    return [month(tmp_path, "2024-01", START, 31), month(tmp_path, "2024-02", datetime(2024, 2, 1), 29)]


def test_a_known_answer(months: list[Path]) -> None:
    """Types, ranges, shares, categories, key, time and period are those that a person would start from."""
    draft = infer(of_files(months, {}), Hints(after=["stars"]))
    assert yaml.safe_load(draft.text) == {
        "rows": {
            "key": ["ride"],
            "time": "start",
            "period": {"every": "month"},
            "columns": {
                "ride": {"type": "string"},
                "start": {"type": "timestamp"},
                "zip": {"type": "string", "values": [f"0{number}210" for number in range(7)]},
                "kind": {"type": "string", "values": ["bike", "car"]},
                "stars": {"type": "integer", "min": 0, "max": 6, "nullable": True, "missing": 0.3, "known": "after"},
                "km": {"type": "number", "min": 0, "max": 25},
                "paid": {"type": "boolean"},
            },
        }
    }
    assert (draft.quarantined, draft.unusual) == ((), ())
    assert [line.partition(" is ")[0] for line in draft.guessed[:3]] == ["time", "period", "key of rows"]


def test_one_column_a_line_and_few_lines_change(months: list[Path], tmp_path: Path) -> None:
    """The same data makes the same bytes; a further batch like the others changes the header and nothing else."""
    one, again = (infer(of_files(months, {}), Hints()).text for _ in range(2))
    more = infer(of_files([*months, month(tmp_path, "2024-03", datetime(2024, 3, 1), 31)], {}), Hints()).text
    assert one == again
    assert [line for line in more.splitlines() if line not in one.splitlines()] == [more.splitlines()[0]]
    assert sum(line.startswith("    km: {") for line in one.splitlines()) == 1


def test_what_no_data_can_say_is_listed(months: list[Path]) -> None:
    """Units, outcomes and meanings are asked for, not made up."""
    draft = infer(of_files(months, {}), Hints())
    asked = "\n".join(draft.to_say)
    assert all(word in asked for word in ("unit", "known: after", "description", "km"))
    assert all(column.unit == column.description == "" for column in schema_of(draft).rows.columns.values())


def test_batches_that_lack_days_have_no_period(tmp_path: Path) -> None:
    """A period promises whole months; batches without the last days do not keep it, and a person is asked."""
    parts = [month(tmp_path, "2024-01", START, 15), month(tmp_path, "2024-03", datetime(2024, 3, 1), 15)]
    draft = infer(of_files(parts, {}), Hints())
    assert (schema_of(draft).rows.period, "cut by time" in draft.to_say[0]) == (None, True)


def test_a_calendar_of_another_zone_is_asked_for(tmp_path: Path) -> None:
    """A month in New York spills over by UTC: the zone has to be said, and then the period is found."""
    hours = [datetime(2024, 1, 1, 5) + timedelta(hours=number) for number in range(24 * 31)]
    path = write_csv(
        tmp_path / "2024-01.csv", id=list(range(len(hours))), at=[f"{hour:%Y-%m-%dT%H:00:00Z}" for hour in hours]
    )
    unsaid, said = (infer(of_files([path], {}), Hints(zone=zone)) for zone in (None, "America/New_York"))
    assert (schema_of(unsaid).rows.period, any("--zone" in line for line in unsaid.to_say)) == (None, True)
    period = schema_of(said).rows.period
    assert period is not None
    assert (period.every, period.zone) == ("month", "America/New_York")


def test_lookups_are_found_by_their_key(months: list[Path], tmp_path: Path) -> None:
    """A column of the rows that is called like a lookup's key, and finds its entries, is a reference."""
    zips = [f"0{number}210" for number in range(6)]
    lookup = write_csv(tmp_path / "places.csv", zip=zips, people=[100 * number for number in range(6)])
    sources = of_files(months, {"places": lookup})
    draft = infer(sources, Hints())
    schema = schema_of(draft)
    assert (schema.lookups["places"].key, schema.lookups["places"].per_batch) == (["zip"], True)
    assert [(each.lookup, each.columns, each.matched) for each in schema.rows.references] == [("places", ["zip"], 0.7)]
    assert findings(draft, sources) == []


def test_json_lines_and_parquet(tmp_path: Path) -> None:
    """Formats that know types keep them: what is text there is no number, even if it reads like one."""
    records = [{"id": number, "code": f"{number % 3}", "x": number / 2} for number in range(30)]
    lines, table = tmp_path / "one.jsonl", tmp_path / "two.parquet"
    lines.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    pl.DataFrame(records).write_parquet(table)
    one, two = (schema_of(infer(of_files([path], {}), Hints())) for path in (lines, table))
    assert one == two
    assert {name: column.type for name, column in one.rows.columns.items()} == {
        "id": "integer",
        "code": "string",
        "x": "number",
    }


@pytest.mark.parametrize(
    ("columns", "hints", "words"),
    [
        ({"a": [1, 1, 2], "b": [1.5, 2.5, 3.5]}, Hints(), "rows has no key"),
        ({"a": [1, 1, 2], "b": [1.5, 2.5, 3.5]}, Hints(key=["a"]), "does not tell the rows"),
        ({"id": [1, 2, 3], "x": [1.0, "inf", 2.0]}, Hints(), "x: is infinite"),
        ({"id": [1, 2, 3], "x": ["KÃ¶ln", "Bonn", "Trier"]}, Hints(), "x: was decoded wrongly"),
        ({"id": [], "x": []}, Hints(), "has no rows"),
        ({"id": [1, 2], "_row": [1, 2]}, Hints(), "'_row'"),
    ],
)
def test_what_no_schema_can_take_is_refused(
    columns: dict[str, list[Any]], hints: Hints, words: str, tmp_path: Path
) -> None:
    """No key, no rows, wrong values in too many rows: it is said which, and no schema hides it."""
    with pytest.raises(DataRefused) as refused:
        infer(of_files([write_csv(tmp_path / "b.csv", **columns)], {}), hints)
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a;b\n1;2\n", "looks separated by ';'"),
        (b"a,b\n1\n", "cannot be read"),
        (b"", "cannot be read"),
        (b"a\n\xff\xfe\n", "cannot be read"),
        (b"a,a\n1,2\n", "'a', which is there twice"),
    ],
)
def test_broken_files_are_refused_in_words(content: bytes, words: str, tmp_path: Path) -> None:
    """A file that is no CSV with commas, or is cut off or garbled, says what is wrong with it."""
    path = tmp_path / "b.csv"
    path.write_bytes(content)
    with pytest.raises(DataRefused) as refused:
        infer(of_files([path], {}), Hints())
    assert words in refused.value.message


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    """What spreadsheets write before the first name does not become part of it."""
    path = tmp_path / "b.csv"
    path.write_bytes("\ufeffid,x\n007,1\n008,2\n".encode())
    columns = schema_of(infer(of_files([path], {}), Hints())).rows.columns
    assert {name: column.type for name, column in columns.items()} == {"id": "string", "x": "integer"}


def test_batches_have_to_agree(tmp_path: Path) -> None:
    """One schema is for all batches: a column that some lack is named."""
    one, two = write_csv(tmp_path / "a.csv", id=[1], x=[1]), write_csv(tmp_path / "b.csv", id=[2])
    with pytest.raises(DataRefused, match="other columns in b than in a: x"):
        infer(of_files([one, two], {}), Hints())


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        (Hints(key=["no"]), "--key names 'no'"),
        (Hints(time="no"), "--time names 'no'"),
        (Hints(after=["no"]), "--after names 'no'"),
        (Hints(time="kind"), "--time names kind, which is of type string"),
        (Hints(zone="New York"), "'New York' is no time zone"),
    ],
)
def test_a_hint_has_to_fit(hints: Hints, words: str, months: list[Path]) -> None:
    """A column that is not there or cannot order rows, and a zone that is none, are mistakes in the command."""
    with pytest.raises(UsageError) as refused:
        infer(of_files(months, {}), hints)
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("names", "lookups"),
    [(["a.csv", "a.parquet"], []), (["lookups.csv"], []), (["a.csv"], ["rows"]), (["a.csv"], ["a b"])],
)
def test_names_have_to_be_names(names: list[str], lookups: list[str]) -> None:
    """Two batches of one name, and names that batches and lookups cannot have, are refused before a file is read."""
    with pytest.raises(UsageError, match=r"called|name a lookup"):
        of_files([Path(name) for name in names], {name: Path("x.csv") for name in lookups})


def test_few_wrong_rows_are_named_and_set_aside(tmp_path: Path) -> None:
    """Where wrong values are as few as any batch may have, the schema is made, and they are named."""
    numbers: list[Any] = [number % 9 + 0.5 for number in range(400)]
    numbers[7] = "inf"
    sources = of_files([write_csv(tmp_path / "b.csv", id=list(range(400)), x=numbers)], {})
    draft = infer(sources, Hints())
    assert {(each.rule, each.count) for each in findings(draft, sources)} == {("infinite", 1), ("above-max", 1)}
    assert "b: rows.x: is infinite (1 row, for example inf)" in draft.quarantined


def test_a_file_is_not_written_over(months: list[Path], tmp_path: Path) -> None:
    """A schema that people have worked on is not replaced by a guess."""
    path = tmp_path / "schema.yaml"
    draft = infer(of_files(months, {}), Hints())
    write(path, draft)
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is there already"):
        write(path, draft)
    assert path.read_text(encoding="utf-8").endswith("# mine\n")


def test_the_command_prints_a_schema_alone(months: list[Path]) -> None:
    """What goes to a file is YAML; the notes are on the other stream."""
    done = CliRunner().invoke(app, ["schema", "infer", *map(str, months), "--after", "stars,km"])
    assert done.exit_code == 0
    assert [name for name, each in parse_schema(yaml.safe_load(done.stdout)).rows.columns.items()
            if each.known == "after"] == ["stars", "km"]  # fmt: skip
    assert "for a person to say" in done.stderr


PLAIN = st.sampled_from(
    [
        *("1", "0", "-7", "007", "1.5", "1e5", "0x10", ".5", "5.", "+3", "-0", "9223372036854775807"),
        *("12345678901234567890", "true", "false", "TRUE", "True", "no", "a", "b c", "NA", "null", "", " ", "'", '"'),
        *("2013-01-01", "2013-01-01 05:00", "2013-01-01T05:00:00Z", "2013-02-30", "12:30", "12:30:00", "a,b", "#", "é"),
        *("{x}", "[1]", "- y", "y: z", "~", "1_000", "1e400", "nul", "0.1", "1e-320", "%", "@", "|", "🙂"),
    ]
)
NASTY = PLAIN | st.sampled_from(["inf", "-inf", "nan", "\x00", "\x07", "KÃ¶ln", "\N{REPLACEMENT CHARACTER}"])


def tables(cells: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[list[str]]]]:
    """One or two batches of the same columns, cells by column."""
    column = st.lists(cells, min_size=1, max_size=3).flatmap(
        lambda pool: st.lists(st.sampled_from(pool), min_size=8, max_size=8)
    )
    width = st.integers(1, 4)
    return width.flatmap(
        lambda columns: st.lists(st.lists(column, min_size=columns, max_size=columns), min_size=1, max_size=2)
    )


def laid_out(folder: Path, batches: list[list[list[str]]], **more: list[Any]) -> Sources:
    """The batches as files."""
    paths = [
        write_csv(folder / f"b{place}.csv", **more, **{f"c {at}": values for at, values in enumerate(batch)})
        for place, batch in enumerate(batches)
    ]
    return of_files(paths, {})


@settings(max_examples=40, deadline=None)
@example([[["NA"] * 8], [["2013-01-01T05:00:00Z"] * 8]])
@given(tables(PLAIN))
def test_inferred_schemas_let_their_own_data_in(batches: list[list[list[str]]]) -> None:
    """Whatever right data look like, if rows have a key, inference finds a schema that has nothing against them."""
    with tempfile.TemporaryDirectory() as folder:
        sources = laid_out(Path(folder), batches, id=[f"r{number}" for number in range(8)])
        draft = infer(sources, Hints())
        assert findings(draft, sources) == []
        assert draft.text == infer(sources, Hints()).text


@settings(max_examples=40, deadline=None)
@given(tables(NASTY), st.booleans())
def test_nasty_data_is_taken_or_refused_in_words(batches: list[list[list[str]]], named: bool) -> None:
    """With wrong values, or without a key, there is a schema under which the batches come in, or a clear refusal."""
    with tempfile.TemporaryDirectory() as folder:
        sources = laid_out(Path(folder), batches, **({"id": list(range(8))} if named else {}))
        try:
            draft = infer(sources, Hints())
        except DataRefused as refused:
            assert refused.next_step  # noqa: PT017 - either of the two outcomes is right
        else:
            assert [finding for finding in findings(draft, sources) if finding.level == "refuse"] == []


ODD: dict[str, list[Any]] = {
    "text": ["", " ", "a", "7", "2013-01-01", "x" * 300, "é"],
    "whole": [0, 1, -1, 2**62, -(2**62), 2**63 - 1, -(2**63)],
    "real": [0.0, -0.0, 1.5, float("nan"), 1e308, -1e308, 5e-324, 1e16, 3.0],
    "flag": [True, False],
    "time": [datetime(1, 1, 1), datetime(1970, 1, 1), datetime(2020, 2, 29, 12), datetime(9999, 12, 31)],
    "nothing": [None],
}
KINDS: dict[str, Any] = {
    "text": pl.String(),
    "whole": pl.Int64(),
    "real": pl.Float64(),
    "flag": pl.Boolean(),
    "time": pl.Datetime("us"),
    "nothing": pl.String(),
}


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_typed_data_is_let_in_too(data: st.DataObject) -> None:
    """The largest numbers, the first and the last day, columns without a value: Parquet passes what is made of it."""
    kinds = data.draw(st.lists(st.sampled_from(sorted(ODD)), min_size=1, max_size=4))
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"b{number}.parquet" for number in range(data.draw(st.integers(1, 2)))]
        for path in paths:
            columns = {"id": pl.Series(range(12))}
            for place, kind in enumerate(kinds):
                pool = data.draw(st.lists(st.none() | st.sampled_from(ODD[kind]), min_size=1, max_size=3))
                values = data.draw(st.lists(st.sampled_from(pool), min_size=12, max_size=12))
                columns[f"c{place}"] = pl.Series(values, dtype=KINDS[kind])
            pl.DataFrame(columns).write_parquet(path)
        sources = of_files(paths, {})
        assert findings(infer(sources, Hints()), sources) == []
