"""The champion as a tracked input: `data/champion/`, written from the ledger before the pipeline runs.

`champion.json` is the ledger's entry, or `null` when nothing serves yet; the rest is the sealed model folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.ledger_entries import Entry
from ratchet.errors import ServiceFailed
from ratchet.io import files, model_folder
from ratchet.io.model_folder import LoadedModel


@dataclass(frozen=True)
class Champion:
    """The serving version: its ledger entry and its verified model."""

    entry: Entry
    model: LoadedModel


def read_entry(folder: Path) -> Entry | None:
    """The ledger entry in `folder`, or None when nothing serves yet. Raises ServiceFailed if it was never pulled."""
    path = folder / model_folder.CHAMPION
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ServiceFailed(f"{path} is not there", next_step="ratchet champion pull") from error
    return None if json.loads(text) is None else Entry.model_validate_json(text)


def read_champion(folder: Path) -> Champion | None:
    """The champion in `folder`, verified against its entry, or None. Raises ServiceFailed, TamperedFile."""
    entry = read_entry(folder)
    if entry is None:
        return None
    return Champion(entry, model_folder.read(folder, seal=entry.seal))


def write_entry(folder: Path, entry: Entry | None) -> None:
    """Write `champion.json`."""
    files.write_json(folder / model_folder.CHAMPION, entry.model_dump() if entry else None)
