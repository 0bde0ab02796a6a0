"""One contract for every room: what the declared source, `features` and `schema.yaml` owe the machine."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import yaml
from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype, is_string_dtype

from ratchet.core.params import Params, Task, parse_params
from ratchet.core.schema import ROWS, Column, ColumnType, Schema, Table, parse_schema
from ratchet.flows.look import frames, standing_frames

Tables = dict[str, pd.DataFrame]

TESTS = Path(__file__).resolve().parents[1]
PROJECTS = [TESTS.parent, TESTS / "projects" / "diabetes", TESTS / "projects" / "crops"]

HOLDS: Mapping[ColumnType, Callable[[pd.Series], bool]] = {
    "string": is_string_dtype,
    "integer": is_integer_dtype,
    "number": lambda values: is_numeric_dtype(values) and not is_bool_dtype(values),
    "boolean": is_bool_dtype,
    "timestamp": lambda values: values.dtype.kind == "M",
}
LABELS: Mapping[Task, Callable[[pd.Series], bool]] = {
    "binary": lambda values: values.dtype == pd.BooleanDtype(),
    "multiclass": is_string_dtype,
    "regression": lambda values: values.dtype == "float64",
}


@dataclass(frozen=True, kw_only=True)
class Room:
    """A project's own parts, loaded, with all of its batches."""

    folder: Path
    params: Params
    schema: Schema
    collect: Callable[[str | None, str | None], Iterator[tuple[str, Tables]]]
    build: Callable[[pd.DataFrame, Tables], pd.DataFrame]
    label: Callable[[pd.DataFrame], pd.Series]
    batches: dict[str, Tables]
    standing: Tables

    def features(self, rows: pd.DataFrame, batch: str) -> pd.DataFrame:
        """Features of `rows`, a part of `batch`, computed as the machine does: from what is known before."""
        lookups = {name: table for name, table in self.batches[batch].items() if name != ROWS}
        return self.build(rows[self.schema.known_before()], {**lookups, **self.standing})

    def tables(self) -> Iterator[tuple[str, Table, pd.DataFrame]]:
        """Each table of each batch and each standing lookup: where it is, its schema and its data."""
        for batch, tables in self.batches.items():
            for name, table in self.schema.batch_tables().items():
                yield f"{batch}/{name}", table, tables[name]
        for name, table in self.schema.standing_tables().items():
            yield name, table, self.standing[name]


@pytest.fixture(scope="module", params=PROJECTS, ids=["flights", "diabetes", "crops"])
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    """Each project that this repository holds."""
    project: Path = request.param
    params = parse_params(yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8")))
    folder = project / "src" / params.project.room
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(project / "src"))
        features = importlib.import_module(f"{params.project.room}.features")
        yield Room(
            folder=folder,
            params=params,
            schema=parse_schema(yaml.safe_load((folder / "schema.yaml").read_text(encoding="utf-8"))),
            collect=partial(frames, project),
            build=features.build,
            label=features.label,
            batches=dict(frames(project)),
            standing=standing_frames(project),
        )


def test_batch_names_sort_in_time_order(room: Room) -> None:
    """Names sort as strings in the order in which the batches come, and no name comes twice."""
    names = [name for name, _ in room.collect(None, None)]
    assert names == sorted(set(names))
    assert len(names) >= 2


def test_collect_yields_what_lies_after_since_up_to_until(room: Room) -> None:
    """`since` is excluded and `until` is included."""
    first, second, third, *_ = room.batches
    assert [name for name, _ in room.collect(first, third)] == [second, third]
    assert [name for name, _ in room.collect(None, second)] == [first, second]
    assert [name for name, _ in room.collect(third, third)] == []


def test_collect_is_deterministic(room: Room) -> None:
    """Asked again, the source gives the same tables."""
    for name, tables in room.collect(None, None):
        for table, expected in room.batches[name].items():
            pd.testing.assert_frame_equal(tables[table], expected, obj=f"{name}/{table}")


def test_batches_hold_the_tables_of_the_schema(room: Room) -> None:
    """Each batch has the rows and the lookups per batch, and the standing lookups are the others."""
    expected = set(room.schema.batch_tables())
    assert [name for name, tables in room.batches.items() if set(tables) != expected] == []
    assert set(room.standing) == set(room.schema.standing_tables())


def test_columns_are_those_of_the_schema_in_their_order(room: Room) -> None:
    """No column is undescribed, and none is described that is not there."""
    for where, table, data in room.tables():
        described = [name for name, column in table.columns.items() if column.description]
        assert described == [*data.columns], where


def test_every_clean_batch_meets_its_schema(room: Room) -> None:
    """Types, missing values, ranges and allowed values hold in all of the data."""
    broken = [
        f"{where}.{name}: {rule}"
        for where, table, data in room.tables()
        for name, column in table.columns.items()
        for rule in _broken_rules(column, data[name])
    ]
    assert broken == []


