"""The signature of a model folder: what the manifest says of it, and whether the folder is that.

The order of verification, each step before the next one reads anything: signature, manifest, seal, then the digest of
the model's file and the types in it (`io.model_folder`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ratchet.core.attestation import Attested, unlike
from ratchet.io import files, model_folder
from ratchet.io.signature import Keyring, PublicKey, refused, verify

MODEL, EVIDENCE = "model", "evidence"
"""Where the model folder and the evidence are in their run."""


def verify_signed(folder: Path, keyring: Keyring, expected: Mapping[str, str]) -> PublicKey | None:
    """Verify the signature of a model folder, its manifest and its seal; returns the key, or None if none is required.

    `expected` are facts of `Attested` that must be so, `seal` among them. Raises SignatureRefused, TamperedFile.
    """
    if not keyring.required:
        model_folder.verify_seal(folder, expected["seal"])
        return None
    what = f"the model of run {expected.get('run_id', folder.name)}"
    path = folder / model_folder.SIGNATURE
    if not path.is_file():
        raise refused(what, "keys/ asks for signatures, and it has none")
    attested, key = verify(path.read_bytes(), keyring, what=what)
    if other := unlike(attested, expected):
        raise refused(what, f"it has the manifest of another version: {other}")
    _require_manifest(folder, attested, what)
    model_folder.verify_seal(folder, attested.seal)
    return key


def named(folder: Path, place: str) -> dict[str, str]:
    """The SHA-256 of each file of a folder, by its name in the run, where the folder is `place`."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {f"{place}/{path.relative_to(folder).as_posix()}": files.digest(path) for path in found}


def _require_manifest(folder: Path, attested: Attested, what: str) -> None:
    """The manifest names the seal, and each file as the seal does."""
    seal = folder / model_folder.SEAL
    found = files.digest(seal) if seal.is_file() else "nothing"
    if found != attested.files.get(f"{MODEL}/{model_folder.SEAL}"):
        raise refused(what, f"{seal} is not the one that was signed")
    sealed = {f"{MODEL}/{name}": digest for name, digest in json.loads(seal.read_bytes()).items()}
    inside = {name: digest for name, digest in attested.files.items() if name.startswith(f"{MODEL}/")}
    if inside != {**sealed, f"{MODEL}/{model_folder.SEAL}": found}:
        raise refused(what, "the manifest names other files of the model than the seal")
