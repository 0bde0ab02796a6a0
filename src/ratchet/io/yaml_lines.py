"""Where each key of a YAML text stands, and what is written there, even if the text is otherwise refused."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from ratchet.errors import UsageError

Place = tuple[str, yaml.Mark, yaml.Node]
"""A dotted key, where it stands, and its value."""


def key_lines(text: str) -> dict[str, int]:
    """Map every mapping key of `text` to its line, counted from 1.

    Keys are dotted from the root ("gate.alpha"); items of a list count as keys "0", "1", .... A key that stands twice
    maps to its last place, the one YAML's readers take the value from. Raises UsageError if `text` is not YAML.
    """
    return {key: mark.line + 1 for key, mark, _ in _walk(_compose(text), "")}


def scalar_at(text: str, key: str) -> str:
    """The value of a dotted key as it is written; empty if the key is not there, or its value is no scalar.

    Raises UsageError if `text` is not YAML.
    """
    found = [node.value for dotted, _, node in _walk(_compose(text), "") if dotted == key and _is_scalar(node)]
    return str(found[-1]) if found else ""


def _compose(text: str) -> yaml.Node | None:
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"the text is not YAML: {error}", next_step="mend it at the place named") from error
    return root


def _is_scalar(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode)


def _walk(
    node: yaml.Node | None, prefix: str, above: tuple[int, ...] = ()
) -> Iterator[tuple[str, yaml.Mark, yaml.Node]]:
    # An anchor may stand inside itself.
    if id(node) in above:
        return
    for key, mark, child in _children(node):
        dotted = f"{prefix}.{key}" if prefix else key
        yield dotted, mark, child
        yield from _walk(child, dotted, (*above, id(node)))


def _children(node: yaml.Node | None) -> Iterator[Place]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield str(key.value), key.start_mark, value
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield str(index), item.start_mark, item
