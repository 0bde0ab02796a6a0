"""Bring the serving champion here: from the ledger, verified, before the pipeline runs or a server starts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Entry
from ratchet.core.params import Params
from ratchet.errors import RatchetError, ServiceFailed
from ratchet.io import files, layout, model_folder
from ratchet.io.champion import read_entry, write_entry
from ratchet.io.git import ledger_remote
from ratchet.io.golden import require_golden
from ratchet.io.ledger import LedgerBranch
from ratchet.io.mlflow import MODEL, Tracking, tracking
from ratchet.io.signature import read_keyring, refused
from ratchet.io.signed_model import EVIDENCE, verify_signed
from ratchet.settings import Settings

Trial = Callable[[Path], object]
"""What a command, which knows more than a use case may, tries with the verified folder of a model."""


def no_trial(_folder: Path) -> None:
    """Try nothing but what everybody tries."""


def ledger(settings: Settings, params: Params) -> LedgerBranch:
    """The project's ledger."""
    remote = ledger_remote(settings.root, settings.git_remote)
    return LedgerBranch(settings.root, remote, params.promotion.branch, settings.git_token)


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


def fetch_model(settings: Settings, params: Params, *, run_id: str, seal: str, into: Path) -> None:
    """Fetch the sealed model of a run into the empty folder `into`, and verify it.

    Raises ServiceFailed, TamperedFile, SignatureRefused.
    """
    with tracking(settings.mlflow_uri, params.project.name) as store:
        fetched = store.fetch(run_id, MODEL, into)
        for path in list(fetched.iterdir()):
            path.rename(into / path.name)
        fetched.rmdir()
        if read_keyring(settings.root).required:
            _fetch_signature(store, run_id, into)
    require_verified(settings, params, into, run_id=run_id, seal=seal)


def _fetch_signature(store: Tracking, run_id: str, into: Path) -> None:
    """Beside the model's files. Raises SignatureRefused if the run has none."""
    with tempfile.TemporaryDirectory() as name:
        try:
            found = store.fetch(run_id, f"{EVIDENCE}/{model_folder.SIGNATURE}", Path(name))
        except ServiceFailed as error:
            what = f"the model of run {run_id}"
            raise refused(what, "keys/ asks for signatures, and MLflow has none of it") from error
        files.write(into / model_folder.SIGNATURE, lambda half: half.write_bytes(found.read_bytes()))


def require_verified(settings: Settings, params: Params, folder: Path, *, run_id: str, seal: str) -> None:
    """Verify a fetched model's signature, manifest and seal. Raises SignatureRefused, TamperedFile.

    A retired key stands for what the ledger names, which it signed while it was in use, and for nothing else.
    """
    expected = {"model": params.project.name, "run_id": run_id, "seal": seal}
    key = verify_signed(folder, read_keyring(settings.root), expected)
    if key is None or not key.retired:
        return
    known = {(getattr(each, "run_id", ""), getattr(each, "seal", "")) for each in ledger(settings, params).read()}
    if (run_id, seal) not in known:
        raise refused(
            f"the model of run {run_id}",
            f"its signature is by {key.name}, which is retired, and the ledger does not name this model",
        )


def rehearse(settings: Settings, params: Params, trial: Trial, *, run_id: str, seal: str) -> None:
    """Fetch, verify and load a model as a server would, let it answer its golden requests, and let `trial` try it.

    Raises what would go wrong there.
    """
    with tempfile.TemporaryDirectory() as name:
        fetch_model(settings, params, run_id=run_id, seal=seal, into=Path(name))
        require_golden(Path(name), model_folder.read(Path(name), seal=seal))
        trial(Path(name))
