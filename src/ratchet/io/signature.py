"""Ed25519 signatures of manifests, and the keys that are trusted: `keys/NAME.pub`, which git tracks.

Where there is a key, signatures are required. A key in `keys/retired/` still stands for what it signed while it was
in use, which the ledger names; what it signs now is refused. Who may change `keys/` decides what is trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.attestation import Attested, Envelope, dump_envelope, load_envelope, load_statement, to_sign
from ratchet.errors import SignatureRefused, UsageError
from ratchet.settings import find_home

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEYS = "keys"
RETIRED = "retired"
SUFFIX = ".pub"


@dataclass(frozen=True)
class PublicKey:
    """A key that the project trusts, by the name of its file."""

    name: str
    public: Ed25519PublicKey = field(repr=False, compare=False)
    retired: bool = False

    @cached_property
    def id(self) -> str:
        """SHA-256 of the key as DER (SubjectPublicKeyInfo), in hexadecimal."""
        return key_id(self.public)


@dataclass(frozen=True)
class Keyring:
    """The keys that the project trusts, in order of their names, the retired ones last."""

    keys: tuple[PublicKey, ...] = ()

    @property
    def required(self) -> bool:
        """Whether nothing unsigned is used: there is a key, in use or retired."""
        return bool(self.keys)

    def by_id(self, key: str) -> PublicKey | None:
        """The key with this id, or None."""
        return next((each for each in self.keys if each.id == key), None)


def read_keyring(root: Path) -> Keyring:
    """The public keys of the project at `root`. Raises UsageError if a file holds no Ed25519 key."""
    folder = find_home(root) / KEYS
    paths = [(path, False) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    paths += [(path, True) for path in sorted((folder / RETIRED).glob(f"*{SUFFIX}"))]
    return Keyring(tuple(_read_public(path, retired=retired) for path, retired in paths))


def sign(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """The envelope of `payload` with the key's signature; the same bytes whenever the same is signed."""
    signatures = {key_id(key.public_key()): key.sign(to_sign(payload))}
    return dump_envelope(Envelope(payload=payload, signatures=signatures))


def verify(envelope: bytes, keyring: Keyring, *, what: str) -> tuple[Attested, PublicKey]:
    """What was signed, and the trusted key that signed it; a key in use before a retired one.

    `what` names the thing in messages. Raises SignatureRefused.
    """
    try:
        read = load_envelope(envelope)
    except ValueError as error:
        raise refused(what, f"its signature cannot be read: {error}") from error
    known = [key for each in read.signatures if (key := keyring.by_id(each))]
    if not known:
        named = ", ".join(each[:12] for each in read.signatures) or "none"
        raise refused(what, f"it is signed by no key of {KEYS}/ (signed by {named})")
    wrong = [key.name for key in known if not _signed(key, read)]
    if wrong:
        raise refused(what, f"its signature is not one that {wrong[0]} made of it")
    try:
        return load_statement(read.payload), min(known, key=lambda each: each.retired)
    except ValueError as error:
        raise refused(what, f"what was signed cannot be read: {error}") from error


def refused(what: str, why: str) -> SignatureRefused:
    """The error that nothing is used without a signature that holds."""
    return SignatureRefused(
        f"{what} was not used: {why}",
        next_step="docs/signing.md says who signs; ratchet keys sign, with a key of keys/, vouches for what serves",
    )


def key_id(public: Ed25519PublicKey) -> str:
    """SHA-256 of the key as DER (SubjectPublicKeyInfo), in hexadecimal."""
    import hashlib

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _signed(key: PublicKey, envelope: Envelope) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.public.verify(envelope.signatures[key.id], to_sign(envelope.payload))
    except InvalidSignature:
        return False
    return True


def _read_public(path: Path, *, retired: bool) -> PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        public = load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} holds no public key: {error}", next_step="ratchet keys new NAME makes one") from error
    if not isinstance(public, Ed25519PublicKey):
        raise UsageError(
            f"{path} holds a key of another kind than Ed25519", next_step="ratchet keys new NAME makes one"
        )
    return PublicKey(path.stem, public, retired)
