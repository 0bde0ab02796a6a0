"""The evidence that is kept beside a model version: its card, its lineage, and a signed manifest of all its files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.attestation import Attested, dump_statement
from ratchet.core.decision import Decision
from ratchet.core.findings import SliceCheck
from ratchet.core.judged import Evaluation
from ratchet.core.lineage_record import FILE, Lineage
from ratchet.core.model_card import CardFacts, build_card
from ratchet.core.params import Params
from ratchet.core.tracked_run import RunRef
from ratchet.errors import PromotionRefused, TamperedFile
from ratchet.flows.record import EVALUATION, LINEAGE, SLICES, fingerprint_of
from ratchet.io import files, layout, model_folder, signature
from ratchet.io.key_files import VARIABLE, signing_key
from ratchet.io.locked_outputs import require_locked
from ratchet.io.mlflow import MODEL, tracking
from ratchet.io.model_card_page import card_html, card_markdown
from ratchet.io.signature import PublicKey
from ratchet.io.signed_model import EVIDENCE, named
from ratchet.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DECISION = "decision"
"""The artifact folder of a run that holds the decision."""
CARD, PAGE, MANIFEST = "model-card.md", "model-card.html", "manifest.json"
KEPT = (MODEL, DECISION, EVALUATION, LINEAGE)
"""What the manifest names of a run, besides the evidence itself."""


@dataclass(frozen=True, kw_only=True)
class VersionEvidence:
    """The files that were written, and what the ledger remembers of them.

    `manifest` is the SHA-256 of manifest.json, `signed_by` the name of the key, empty where the project has none.
    `lineage` is None for a run of before it was kept.
    """

    files: tuple[Path, ...]
    manifest: str
    signed_by: str
    lineage: Lineage | None


def write_version_evidence(settings: Settings, params: Params, run: RunRef, into: Path) -> VersionEvidence:
    """Write the evidence of a recorded run's model into the folder `into`: artifacts `evidence/` of the run.

    The model is fetched and its seal verified first: nothing is signed that was not looked at. Of the run of what is
    here, model and decision must be those of `dvc.lock`, which git holds. The same run gives the same bytes.
    Raises PromotionRefused if signatures are required and no private key is here, ServiceFailed, TamperedFile,
    UsageError for a key that cannot be used.
    """
    signer = _signer(settings)
    with fetched(settings, params, run) as kept:
        _require_computed(settings.root, run, kept)
        facts = _facts(params, run, kept, signer=signer[1].name if signer else "")
        _write_card(facts, kept, into)
        payload = dump_statement(_attested(facts, run, kept, into))
    files.write(into / MANIFEST, lambda half: half.write_bytes(payload))
    if signer:
        _write_signature(payload, signer[0], into)
    return VersionEvidence(
        files=tuple(sorted(into.iterdir())),
        manifest=files.digest(into / MANIFEST),
        signed_by=facts.signer,
        lineage=facts.lineage,
    )


def sign_manifest(settings: Settings, params: Params, run: RunRef, manifest: str, into: Path) -> str:
    """Sign the manifest that a run has: the one whose SHA-256 the ledger names; returns the name of the key.

    The signature is written into the folder `into`; what the ledger names stays as it is. The model is fetched and
    its seal verified first. Raises PromotionRefused without a private key, TamperedFile, ServiceFailed.
    """
    signer = _signer(settings)
    with fetched(settings, params, run) as kept, tracking(settings.mlflow_uri, params.project.name) as store:
        path = store.fetch(run.run_id, f"{EVIDENCE}/{MANIFEST}", kept)
        if files.digest(path) != manifest:
            raise TamperedFile(
                f"{EVIDENCE}/{MANIFEST} of run {run.run_id} is not the one that the ledger names: it was not signed",
                next_step="ratchet ledger verify --deep; put the file back from a copy of MLflow's artifacts",
            )
        if signer is None:
            raise _no_key()
        _write_signature(path.read_bytes(), signer[0], into)
    return signer[1].name


def _signer(settings: Settings) -> tuple[Ed25519PrivateKey, PublicKey] | None:
    """The private key that signs here, None if the project asks for no signatures. Raises PromotionRefused."""
    keyring = signature.read_keyring(settings.root)
    found = signing_key(settings, keyring) if keyring.required else None
    if keyring.required and found is None:
        raise _no_key()
    return found


def _write_signature(payload: bytes, key: Ed25519PrivateKey, into: Path) -> None:
    envelope = signature.sign(payload, key)
    files.write(into / model_folder.SIGNATURE, lambda half: half.write_bytes(envelope))


@contextmanager
def fetched(settings: Settings, params: Params, run: RunRef) -> Iterator[Path]:
    """A folder with what is kept of a run, its model verified against its seal."""
    with tempfile.TemporaryDirectory() as name, tracking(settings.mlflow_uri, params.project.name) as store:
        for place in KEPT:
            store.fetch(run.run_id, place, Path(name))
        model_folder.verify_seal(Path(name) / MODEL, run.seal)
        yield Path(name)


def _require_computed(root: Path, run: RunRef, kept: Path) -> None:
    """Of a run of another commit only MLflow knows what was computed."""
    if not (root / layout.LOCK).is_file() or fingerprint_of(root) != run.fingerprint:
        return
    names = (model_folder.MODEL, model_folder.RECORD)
    require_locked(root, layout.MODEL, {name: kept / MODEL / name for name in names})
    require_locked(root, layout.DECISION, kept / DECISION / Path(layout.DECISION).name)


def _facts(params: Params, run: RunRef, kept: Path, *, signer: str) -> CardFacts:
    decision = Decision.model_validate_json((kept / DECISION / Path(layout.DECISION).name).read_bytes())
    evaluation = Evaluation.model_validate_json((kept / EVALUATION / "evaluation.json").read_bytes())
    lineage, slices = kept / LINEAGE / FILE, kept / EVALUATION / SLICES
    return CardFacts(
        model=params.project.name,
        run_id=run.run_id,
        seal=run.seal,
        about=params.card,
        record=model_folder.read_record(kept / MODEL),
        decision=decision,
        evaluation=evaluation,
        lineage=Lineage.model_validate_json(lineage.read_bytes()) if lineage.is_file() else None,
        slices=SliceCheck.model_validate_json(slices.read_bytes()) if slices.is_file() else decision.evidence.slices,
        signer=signer,
    )


def _write_card(facts: CardFacts, kept: Path, into: Path) -> None:
    card = build_card(facts)
    files.write_text(into / CARD, card_markdown(card))
    files.write_text(into / PAGE, card_html(card, kept / EVALUATION))
    if facts.lineage is not None:
        shutil.copyfile(kept / LINEAGE / FILE, into / FILE)


def _attested(facts: CardFacts, run: RunRef, kept: Path, into: Path) -> Attested:
    """The evidence is what was just written, whatever else lies there."""
    found = {name: digest for place in KEPT for name, digest in named(kept / place, place).items()}
    own = {name: digest for name, digest in named(into, EVIDENCE).items() if Path(name).name in (CARD, PAGE, FILE)}
    decision = kept / DECISION / Path(layout.DECISION).name
    return Attested(
        model=facts.model,
        run_id=run.run_id,
        fingerprint=run.fingerprint,
        commit=facts.lineage.commit.commit if facts.lineage else "",
        model_digest=facts.record.model_digest,
        seal=run.seal,
        decision_digest=files.digest(decision),
        files={**found, **own},
    )


def _no_key() -> PromotionRefused:
    return PromotionRefused(
        "signatures are required, as keys/ holds a key, and no private key of it is here",
        next_step=f"set {VARIABLE} (a secret of the workflow), or do it on the machine that has the key",
    )
