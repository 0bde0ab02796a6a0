"""`schema.yaml` as text that people read and review: one column a line, the same schema in the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from ratchet.core.schema import Column, Rows, Schema, Table

COLUMN_KEYS = ("type", "unit", "min", "max", "values", "nullable", "missing", "known", "level", "description")
"""The order of a column's keys."""
WHOLE_AS_INTEGER = 1e15
LIKE_A_NUMBER = re.compile(r"[-+.]?[0-9]")


class _Dumper(yaml.SafeDumper):
    """Quotes texts that start like a number: not every reader of YAML sees that 01097 is none."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "'" if LIKE_A_NUMBER.match(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def render_schema(schema: Schema, *, header: Sequence[str] = ()) -> str:
    """The schema as YAML, below `header` as lines of comment; reading it gives the schema back."""
    lines = [f"# {line}".rstrip() for line in header]
    lines += ["rows:", *_table(schema.rows, "  ")]
    if schema.lookups:
        lines += ["", "lookups:"]
    for position, (name, lookup) in enumerate(schema.lookups.items()):
        lines += [""] * (position > 0) + [f"  {flow(name)}:"]
        lines += ["    per_batch: true"] * lookup.per_batch + [*_table(lookup, "    ")]
    return "\n".join(lines) + "\n"


def flow(value: Any) -> str:
    """A value in YAML on one line.

    >>> flow({"type": "string", "values": ["1", "a b"], "max": 8.0})
    "{type: string, values: ['1', a b], max: 8}"
    """
    text: str = yaml.dump(
        _plain(value), Dumper=_Dumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf")
    )
    return text.removesuffix("\n").removesuffix("\n...")


def column_line(name: str, column: Column) -> str:
    """One column on one line, without what is so by default."""
    said = column.model_dump(exclude_defaults=True)
    return f"{flow(name)}: {flow({key: said[key] for key in COLUMN_KEYS if key in said})}"


def _table(table: Table, indent: str) -> Iterator[str]:
    yield f"{indent}key: {flow(table.key)}"
    if isinstance(table, Rows):
        if table.time:
            yield f"{indent}time: {flow(table.time)}"
        if table.period:
            yield f"{indent}period: {flow(table.period.model_dump(exclude_none=True))}"
    if "quarantine" in table.model_fields_set:
        yield f"{indent}quarantine: {flow(table.quarantine)}"
    yield f"{indent}columns:"
    for name, column in table.columns.items():
        yield f"{indent}  {column_line(name, column)}"
    if table.relations:
        yield f"{indent}relations:"
        yield from (f"{indent}  - {flow(each.model_dump(exclude_defaults=True))}" for each in table.relations)
    if isinstance(table, Rows) and table.references:
        yield f"{indent}references:"
        yield from (f"{indent}  - {flow(each.model_dump())}" for each in table.references)


def _plain(value: Any) -> Any:
    """Whole numbers without a point, wherever they are."""
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE_AS_INTEGER:
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
