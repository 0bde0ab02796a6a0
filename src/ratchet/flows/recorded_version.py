"""A version as it was recorded: the ledger's word, and the files of its run that are held to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ratchet.core.attestation import load_statement
from ratchet.core.judged import Evaluation
from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Entry, Line, RegistrationEntry
from ratchet.core.lineage_record import FILE, Lineage
from ratchet.core.params import Params
from ratchet.core.rebuilt import Record
from ratchet.errors import ServiceFailed, TamperedFile, UsageError
from ratchet.flows.fetch_model import fetch_model
from ratchet.flows.record import EVALUATION, LINEAGE, flat
from ratchet.flows.version_evidence import MANIFEST
from ratchet.io import files
from ratchet.io.mlflow import MODEL, tracking
from ratchet.io.signed_model import EVIDENCE, named
from ratchet.settings import PARAMS, Settings


@dataclass(frozen=True, kw_only=True)
class RecordedVersion:
    """The ledger's entry of a version, what is recorded of it, and the verified folder of its model."""

    entry: RegistrationEntry
    record: Record
    model: Path


def registration(entries: Sequence[Line], model: str, version: int | None) -> RegistrationEntry | None:
    """The registration of a version, or of the one that serves; None if nothing serves. Raises UsageError."""
    if version is None:
        serving = champion(entries, model)
        if serving is None:
            return None
        version = serving.version
    mine = [each for each in entries if isinstance(each, RegistrationEntry) and each.model == model]
    found = next((each for each in mine if each.version == version), None)
    if found is None:
        raise UsageError(
            f"version {version} of {model} is not registered in the ledger", next_step="ratchet queue --all lists them"
        )
    return found


def recorded_version(settings: Settings, params: Params, entry: RegistrationEntry, into: Path) -> RecordedVersion:
    """Fetch what was recorded of a version into the folder `into`, each file compared with what the ledger names.

    Raises UsageError for a version of before lineage was kept, TamperedFile, ServiceFailed.
    """
    model = into / MODEL
    model.mkdir(parents=True)
    fetch_model(settings, params, run_id=entry.run_id, seal=entry.seal, into=model)
    kept = into / "kept"
    kept.mkdir()
    with tracking(settings.mlflow_uri, params.project.name) as store:
        for place in (LINEAGE, EVALUATION, *([EVIDENCE] if entry.manifest else [])):
            store.fetch(entry.run_id, place, kept)
    _require_as_recorded(entry, kept)
    path = kept / LINEAGE / FILE
    if not path.is_file():
        raise UsageError(
            f"version {entry.version} was recorded before lineage was kept: there is nothing to compare with",
            next_step="ratchet run and ratchet record make one that has it",
        )
    record = Record(
        lineage=Lineage.model_validate_json(path.read_bytes()),
        params=dict(flat(yaml.safe_load((kept / LINEAGE / PARAMS).read_text(encoding="utf-8")) or {})),
        model_digest=entry.model_digest,
        evaluation=Evaluation.model_validate_json((kept / EVALUATION / "evaluation.json").read_bytes()),
    )
    return RecordedVersion(entry=entry, record=record, model=model)


def champion_then(entries: Sequence[Line], evaluation: Evaluation) -> Entry | None:
    """The entry of the champion that a version was compared with, None where nothing served. Raises ServiceFailed."""
    if evaluation.champion is None:
        return None
    for entry in entries:
        if isinstance(entry, Entry) and entry.hash == evaluation.champion_entry:
            return entry
    raise ServiceFailed(
        f"the ledger does not name the champion, version {evaluation.champion}, that it was compared with",
        next_step="ratchet ledger verify",
    )


def _require_as_recorded(entry: RegistrationEntry, kept: Path) -> None:
    """The manifest is the one that the ledger names, and the files are those of the manifest."""
    if not entry.manifest:
        return
    path = kept / EVIDENCE / MANIFEST
    found = files.digest(path) if path.is_file() else "nothing"
    if found != entry.manifest:
        raise _tampered(entry, f"its manifest has SHA-256 {found[:12]}, the ledger names {entry.manifest[:12]}")
    recorded = load_statement(path.read_bytes()).files
    for place in (LINEAGE, EVALUATION):
        for name, digest in named(kept / place, place).items():
            if recorded.get(name) != digest:
                raise _tampered(entry, f"{name} was changed since it was recorded")


def _tampered(entry: RegistrationEntry, why: str) -> TamperedFile:
    return TamperedFile(
        f"version {entry.version}: {why}", next_step=f"look at run {entry.run_id} in MLflow, and at who may write there"
    )
