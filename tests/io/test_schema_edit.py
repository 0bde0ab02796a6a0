"""`schema.yaml` as text: written readably, edited in place, and left alone where it cannot be."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.schema import Column, parse_schema
from ratchet.core.schema_proposal.records import Change
from ratchet.errors import UsageError
from ratchet.io.schema_edit import difference, edit_schema
from ratchet.io.schema_file import flow, render_schema

ROOT = Path(__file__).resolve().parents[2]
FLIGHTS = ROOT / "src" / "flights" / "schema.yaml"
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


def change(path: tuple[str | int, ...], key: str, value: Any) -> Change:
    """A change of which only the place matters."""
    return Change(path=path, key=key, value=value, where="", reason="", evidence="", risk="")


def edited(text: str, *changes: Change) -> str:
    """The text after the changes."""
    return edit_schema(text, changes, source="schema.yaml")


X = ("rows", "columns", "x")
BLOCK = "x:\n      type: string  # why\n"
ITEMS = "x:\n      values:\n        - a # one\n        - b # two\n"
PLACES = {
    "flow, there": ("x: {min: 0, max: 5}  # a", change(X, "max", 9.0), "x: {min: 0, max: 9}  # a"),
    "flow, not there": (
        "x: {type: string, known: after} # a",
        change(X, "nullable", True),
        "x: {type: string, nullable: true, known: after} # a",
    ),
    "flow, over lines": (
        "x: {min: 0,\n        max: 5}",
        change(X, "missing", 0.5),
        "x: {min: 0,\n        max: 5, missing: 0.5}",
    ),
    "block, there": (
        "x:\n      min: 0  # low\n      max: 5",
        change(X, "min", -1.0),
        "x:\n      min: -1  # low\n      max: 5",
    ),
    "block, not there": (
        f"{BLOCK}\n      # more\n      known: after",
        change(X, "nullable", True),
        f"{BLOCK}      nullable: true\n\n      # more\n      known: after",
    ),
    "list, flow": (
        'x: {values: ["a",  b ]}',
        change(X, "values", ["a", "b", "no", "c d"]),
        "x: {values: [\"a\",  b, 'no', c d ]}",
    ),
    "list, block": (f"{ITEMS}\n    # end", change(X, "values", ["a", "b", "c"]), f"{ITEMS}        - c\n\n    # end"),
    "column, last": (
        "x: {min: 0}  # a\n\n    # end",
        change(X[:2], "y z", Column(type="string")),
        "x: {min: 0}  # a\n    y z: {type: string}\n\n    # end",
    ),
    "column, after a block": (
        f"{BLOCK}# end",
        change(X[:2], "y", Column(type="string")),
        f"{BLOCK}    y: {{type: string}}\n# end",
    ),
}


@pytest.mark.parametrize(("before", "one", "after"), PLACES.values(), ids=PLACES)
def test_an_edit_touches_its_place_alone(before: str, one: Change, after: str) -> None:
    """Whatever the style, the new value stands where it belongs, and comments and spelling stay."""
    head = "# top\nrows:\n  columns:\n    "
    assert edited(head + before, one) == head + after
    assert edited(f"{head}{before}\n", one) == f"{head}{after}\n"


@pytest.mark.parametrize(
    "text",
    [
        "rows:\n  columns:\n    a: &t {type: string}\n    x: *t\n",
        "rows:\n  columns:\n    y: {min: 0}\n",
    ],
)
def test_what_cannot_be_edited_is_left_to_people(text: str) -> None:
    """A value that another one shares, or a place that is not there, is refused with what to write by hand."""
    with pytest.raises(UsageError) as refused:
        edited(text, change(X, "nullable", True))
    assert "by hand: nullable: true" in refused.value.next_step


NAMES = list(parse_schema(yaml.safe_load(FLIGHTS.read_text(encoding="utf-8"))).rows.columns)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(["min", "max", "missing", "nullable", "level"]), st.integers(0, 1))
def test_any_edit_of_a_real_file_is_one_line(name: str, key: str, number: int) -> None:
    """In the flights' own schema each edit changes one line, and nothing but the key that was meant."""
    text = FLIGHTS.read_text(encoding="utf-8")
    value: Any = {"nullable": bool(number), "level": ("warn", "refuse")[number]}.get(key, number / 2)
    new = edited(text, change(("rows", "columns", name), key, value))
    lines = list(zip(text.splitlines(), new.splitlines(), strict=True))
    assert sum(one != other for one, other in lines) <= 1
    wanted = yaml.safe_load(text)
    wanted["rows"]["columns"][name][key] = value
    assert yaml.safe_load(new) == wanted


def test_the_difference_is_a_patch(tmp_path: Path) -> None:
    """What is printed is what `git apply` takes."""
    path = tmp_path / "schema.yaml"
    text = FLIGHTS.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    new = edited(text, change(("rows", "columns", "flight"), "max", 12000.0))
    patch = difference(text, new, source="schema.yaml")
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=patch, text=True, check=True)
    assert path.read_text(encoding="utf-8") == new
    assert difference(text, text, source="schema.yaml") == ""


@given(TEXTS, st.lists(TEXTS, min_size=1, unique=True), st.floats(allow_nan=False, allow_infinity=False))
def test_a_rendered_schema_reads_back(name: str, values: list[str], low: float) -> None:
    """Names, values and numbers of any kind come back equal, on one line each."""
    columns = {"id": {"type": "string", "values": values}, name: {"type": "number", "min": low}}
    try:
        schema = parse_schema({"rows": {"key": ["id"], "columns": columns}})
    except UsageError:
        return
    text = render_schema(schema, header=["first", "second"])
    assert parse_schema(yaml.safe_load(text)) == schema
    assert len(text.splitlines()) == 5 + len(schema.rows.columns)


def test_every_key_is_written() -> None:
    """The flights' own schema, with relations, references and lookups, comes back equal."""
    schema = parse_schema(yaml.safe_load(FLIGHTS.read_text(encoding="utf-8")))
    assert parse_schema(yaml.safe_load(render_schema(schema))) == schema
    assert flow(1e300) == "1.0e+300"
