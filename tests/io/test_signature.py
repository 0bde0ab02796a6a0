"""Keys and signatures: who may sign, what a signature holds for, and what is refused."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from ratchet.core.attestation import Attested, Envelope, dump_envelope, dump_statement
from ratchet.errors import SignatureRefused, UsageError
from ratchet.io.key_files import VARIABLE, held, new_key, private_path, public_path, signing_key
from ratchet.io.signature import Keyring, read_keyring, sign, verify
from ratchet.settings import Secret, Settings, forget_tokens, load_settings

ONE = Attested(
    model="m", run_id="r", fingerprint="f", commit="c", model_digest="1", seal="2", decision_digest="3",
    files={"model/seal.json": "2"},
)  # fmt: skip
PAYLOAD = dump_statement(ONE)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A project without a key, outside of any repository."""
    (tmp_path / "params.yaml").touch()
    return load_settings(tmp_path, {})


def make(settings: Settings, name: str) -> ed25519.Ed25519PrivateKey:
    _, private = new_key(settings, name)
    key = load_pem_private_key(private.read_bytes(), None)
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return key


def retire(settings: Settings, name: str) -> None:
    public = public_path(settings.root, name)
    (public.parent / "retired").mkdir(exist_ok=True)
    public.rename(public.parent / "retired" / public.name)


def test_a_new_key_is_a_pair_of_which_nobody_else_reads_the_private_half(settings: Settings) -> None:
    """The public half is a plain PEM file that other tools read; the private one has mode 600."""
    make(settings, "release")
    private = private_path(settings, "release")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    (key,) = read_keyring(settings.root).keys
    assert (key.name, key.retired, held(settings)) == ("release", False, {key.id})


