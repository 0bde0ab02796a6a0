"""The text of a `dvc.lock`, parsed and written as DVC does, without starting DVC."""

from __future__ import annotations

from typing import Any

import yaml

from ratchet.core.lock_merge import STAGES, merge_locks
from ratchet.errors import UsageError
from ratchet.io.yaml_text import LOADER


def merge_texts(base: str, ours: str, theirs: str) -> str:
    """Merge three versions of a `dvc.lock` (see `core.lock_merge`); an empty text is a lock without stages.

    Raises UsageError if one is no lock, or if a key differs that no rule merges.
    """
    parsed = [parse(text, side) for text, side in ((base, "the common base"), (ours, "our side"), (theirs, "theirs"))]
    return dump(merge_locks(*parsed))


def parse(text: str, side: str) -> dict[str, Any]:
    """A lock's text as a mapping; `side` says whose it is. Raises UsageError if it is no lock."""
    try:
        lock = yaml.load(text, Loader=LOADER)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError) as error:
        raise _broken(side, str(error)) from error
    if lock is None:
        return {}
    if not isinstance(lock, dict) or not isinstance(lock.get(STAGES) or {}, dict):
        raise _broken(side, "it has no stages")
    return lock


def dump(lock: dict[str, Any]) -> str:
    """A lock as DVC writes it: the order is kept, and lists are not indented."""
    return yaml.safe_dump(lock, sort_keys=False, allow_unicode=True)


def _broken(side: str, why: str) -> UsageError:
    return UsageError(
        f"dvc.lock of {side} cannot be read: {why}",
        next_step="take the version that is right (git checkout --ours or --theirs dvc.lock), then ratchet run",
    )
