"""Bring the serving champion here: from the ledger, verified, before the pipeline runs or a server starts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from ratchet.core.ledger import Entry, champion
from ratchet.core.params import Params
from ratchet.errors import RatchetError
from ratchet.io import files, layout, model_folder
from ratchet.io.champion import read_entry, write_entry
from ratchet.io.git import ledger_remote
from ratchet.io.ledger import LedgerBranch
from ratchet.io.mlflow import MODEL, tracking
from ratchet.settings import Settings

Trial = Callable[[Path], object]
"""What a command, which knows more than a use case may, tries with the verified folder of a model."""


def ledger(settings: Settings, params: Params) -> LedgerBranch:
    """The project's ledger."""
    remote = ledger_remote(settings.root, settings.git_remote)
    return LedgerBranch(settings.root, remote, params.promotion.branch, settings.git_token)


def pull(settings: Settings, params: Params, *, into: Path | None = None) -> Entry | None:
    """Write the champion's folder, or "none yet"; returns its ledger entry.

    A folder that already holds it, unaltered, is left alone. Raises ServiceFailed, TamperedFile.
    """
    entry = champion(ledger(settings, params).read())
    folder = into or settings.root / layout.CHAMPION
    if not holds(folder, entry):
        download(settings, params, entry, folder)
    return entry


def holds(folder: Path, entry: Entry | None) -> bool:
    """Whether the folder holds exactly this champion."""
    try:
        if read_entry(folder) != entry:
            return False
        if entry is not None:
            model_folder.verify_seal(folder, entry.seal)
    except (RatchetError, ValueError):
        return False
    return True


def download(settings: Settings, params: Params, entry: Entry | None, folder: Path) -> None:
    """Fetch one version's sealed model folder, verify it, and put it in place in one step."""
    with files.new_folder(folder) as half:
        if entry is not None:
            fetch_model(settings, params, run_id=entry.run_id, seal=entry.seal, into=half)
        write_entry(half, entry)


def fetch_model(settings: Settings, params: Params, *, run_id: str, seal: str, into: Path) -> None:
    """Fetch the sealed model of a run into the empty folder `into`. Raises ServiceFailed, TamperedFile."""
    with tracking(settings.mlflow_uri, params.project.name) as store:
        fetched = store.fetch(run_id, MODEL, into)
    for path in list(fetched.iterdir()):
        path.rename(into / path.name)
    fetched.rmdir()
    model_folder.verify_seal(into, seal)


def rehearse(settings: Settings, params: Params, trial: Trial, *, run_id: str, seal: str) -> None:
    """Fetch, verify and load a model as a server would, and let `trial` try it. Raises what would go wrong there."""
    with tempfile.TemporaryDirectory() as name:
        fetch_model(settings, params, run_id=run_id, seal=seal, into=Path(name))
        model_folder.read(Path(name), seal=seal)
        trial(Path(name))
