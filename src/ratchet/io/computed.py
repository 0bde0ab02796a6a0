"""`data/computed.yaml`: the digest of each entry of `dvc.lock`, written by what computed it (see `core.computed`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ratchet.core.computed import digests, doubtful
from ratchet.core.lock_merge import STAGES
from ratchet.errors import UsageError
from ratchet.io import layout
from ratchet.io.files import write_text
from ratchet.io.yaml_text import parse_yaml


def distrust(root: Path) -> tuple[str, ...]:
    """Take the entries out of `dvc.lock` that were not computed, and return their stages: DVC then runs them.

    A project without `data/computed.yaml` has nobody's word on its lock, and is believed.
    Raises UsageError if one of the two files holds a merge's marks or is no YAML.
    """
    path = root / layout.COMPUTED
    if not (path.is_file() and (root / layout.LOCK).is_file()):
        return ()
    lock, computed = _read(root, layout.LOCK), _read(root, layout.COMPUTED).get(STAGES) or {}
    stages = lock.get(STAGES) or {}
    if names := doubtful(stages, computed):
        # Imported late: a lock is nearly always as it was computed.
        from ratchet.io.lock_text import dump

        kept = {name: entry for name, entry in stages.items() if name not in names}
        write_text(root / layout.LOCK, dump({**lock, STAGES: kept}))
    return names


def remember(root: Path) -> None:
    """Write down the digests of the lock that was just computed."""
    if (root / layout.LOCK).is_file():
        stages = _read(root, layout.LOCK).get(STAGES) or {}
        lines = (f"  {name}: {digest}\n" for name, digest in digests(stages).items())
        write_text(root / layout.COMPUTED, f"{STAGES}:\n{''.join(lines)}")


def _read(root: Path, name: str) -> dict[str, Any]:
    tree = parse_yaml((root / name).read_text(encoding="utf-8"), source=name)
    if tree is not None and not isinstance(tree, dict):
        raise UsageError(f"{name} is not a mapping", next_step=f"git checkout -- {name}, then ratchet run")
    return tree or {}
