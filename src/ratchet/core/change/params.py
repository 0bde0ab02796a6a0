"""Which keys of `params.yaml` differ between two versions of it: dotted names, values written as in the file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping

from ratchet.core.change.records import ParamChange

PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
"""Texts that YAML reads as texts without quotes, but for the words below. Others are quoted, although some need not."""
WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


def param_changes(base: object, head: object, lines: Mapping[str, int]) -> tuple[ParamChange, ...]:
    """Compare two parsed trees key by key, in the order of the head's keys; what is gone comes last.

    `lines` says on which line of the head's file a dotted key stands. A key whose value is written the same way on
    both sides has not changed, so 0.10 is 0.1, and 1 is not 1.0.

    >>> param_changes({"gate": {"alpha": 0.1}}, {"gate": {"alpha": 0.2}}, {"gate.alpha": 2})
    (ParamChange(key='gate.alpha', old='0.1', new='0.2', line=2),)
    """
    old, new = dict(flatten(base)), dict(flatten(head))
    keys = [*new, *(key for key in old if key not in new)]
    return tuple(
        ParamChange(key=key, old=old.get(key), new=new.get(key), line=lines.get(key) if key in new else None)
        for key in keys
        if old.get(key) != new.get(key)
    )


def flatten(tree: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each leaf of nested mappings under its dotted key, as text; a list and an empty mapping are leaves.

    >>> dict(flatten({"model": {"params": {"max_iter": 100, "early_stopping": False}, "tags": ["a", 1]}}))
    {'model.params.max_iter': '100', 'model.params.early_stopping': 'false', 'model.tags': '[a, 1]'}
    """
    if isinstance(tree, Mapping) and (tree or not prefix):
        for key, value in tree.items():
            yield from flatten(value, f"{prefix}.{key}" if prefix else str(key))
    elif prefix:
        yield prefix, as_yaml(tree)


def as_yaml(value: object) -> str:
    """A value on one line, as YAML would hold it: reading it gives the value again."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{as_yaml(key)}: {as_yaml(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_yaml, value))}]"
    if isinstance(value, str):
        plain = PLAIN.fullmatch(value) and value.lower() not in WORDS
        return value if plain else _quoted(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return _number(value) if isinstance(value, float) else str(value)


def _quoted(value: str) -> str:
    """In double quotes; characters that YAML does not let into a file are escaped."""
    return "".join(
        each if each.isprintable() else f"\\U{ord(each):08x}" for each in json.dumps(value, ensure_ascii=False)
    )


def _number(value: float) -> str:
    """YAML 1.1 reads a number with an exponent only if it has a point: 1.0e-05, where Python writes 1e-05."""
    if not math.isfinite(value):
        return {"inf": ".inf", "-inf": "-.inf"}.get(str(value), ".nan")
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa}{'' if '.' in mantissa or not exponent else '.0'}{exponent}{power}"
