"""Signing what the ledger names: for versions of before the project had a key, and when a key is changed."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.ledger import served
from ratchet.core.ledger_entries import Entry, Line, RegistrationEntry
from ratchet.core.params import Params
from ratchet.core.tracked_run import RunRef
from ratchet.errors import UsageError
from ratchet.flows.ledger import ledger
from ratchet.flows.version_evidence import sign_manifest, write_version_evidence
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
    entries = ledger(settings, params).read()
    found = {entry.version: entry for entry in served(entries, params.project.name)}
    unknown = sorted(set(versions) - found.keys())
    if unknown:
        raise UsageError(f"version {unknown[0]} of {params.project.name} never served", next_step="ratchet history")
    for version in sorted(set(versions) or found):
        run = _run(found[version])
        with tempfile.TemporaryDirectory() as name:
            key = _sign(settings, params, run, _manifest(entries, found[version]), Path(name))
            with tracking(settings.mlflow_uri, params.project.name) as store:
                store.attach(run.run_id, Path(name), EVIDENCE)
        yield Signed(version, key)


def _sign(settings: Settings, params: Params, run: RunRef, manifest: str, into: Path) -> str:
    """Sign the manifest it was registered with; of before registrations it is made here. Returns the key's name."""
    if manifest:
        return sign_manifest(settings, params, run, manifest, into)
    return write_version_evidence(settings, params, run, into).signed_by


def _manifest(entries: Iterable[Line], entry: Entry) -> str:
    """The digest of the manifest that the ledger names for a version; empty for one of before registrations."""
    registered = (each for each in entries if isinstance(each, RegistrationEntry) and each.run_id == entry.run_id)
    return next((each.manifest for each in registered if each.model == entry.model), "")


def _run(entry: Entry) -> RunRef:
    """By the ledger's word, not by MLflow's."""
    return RunRef(entry.run_id, entry.fingerprint, entry.seal, finished=True)