@pytest.mark.parametrize("where", ["public", "retired", "private"])
def test_no_key_is_ever_replaced(settings: Settings, where: str) -> None:
    """Whichever half is there, the name is taken, and nothing is written."""
    make(settings, "release")
    if where == "retired":
        retire(settings, "release")
        private_path(settings, "release").unlink()
    elif where == "private":
        public_path(settings.root, "release").unlink()
    else:
        private_path(settings, "release").unlink()
    before = {path: path.read_bytes() for path in settings.root.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="is there already"):
        new_key(settings, "release")
    assert {path: path.read_bytes() for path in settings.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", ".x", "a b", "-x"])
def test_a_name_is_no_path(settings: Settings, name: str) -> None:
    """It becomes the name of a file."""
    with pytest.raises(UsageError, match="cannot name a key"):
        new_key(settings, name)


def test_no_private_key_is_made_where_git_would_track_it(repository: object, tmp_path: Path) -> None:
    """Until .gitignore has its folder."""
    root: Path = repository("r")  # type: ignore[operator]  # the fixture is a function
    settings = load_settings(root, {})
    with pytest.raises(UsageError, match="git would track"):
        new_key(settings, "release")
    assert not (root / "keys").exists()
    (root / ".gitignore").write_text(".ratchet/\n", encoding="utf-8")
    new_key(settings, "release")


def test_what_was_signed_is_read_back_with_its_key(settings: Settings) -> None:
    """The same payload and key give the same bytes."""
    key = make(settings, "release")
    envelope = sign(PAYLOAD, key)
    attested, by = verify(envelope, read_keyring(settings.root), what="it")
    assert (attested, by.name, sign(PAYLOAD, key)) == (ONE, "release", envelope)


def test_each_byte_of_an_envelope_counts(settings: Settings) -> None:
    """Whatever byte becomes another one, by one bit or by many, the envelope is refused."""
    envelope = sign(PAYLOAD, make(settings, "release"))
    keyring = read_keyring(settings.root)
    for place, byte in enumerate(envelope):
        for other in (byte ^ 1, byte ^ 0x20, 0x0A if byte != 0x0A else 0x20):
            with pytest.raises(SignatureRefused):
                verify(envelope[:place] + bytes([other]) + envelope[place + 1 :], keyring, what="it")


def test_a_strangers_signature_is_refused(settings: Settings) -> None:
    """One by a key that is not in keys/, one that claims to be by a key that is, and none at all."""
    mine, stranger = make(settings, "release"), ed25519.Ed25519PrivateKey.generate()
    keyring = read_keyring(settings.root)
    with pytest.raises(SignatureRefused, match="signed by no key of keys/"):
        verify(sign(PAYLOAD, stranger), keyring, what="it")
    forged = Envelope(payload=PAYLOAD, signatures={keyring.keys[0].id: stranger.sign(PAYLOAD)})
    with pytest.raises(SignatureRefused, match="is not one that release made"):
        verify(dump_envelope(forged), keyring, what="it")
    with pytest.raises(SignatureRefused, match="signed by none"):
        verify(dump_envelope(Envelope(payload=PAYLOAD, signatures={})), keyring, what="it")
    raw = Envelope(payload=PAYLOAD, signatures={keyring.keys[0].id: mine.sign(PAYLOAD)})
    with pytest.raises(SignatureRefused, match="is not one that release made"):
        verify(dump_envelope(raw), keyring, what="it")


def test_a_signed_text_that_is_no_statement_is_refused(settings: Settings) -> None:
    """A good signature makes nothing else of it."""
    with pytest.raises(SignatureRefused, match="what was signed cannot be read"):
        verify(sign(b"{}", make(settings, "release")), read_keyring(settings.root), what="it")


def test_a_retired_key_is_told_from_one_in_use(settings: Settings) -> None:
    """It still verifies, and says so; nothing is signed with it, and there is still a need to sign."""
    key = make(settings, "old")
    retire(settings, "old")
    keyring = read_keyring(settings.root)
    assert verify(sign(PAYLOAD, key), keyring, what="it")[1].retired
    assert keyring.required
    assert signing_key(settings, keyring) is None


def test_the_key_of_the_environment_comes_first(settings: Settings) -> None:
    """Also on one line, as secrets are pasted; one whose public half is not in keys/ is refused, and never shown."""
    make(settings, "a")
    make(settings, "b")
    text = private_path(settings, "b").read_text(encoding="utf-8")
    keyring = read_keyring(settings.root)
    for value in (text, text.replace("\n", "\\n")):
        found = signing_key(replace(settings, signing_key=Secret(value)), keyring)
        assert found is not None
        assert found[1].name == "b"
    for other in (Keyring(), replace(keyring, keys=keyring.keys[:1])):
        with pytest.raises(UsageError, match="a key that keys/ does not hold"):
            signing_key(replace(settings, signing_key=Secret(text)), other)
    retire(settings, "b")
    with pytest.raises(UsageError, match="b, which is retired"):
        signing_key(replace(settings, signing_key=Secret(text)), read_keyring(settings.root))


@pytest.mark.parametrize("kind", ["nothing", "another kind", "with a password"])
def test_a_private_key_that_cannot_be_used_is_never_shown(settings: Settings, kind: str) -> None:
    """The message names where it stands, and has none of its text."""
    make(settings, "release")
    key = ed25519.Ed25519PrivateKey.generate()
    text = {
        "nothing": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
        "another kind": _pem(ec.generate_private_key(ec.SECP256R1())),
        "with a password": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode(),
    }[kind]
    with pytest.raises(UsageError, match=VARIABLE) as refused:
        signing_key(replace(settings, signing_key=Secret(text)), read_keyring(settings.root))
    assert refused.value.__cause__ is None
    assert text.splitlines()[1] not in str(refused.value)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import NoEncryption

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("kind", ["garbage", "another kind"])
def test_a_public_key_that_is_none_stops_everything(settings: Settings, kind: str) -> None:
    """A key that cannot be read must not pass for no key."""
    path = public_path(settings.root, "release")
    path.parent.mkdir()
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    text = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) if kind == "another kind" else b"x"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=r"release\.pub holds"):
        read_keyring(settings.root)


def test_the_signing_key_is_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It prints masked, and nothing that a command starts inherits it."""
    monkeypatch.setenv(VARIABLE, "secret")
    settings = load_settings(tmp_path)
    assert "secret" not in repr(settings)
    forget_tokens()
    assert (VARIABLE in os.environ, settings.signing_key.value) == (False, "secret")
