"""Which entries of a `dvc.lock` a machine wrote, and which came about otherwise.

An entry of the lock says that these inputs gave these outputs, and DVC believes it. Where two branches are merged as
text, as GitHub does, an entry can end up with the inputs of one side and the outputs of the other: a computation that
nobody did. So whoever computes writes down the digest of each entry, one line each, and an entry that is not the one
that was computed is not believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.core.manifest import digest_of

Stages = Mapping[str, Any]
"""Entries of a lock by stage."""


def digests(stages: Stages) -> dict[str, str]:
    """The SHA-256 of each entry, in the order of the names."""
    return {name: digest_of(stages[name]) for name in sorted(stages)}


def doubtful(stages: Stages, computed: Mapping[str, str]) -> tuple[str, ...]:
    """The stages whose entry is not the one that was computed, in the order of the lock.

    >>> doubtful({"train": {"outs": [1]}}, digests({"train": {"outs": [2]}}))
    ('train',)
    """
    return tuple(name for name, entry in stages.items() if computed.get(name) != digest_of(entry))
