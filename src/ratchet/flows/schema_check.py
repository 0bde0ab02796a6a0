"""Read `schema.yaml`, compile it, and say what it checks, or on which lines it is wrong."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.schema import Schema, parse_schema
from ratchet.core.schema_rules import CheckedRule, checked_rules, wrong_relations
from ratchet.errors import UsageError
from ratchet.io.room import read_params, schema_name, schema_path
from ratchet.io.yaml_lines import key_lines
from ratchet.io.yaml_text import parse_yaml
from ratchet.settings import Settings


def check(settings: Settings) -> list[CheckedRule]:
    """The rules of the project's schema. Raises UsageError that names the line of everything that is wrong with it."""
    params = read_params(settings.root)
    path, source = schema_path(settings.root, params), schema_name(settings.root, params)
    if not path.is_file():
        raise UsageError(f"{source} is not there", next_step="ratchet schema infer makes a first one")
    return checked_rules(read_checked(path, source))


def read_checked(path: Path, source: str) -> Schema:
    """The schema in a file, its relations compiled. Raises UsageError with the lines of what is wrong."""
    text = path.read_text(encoding="utf-8")
    tree = parse_yaml(text, source=source)
    lines = key_lines(text)
    try:
        schema = parse_schema(tree, source=source)
    except UsageError as error:
        head, *problems = error.message.splitlines()
        located = [_located(each.removeprefix("  - "), source, lines) for each in problems]
        raise _wrong(located or [head], source) from error
    if wrong := [f"{source}:{lines[key]}: {error.message}" for key, error in wrong_relations(schema)]:
        raise _wrong(wrong, source)
    return schema


def _located(problem: str, source: str, lines: dict[str, int]) -> str:
    """The problem behind the line of the innermost key that it names and that is there."""
    where = problem.partition(": ")[0]
    known = [key for key in lines if f"{where}.".startswith(f"{key}.")]
    return f"{source}:{lines[max(known, key=len)]}: {problem}" if known else f"{source}: {problem}"


def _wrong(problems: list[str], source: str) -> UsageError:
    lines = "".join(f"\n  - {each}" for each in problems)
    next_step = f"mend the lines named in {source}; docs/schema.md says what each key may hold"
    return UsageError(f"the schema is wrong:{lines}", next_step=next_step)
