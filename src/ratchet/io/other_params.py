"""Parameters that are not the project's own, to ask what they would do: another file, and keys set on top of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ratchet.core.params import Params, parse_params
from ratchet.errors import UsageError
from ratchet.io.yaml_text import parse_yaml

SECTION = "gate"


def read_other_params(path: Path, changes: Sequence[str]) -> Params:
    """Read and check the parameters at `path`, with changes such as `gate.alpha=0.05` (the value as YAML).

    Raises UsageError if there is no such file, if a change is none or is of another section, and as `parse_params`.
    """
    try:
        tree = parse_yaml(path.read_text(encoding="utf-8"), source=path.name)
    except OSError as error:
        raise UsageError(f"{path} cannot be read", next_step="name a file such as params.yaml") from error
    for change in changes:
        _apply(tree, change)
    return parse_params(tree, source=path.name if not changes else f"{path.name} with {', '.join(changes)}")


def _apply(tree: object, change: str) -> None:
    key, equals, value = change.partition("=")
    first, *inner = key.strip().split(".")
    if not equals or first != SECTION or not inner or not all(inner):
        raise UsageError(f"--set {change!r} is no key of the gate", next_step="write it like gate.alpha=0.05")
    place = tree
    for part in (first, *inner[:-1]):
        if not isinstance(place, dict):
            break
        place = place.setdefault(part, {})
    if not isinstance(place, dict):
        raise UsageError(
            f"--set {change!r}: {key.rpartition('.')[0]} holds no keys", next_step="docs/params.md has the keys"
        )
    place[inner[-1]] = parse_yaml(value, source=f"--set {change}")
