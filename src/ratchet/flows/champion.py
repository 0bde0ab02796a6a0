"""Bring the serving champion here: from the ledger, verified, before the pipeline runs or a server starts."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Entry
from ratchet.core.params import Params
from ratchet.errors import RatchetError
from ratchet.flows.fetch_model import fetch_model
from ratchet.flows.ledger import ledger
from ratchet.io import files, layout
from ratchet.io.champion import read_entry, write_entry
from ratchet.io.signature import read_keyring
from ratchet.io.signed_model import verify_signed
from ratchet.settings import Settings


def pull(settings: Settings, params: Params, *, into: Path | None = None) -> Entry | None:
    """Write the champion's folder, or "none yet"; returns its ledger entry.

    A folder that already holds it, unaltered, is left alone. Raises ServiceFailed, TamperedFile.
    """
    entry = champion(ledger(settings, params).read(), params.project.name)
    folder = into or settings.root / layout.CHAMPION
    if not holds(settings, folder, entry):
        download(settings, params, entry, folder)
    return entry


def holds(settings: Settings, folder: Path, entry: Entry | None) -> bool:
    """Whether the folder holds exactly this champion, signed where signatures are required."""
    try:
        if read_entry(folder) != entry:
            return False
        if entry is not None:
            expected = {"model": entry.model, "run_id": entry.run_id, "seal": entry.seal}
            verify_signed(folder, read_keyring(settings.root), expected)
    except (RatchetError, ValueError):
        return False
    return True


def download(settings: Settings, params: Params, entry: Entry | None, folder: Path) -> None:
    """Fetch one version's sealed model folder, verify it, and put it in place in one step."""
    with files.new_folder(folder) as half:
        if entry is not None:
            fetch_model(settings, params, run_id=entry.run_id, seal=entry.seal, into=half)
        write_entry(half, entry)
