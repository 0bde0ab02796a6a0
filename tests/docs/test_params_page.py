"""docs/params.md and the records of `params.yaml` say the same. Run as a script, this writes the page's tables anew."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel

from ratchet.core.estimators import ESTIMATORS
from ratchet.core.metrics import loss_names, metrics_for
from ratchet.core.params import Bounds, Params, Task, records_in

PAGE = Path(__file__).resolve().parents[2] / "docs" / "params.md"
TABLES = re.compile(r"(?<=<!-- tables -->\n).*?(?=<!-- end of tables -->)", re.DOTALL)
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
PLACES = {"floors": "<metric>", "columns": "<feature>"}
"""What the keys of a mapping of records are, where they are not plain names."""

LIMITS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}

Tree = Mapping[str, Any]


def tables() -> str:
    """One heading and one table for each section of `params.yaml`, from its record."""
    schema = Params.model_json_schema()
    return "\n".join(_section(name, schema["$defs"]) for name in Params.model_fields)


def _section(name: str, definitions: Tree) -> str:
    record = next(records_in(Params.model_fields[name].annotation))
    needed = "" if Params.model_fields[name].is_required() else " May be left out."
    head = f"## `{name}`\n{inspect.getdoc(record)}{needed}\n\n| key | values | default | meaning |\n|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in _rows("", record, definitions))


def _rows(prefix: str, record: type[BaseModel], definitions: Tree) -> Iterator[tuple[str, str, str, str]]:
    """One row per key; the keys of a section within a section follow it, with dotted names."""
    schema = definitions[record.__name__]
    for key, spec in schema["properties"].items():
        annotation = record.model_fields[key].annotation
        inner = "$ref" in spec  # its own keys, each with its default, follow
        value = {} if inner else spec.get("default", {})
        default = "required" if key in schema.get("required", []) else f"`{json.dumps(value)}`"
        yield f"`{prefix}{key}`", _values(spec), default, spec["description"]
        for nested in records_in(annotation):
            place = f"{PLACES.get(key, '<name>')}." if get_origin(annotation) is dict else ""
            yield from _rows(f"{prefix}{key}.{place}", nested, definitions)


def _values(spec: Tree) -> str:
    """The type and the range of a key, in words."""
    if options := spec.get("anyOf", spec.get("oneOf")):
        return " or ".join(_values(option) for option in options)
    if "enum" in spec:
        return ", ".join(f"`{value}`" for value in spec["enum"])
    kind = {"string": "text", "object": "mapping", "null": "`null`"}.get(spec.get("type", "object"), spec.get("type"))
    limits = [f"{word} {_number(spec[limit])}" for limit, word in LIMITS.items() if limit in spec]
    pattern = [f"like `{spec['pattern']}`"] if "pattern" in spec else []
    return ", ".join([str(kind), *limits, *pattern])


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def test_page_is_what_the_records_say() -> None:
    """Each key with its type, range, default and meaning is on the page, and no other key is."""
    found = TABLES.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == tables()


def test_every_key_is_a_row() -> None:
    """The tables leave out no key of any section, nor the bounds of a floor."""
    rows = set(re.findall(r"^\| `([\w.<>]+)`", tables(), re.MULTILINE))
    sections = [next(records_in(field.annotation)) for field in Params.model_fields.values()]
    keys = {key for section in sections for key in section.model_fields}
    # What the policy is priced by is declared in `evaluate`, and nobody writes it here.
    assert keys - rows == {"priced"}
    assert {f"floors.<metric>.{key}" for key in Bounds.model_fields} - rows == set()


def test_page_names_every_estimator_and_metric() -> None:
    """What `model.estimator`, `gate.metric` and `gate.floors` may be is on the page, task by task."""
    text = PAGE.read_text(encoding="utf-8")
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| ")}
    for task in TASKS:
        named = set(re.findall(r"`(\w+)`", lines[task]))
        usable = {name for name, kinds in ESTIMATORS.items() if kinds[task == "regression"]}
        assert named == usable | {metric.name for metric in metrics_for(task)} | set(loss_names(task))


if __name__ == "__main__":
    PAGE.write_text(TABLES.sub(lambda _: tables(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
