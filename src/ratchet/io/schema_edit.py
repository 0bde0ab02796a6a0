"""Changes to the text of `schema.yaml` where they belong: comments, order and spelling of all else stay as they are.

The text is edited at the places that the parser names. Whether it then says what was meant is checked by reading it; a
file that is written in a way that this cannot edit (anchors, merges) is left to people.
"""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from ratchet.core.schema import Column
from ratchet.core.schema_proposal.records import Change, Path
from ratchet.errors import UsageError
from ratchet.io.schema_file import COLUMN_KEYS, column_line, flow
from ratchet.io.yaml_text import parse_yaml


def edit_schema(text: str, changes: Iterable[Change], *, source: str) -> str:
    """The text with the changes made. Raises UsageError if a change cannot be made in place."""
    for change in changes:
        try:
            new = _edited(text, change)
            done = parse_yaml(new, source=source) == _changed(parse_yaml(text, source=source), change)
        except (UsageError, LookupError, yaml.YAMLError):
            done = False
        if not done:
            raise UsageError(
                f"{source} is written in a way that is not edited by a program, at {'.'.join(map(str, change.path))}",
                next_step=f"write there by hand: {change.key}: {_value(change)}",
            )
        text = new
    return text


def difference(old: str, new: str, *, source: str) -> str:
    """A unified diff that `git apply` takes; empty if nothing changed."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, after, fromfile=f"a/{source}", tofile=f"b/{source}", n=1))


def _value(change: Change) -> str:
    if isinstance(change.value, Column):
        return column_line(change.key, change.value).removeprefix(f"{flow(change.key)}: ")
    return flow(change.value)


def _changed(tree: Any, change: Change) -> Any:
    """The parsed file with the change made; what YAML shares by an anchor is not shared here."""
    tree = json.loads(json.dumps(tree)) if _is_plain(tree) else copy.deepcopy(tree)
    place = tree
    for step in change.path:
        place = place[step]
    place[change.key] = yaml.safe_load(_value(change))
    return tree


def _is_plain(tree: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(tree)) == tree)
    except (TypeError, ValueError):
        return False


def _edited(text: str, change: Change) -> str:
    mapping = _node(yaml.compose(text, Loader=yaml.SafeLoader), change.path)
    found = next((value for key, value in mapping.value if key.value == change.key), None)
    if isinstance(found, yaml.SequenceNode) and isinstance(change.value, Sequence):
        return _appended(text, found, change.value[len(found.value) :])
    if found is not None:
        return text[: found.start_mark.index] + _value(change) + text[found.end_mark.index :]
    return _inserted(text, mapping, change)


def _node(node: Any, path: Path) -> Any:
    for step in path:
        if isinstance(node, yaml.MappingNode):
            node = {key.value: value for key, value in node.value}[step]
        else:
            node = node.value[step]
    return node


def _appended(text: str, sequence: yaml.SequenceNode, new: Sequence[Any]) -> str:
    """The text with items added after the last one of a list."""
    last = sequence.value[-1]
    if sequence.flow_style:
        return _put(text, last.end_mark.index, "".join(f", {flow(value)}" for value in new))
    dash = text.rindex("-", 0, last.start_mark.index)
    indent = " " * (dash - text.rfind("\n", 0, dash) - 1)
    return _put(text, _line_end(text, last), "".join(f"\n{indent}- {flow(value)}" for value in new))


def _inserted(text: str, mapping: yaml.MappingNode, change: Change) -> str:
    """The text with a key added to a mapping: a column last, a key of a column at its usual place."""
    new = isinstance(change.value, Column)
    key, after = mapping.value[-1] if new else _before(mapping, change.key)
    entry = f"{flow(change.key)}: {_value(change)}"
    if mapping.flow_style:
        return _put(text, after.end_mark.index, f", {entry}")
    return _put(text, _line_end(text, after), f"\n{' ' * key.start_mark.column}{entry}")


def _before(mapping: yaml.MappingNode, key: str) -> Any:
    """The entry of a mapping that a new key is put behind: the last one that usually precedes it."""
    order: Mapping[str, int] = {name: place for place, name in enumerate(COLUMN_KEYS)}
    place = order.get(key, len(order))
    earlier = [entry for entry in mapping.value if order.get(entry[0].value, len(order)) < place]
    return earlier[-1] if earlier else mapping.value[-1]


def _line_end(text: str, node: yaml.Node) -> int:
    """Where the line ends that a node ends on, comments included; the end of a block lies on a later line."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = text.find("\n", node.end_mark.index)
    return len(text) if end < 0 else end


def _put(text: str, place: int, new: str) -> str:
    return text[:place] + new + text[place:]
