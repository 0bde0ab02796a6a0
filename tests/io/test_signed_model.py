"""A signed model folder: every byte of it is held to the signature, and nothing is built before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sklearn.base import BaseEstimator

from ratchet.core.attestation import Attested, dump_statement
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Features, Model, Project
from ratchet.errors import SignatureRefused, TamperedFile
from ratchet.io import files, model_folder
from ratchet.io.signature import Keyring, PublicKey, sign
from ratchet.io.signed_model import named, verify_signed

KEY = Ed25519PrivateKey.generate()
KEYRING = Keyring((PublicKey("release", KEY.public_key()),))
RUN = "r1"


class Planted(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Leaves a trace when it is built."""

    built: ClassVar[list[str]] = []

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.built.append("built")
        super().__setstate__(state)

    def fit(self) -> Planted:
        """Learn something, so that there is a state to restore."""
        self.learnt_ = 1
        return self


def attest(folder: Path, **changes: Any) -> bytes:
    """The signature of a sealed folder."""
    seal = files.digest(folder / model_folder.SEAL)
    (folder / model_folder.SIGNATURE).unlink(missing_ok=True)
    facts = {
        "model": "m", "run_id": RUN, "fingerprint": "f", "commit": "c", "decision_digest": "d", "seal": seal,
        "model_digest": files.digest(folder / model_folder.MODEL), "files": named(folder, "model"), **changes,
    }  # fmt: skip
    return sign(dump_statement(Attested.model_validate(facts)), KEY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sealed and signed model folder; its model leaves a trace when it is built."""
    place = tmp_path / "model"
    (place / "src" / "r").mkdir(parents=True)
    (place / "src" / "r" / "features.py").write_text("x = 1\n", encoding="utf-8")
    digest = model_folder.write_model(place / model_folder.MODEL, Planted().fit())
    recipe = Recipe(
        project=Project(name="m", room="r", task="regression", target="y"),
        features=Features(),
        model=Model(estimator="ridge"),
    )
    record = ModelRecord(
        task="regression", target="y", features=[Feature(name="x", kind="number", nullable=True)], labels=[],
        baseline=[0.5], threshold=0.5, recipe=recipe, trained_on={"a": "x"}, rows=80, model_digest=digest,
        libraries={},
    )  # fmt: skip
    model_folder.write_record(place, record)
    model_folder.write_seal(place)
    (place / model_folder.SIGNATURE).write_bytes(attest(place))
    return place


def expected(folder: Path, **changes: str) -> dict[str, str]:
    """What the ledger says."""
    return {"model": "m", "run_id": RUN, "seal": files.digest(folder / model_folder.SEAL), **changes}


def test_a_signed_folder_says_whose_key(folder: Path) -> None:
    """The ledger's entry beside it changes nothing."""
    (folder / model_folder.CHAMPION).write_text("{}", encoding="utf-8")
    found = verify_signed(folder, KEYRING, expected(folder))
    assert found is not None
    assert found.name == "release"


def test_a_byte_that_changed_anywhere_is_found(folder: Path) -> None:
    """The signature, the seal, the code, the record: every byte; of the model, whose bytes are many, some."""
    ledger = expected(folder)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        for place in range(0, len(data), 97 if path.name == model_folder.MODEL else 1 if len(data) < 600 else 13):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            with pytest.raises(TamperedFile, match="not used"):
                verify_signed(folder, KEYRING, ledger)
        path.write_bytes(data)
    verify_signed(folder, KEYRING, ledger)


def _unsigned(folder: Path) -> None:
    (folder / model_folder.SIGNATURE).unlink()


def _another_run(folder: Path) -> None:
    (folder / model_folder.SIGNATURE).write_bytes(attest(folder, run_id="r2"))


def _another_model(folder: Path) -> None:
    (folder / model_folder.SIGNATURE).write_bytes(attest(folder, model="n"))


def _another_seal(folder: Path) -> None:
    (folder / model_folder.SIGNATURE).write_bytes(attest(folder, seal="0"))


def _other_files(folder: Path) -> None:
    found = {name: digest for name, digest in named(folder, "model").items() if not name.endswith(".py")}
    (folder / model_folder.SIGNATURE).write_bytes(attest(folder, files=found))


def _no_seal(folder: Path) -> None:
    (folder / model_folder.SEAL).unlink()


def _a_file_more(folder: Path) -> None:
    (folder / "src" / "r" / "more.py").write_text("", encoding="utf-8")


def _resealed(folder: Path) -> None:
    """Whoever may also write the ledger seals another model."""
    (folder / "src" / "r" / "features.py").write_text("import os\n", encoding="utf-8")
    model_folder.write_seal(folder)


SPOILS: list[Callable[[Path], None]] = [
    _unsigned, _another_run, _another_model, _another_seal, _other_files, _no_seal, _a_file_more,
]  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILS)
def test_nothing_is_built_of_what_the_signature_does_not_hold_for(
    folder: Path, spoil: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No signature, that of another version or model, other files: the model, trusted here, leaves no trace."""
    monkeypatch.setattr(model_folder, "TRUSTED", (*model_folder.TRUSTED, f"{Planted.__module__}.Planted"))
    monkeypatch.setattr(Planted, "built", [])
    ledger = expected(folder)
    spoil(folder)
    with pytest.raises(TamperedFile, match=r"was not used|were not sealed"):
        _load(folder, ledger)
    assert Planted.built == []


def test_who_may_write_the_ledger_cannot_sign(folder: Path) -> None:
    """A folder that was sealed anew, and whose seal the ledger names, has not the manifest that was signed."""
    _resealed(folder)
    with pytest.raises(SignatureRefused, match="the manifest of another version: its seal"):
        _load(folder, expected(folder))


def test_what_is_verified_is_built(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trace is one that the tests above would see."""
    monkeypatch.setattr(model_folder, "TRUSTED", (*model_folder.TRUSTED, f"{Planted.__module__}.Planted"))
    monkeypatch.setattr(Planted, "built", [])
    _load(folder, expected(folder))
    assert Planted.built == ["built"]


def _load(folder: Path, ledger: dict[str, str]) -> None:
    verify_signed(folder, KEYRING, ledger)
    model_folder.read(folder, seal=ledger["seal"])


def test_a_pickle_is_opened_by_nothing(folder: Path, tmp_path: Path) -> None:
    """Even signed: the model's file is not one that skops knows, and what a pickle would do is not done."""
    trace = tmp_path / "trace"
    (folder / model_folder.MODEL).write_bytes(f"cposix\nsystem\n(S'touch {trace}'\ntR.".encode())
    record = model_folder.read_record(folder)
    digest = files.digest(folder / model_folder.MODEL)
    model_folder.write_record(folder, record.model_copy(update={"model_digest": digest}))
    model_folder.write_seal(folder)
    (folder / model_folder.SIGNATURE).write_bytes(attest(folder))
    with pytest.raises(Exception, match=r"(?i)zip"):
        _load(folder, expected(folder))
    assert not trace.exists()


def test_without_keys_the_seal_alone_counts(folder: Path) -> None:
    """Versions are then unsigned, as the card says; what is sealed is verified all the same."""
    shutil.copyfile(folder / model_folder.RECORD, folder / model_folder.SIGNATURE)
    assert verify_signed(folder, Keyring(), expected(folder)) is None
    _a_file_more(folder)
    with pytest.raises(TamperedFile):
        verify_signed(folder, Keyring(), expected(folder))
