"""A version's model from where MLflow keeps it, verified by its signature, its manifest and its seal."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ratchet.core.params import Params
from ratchet.errors import ServiceFailed
from ratchet.flows.ledger import ledger
from ratchet.io import files, model_folder
from ratchet.io.mlflow import MODEL, Tracking, tracking
from ratchet.io.signature import read_keyring, refused
from ratchet.io.signed_model import EVIDENCE, verify_signed
from ratchet.settings import Settings


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
