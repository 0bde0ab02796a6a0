"""Signing what the ledger names: for versions of before the project had a key, and when a key is changed."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.ledger import served
from ratchet.core.ledger_entries import Entry
from ratchet.core.tracked_run import RunRef
from ratchet.errors import UsageError
from ratchet.flows.champion import ledger
from ratchet.flows.version_evidence import write_version_evidence
from ratchet.io.mlflow import tracking
from ratchet.io.room import read_params
from ratchet.io.signature import read_keyring
from ratchet.io.signed_model import EVIDENCE
from ratchet.settings import Settings


@dataclass(frozen=True)
class Signed:
    """A version, and the name of the key that signed it."""

    version: int
    key: str


def sign_served(settings: Settings, versions: Collection[int] = ()) -> Iterator[Signed]:
    """Sign versions that served, all of them by default, oldest first; each is there once it is kept with its run.

    Each model is fetched and compared with the seal in the ledger, which is the word for what is signed. Raises
    UsageError if there is no key or no such version, PromotionRefused without a private key, ServiceFailed,
    TamperedFile.
    """
    params = read_params(settings.root)
    if not read_keyring(settings.root).required:
        raise UsageError("the project has no key to sign with", next_step="ratchet keys new NAME")
    found = {entry.version: entry for entry in served(ledger(settings, params).read(), params.project.name)}
    unknown = sorted(set(versions) - found.keys())
    if unknown:
        raise UsageError(f"version {unknown[0]} of {params.project.name} never served", next_step="ratchet history")
    for version in sorted(set(versions) or found):
        run = _run(found[version])
        with tempfile.TemporaryDirectory() as name:
            written = write_version_evidence(settings, params, run, Path(name))
            with tracking(settings.mlflow_uri, params.project.name) as store:
                store.attach(run.run_id, Path(name), EVIDENCE)
        yield Signed(version, written.signed_by)


def _run(entry: Entry) -> RunRef:
    """By the ledger's word, not by MLflow's."""
    return RunRef(entry.run_id, entry.fingerprint, entry.seal, finished=True)
