"""Private keys: made here, kept in `.ratchet/keys/` or in the variable RATCHET_SIGNING_KEY, never in git."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.errors import UsageError
from ratchet.io import files
from ratchet.io.git import git_says
from ratchet.io.signature import KEYS, RETIRED, SUFFIX, Keyring, PublicKey, key_id
from ratchet.settings import Settings, find_home

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VARIABLE = "RATCHET_SIGNING_KEY"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def public_path(root: Path, name: str) -> Path:
    """Where the public key of this name is, which git tracks."""
    return find_home(root) / KEYS / f"{name}{SUFFIX}"


def private_path(settings: Settings, name: str) -> Path:
    """Where the private key of this name is, on the machine that made it."""
    return find_home(settings.root) / ".ratchet" / KEYS / f"{name}.pem"


def new_key(settings: Settings, name: str) -> tuple[Path, Path]:
    """Make a pair of keys; returns the paths of the public and the private one.

    Raises UsageError if the name is taken or git would track the private key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    _check_name(name)
    public, private = public_path(settings.root, name), private_path(settings, name)
    for path in (public, public.with_name(RETIRED) / public.name, private):
        if path.exists():
            raise UsageError(f"{path} is there already", next_step="take another name: a key is never replaced")
    _require_ignored(settings, private)
    key = Ed25519PrivateKey.generate()
    _write_private(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    text = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    files.write_text(public, text)
    return public, private


def signing_key(settings: Settings, keyring: Keyring) -> tuple[Ed25519PrivateKey, PublicKey] | None:
    """The private key to sign with, and its public half among those in use: the variable's, else one of this machine.

    None if there is neither. Raises UsageError if it cannot be read, or its public half is not in `keys/`.
    """
    if settings.signing_key.value:
        # Secrets are often pasted on one line, with \n for its ends.
        key = _read(settings.signing_key.value.replace("\\n", "\n").encode(), VARIABLE)
        return key, _in_use(key, keyring)
    for path in sorted((find_home(settings.root) / ".ratchet" / KEYS).glob("*.pem")):
        key = _read(path.read_bytes(), str(path))
        trusted = keyring.by_id(key_id(key.public_key()))
        if trusted and not trusted.retired:
            return key, trusted
    return None


def held(settings: Settings) -> set[str]:
    """The ids of the keys whose private half is here. Raises UsageError if one cannot be read."""
    paths = sorted((find_home(settings.root) / ".ratchet" / KEYS).glob("*.pem"))
    return {key_id(_read(path.read_bytes(), str(path)).public_key()) for path in paths}


def _in_use(key: Ed25519PrivateKey, keyring: Keyring) -> PublicKey:
    trusted = keyring.by_id(key_id(key.public_key()))
    if trusted is None or trusted.retired:
        what = f"{trusted.name}, which is retired" if trusted else f"a key that {KEYS}/ does not hold"
        raise UsageError(
            f"{VARIABLE} is the private half of {what}", next_step=f"commit its public half as {KEYS}/NAME{SUFFIX}"
        )
    return trusted


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a key: small letters, digits, dot, dash and underscore", next_step="such as release"
        )


def _require_ignored(settings: Settings, private: Path) -> None:
    """Outside of a repository nothing can be committed."""
    if git_says(["rev-parse", "--git-dir"], cwd=settings.root) is None:
        return
    if git_says(["check-ignore", "--quiet", str(private)], cwd=settings.root) is None:
        raise UsageError(
            f"git would track {private}", next_step="put the line .ratchet/ into .gitignore, then make the key"
        )


def _write_private(path: Path, text: bytes) -> None:
    """Nobody else may read it, at no moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)


def _read(text: bytes, where: str) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause, whose words may hold a part of the key.
        raise _unreadable(where) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unreadable(where)
    return key


def _unreadable(where: str) -> UsageError:
    return UsageError(
        f"{where} holds no Ed25519 private key without a password, in PEM", next_step="ratchet keys new NAME makes one"
    )
