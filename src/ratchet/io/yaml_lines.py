"""Where each key of a YAML text stands: line numbers for annotations and reports."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from ratchet.errors import UsageError


def key_lines(text: str) -> dict[str, int]:
    """Map every mapping key of `text` to its line, counted from 1.

    Keys are dotted from the root ("gate.alpha"); items of a list count as keys "0", "1", .... A key that stands twice
    maps to its last place, the one YAML's readers take the value from. Raises UsageError if `text` is not YAML.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"The text is not YAML: {error}. Mend it at the place named.") from error
    return {} if root is None else dict(_walk(root, ""))


def _walk(node: yaml.Node, prefix: str) -> Iterator[tuple[str, int]]:
    for key, mark, child in _children(node):
        dotted = f"{prefix}.{key}" if prefix else key
        yield dotted, mark.line + 1
        yield from _walk(child, dotted)


def _children(node: yaml.Node) -> Iterator[tuple[str, yaml.Mark, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield str(key.value), key.start_mark, value
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield str(index), item.start_mark, item