def _broken_rules(column: Column, values: pd.Series) -> Iterator[str]:
    present = values.dropna()
    if not HOLDS[column.type](values):
        yield f"{values.dtype} is not {column.type}"
    if not column.nullable and len(present) < len(values):
        yield "missing values"
    if column.min is not None and (present < column.min).any():
        yield f"below {column.min}"
    if column.max is not None and (present > column.max).any():
        yield f"above {column.max}"
    if column.values is not None and not present.isin(column.values).all():
        yield f"not one of {column.values}"


def test_keys_are_unique(room: Room) -> None:
    """A key names one row within its batch; a row's key also names one row over all batches."""
    repeated = [where for where, table, data in room.tables() if data.duplicated(table.key).any()]
    assert repeated == []
    every_row = pd.concat([tables[ROWS] for tables in room.batches.values()])
    assert every_row.duplicated(room.schema.rows.key).sum() == 0


def test_no_part_of_a_key_would_do(room: Room) -> None:
    """The keys are as small as they can be: without any one of its columns, a key repeats."""
    for where, table, data in room.tables():
        for spared in table.key if len(table.key) > 1 else []:
            rest = [name for name in table.key if name != spared]
            assert data.duplicated(rest).any(), f"{where}: {rest} is a key"


def test_time_and_cluster_columns_are_in_the_rows(room: Room) -> None:
    """What the schema and the parameters name is a column, and the time is a timestamp that is always there."""
    rows = room.schema.rows
    cluster = room.params.split.cluster
    assert cluster is None or cluster.column in rows.columns
    assert rows.time is None or (rows.columns[rows.time].type, rows.columns[rows.time].nullable) == ("timestamp", False)


def test_features_have_one_row_per_row(room: Room) -> None:
    """Features come in the order of the rows, with their index, whatever the index is."""
    for batch, tables in room.batches.items():
        rows = tables[ROWS].set_axis(range(1000, 1000 + len(tables[ROWS])))
        assert room.features(rows, batch).index.equals(rows.index)


def test_features_are_numbers_or_strings_and_the_same_in_every_batch(room: Room) -> None:
    """A model trained on some batches finds the same columns, of the same types, in all others."""
    dtypes = [room.features(tables[ROWS], batch).dtypes.to_dict() for batch, tables in room.batches.items()]
    assert [found for found, expected in pairwise(dtypes) if found != expected] == []
    assert all(is_numeric_dtype(dtype) or is_string_dtype(dtype) for dtype in dtypes[0].values())


def test_no_feature_is_an_outcome(room: Room) -> None:
    """No column that is known only afterwards reaches the model, nor does the target."""
    rows = room.schema.rows.columns
    features = room.features(*_some_rows(room))
    assert set(features.columns) & ({*rows} - {*room.schema.known_before()} | {room.params.project.target}) == set()


def test_features_of_a_row_do_not_depend_on_other_rows(room: Room) -> None:
    """A row alone, or in another order, has the features it has within its batch."""
    rows, batch = _some_rows(room)
    some = rows.sample(frac=0.3, random_state=1)
    whole = room.features(rows, batch)
    pd.testing.assert_frame_equal(room.features(some, batch), whole.loc[some.index])
    pd.testing.assert_frame_equal(room.features(rows.iloc[[7]], batch), whole.iloc[[7]])


def test_features_leave_their_inputs_alone(room: Room) -> None:
    """Neither rows nor lookups are changed by building features or labels."""
    rows, batch = _some_rows(room)
    before = rows.copy()
    lookups = {name: table.copy() for name, table in {**room.batches[batch], **room.standing}.items() if name != ROWS}
    kept = {name: table.copy() for name, table in lookups.items()}
    room.build(rows, lookups)
    room.label(rows)
    pd.testing.assert_frame_equal(rows, before)
    for name, table in kept.items():
        pd.testing.assert_frame_equal(lookups[name], table)


def test_label_fits_the_task(room: Room) -> None:
    """Labels carry the index of the rows and the type of the task, and most rows have one."""
    for tables in room.batches.values():
        labels = room.label(tables[ROWS])
        assert labels.index.equals(tables[ROWS].index)
        assert LABELS[room.params.project.task](labels)
        assert labels.notna().mean() > 0.9


def test_label_needs_an_outcome(room: Room) -> None:
    """What is predicted cannot be computed from what is known before."""
    rows, _ = _some_rows(room)
    with pytest.raises(KeyError):
        room.label(rows[room.schema.known_before()])


def test_room_imports_nothing_of_the_machine(room: Room) -> None:
    """A room can be read, run and replaced without ratchet."""
    modules = [*room.folder.glob("*.py")]
    assert {path.name for path in modules} >= {"features.py"}
    assert {name for path in modules for name in _imported(path) if name.partition(".")[0] == "ratchet"} == set()


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _some_rows(room: Room) -> tuple[pd.DataFrame, str]:
    """The rows of the newest batch, and its name."""
    batch = max(room.batches)
    return room.batches[batch][ROWS], batch
