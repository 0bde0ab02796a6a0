"""What a per-batch output folder holds, and what a run has to do to bring it up to date.

Each unit (a batch, or the standing lookups) has a key: the digest of everything its files are made from. Same key,
same bytes: a unit whose key is known is kept, a new or changed one is made, one that nobody wants is pruned.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from ratchet.core.params import Section


class Unit(Section):
    """One unit's key, and the SHA-256 of each of its files."""

    key: str
    files: dict[str, str]


class Manifest(Section):
    """`manifest.json` of an output folder."""

    units: dict[str, Unit] = Field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """Names of units to keep as they are, to make, and to remove; each sorted."""

    keep: tuple[str, ...]
    make: tuple[str, ...]
    prune: tuple[str, ...]


def plan_work(wanted: Mapping[str, str], manifest: Manifest) -> Work:
    """Compare the wanted units (name to key) with those at hand.

    >>> have = Manifest(units={"a": Unit(key="1", files={}), "b": Unit(key="1", files={})})
    >>> plan_work({"a": "1", "c": "1"}, have)
    Work(keep=('a',), make=('c',), prune=('b',))
    """
    known = {name for name, key in wanted.items() if name in manifest.units and manifest.units[name].key == key}
    return Work(
        keep=tuple(sorted(known)),
        make=tuple(sorted(set(wanted) - known)),
        prune=tuple(sorted(set(manifest.units) - set(wanted))),
    )


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
