"""Signed versions, end to end: once there is a key, nothing unsigned is fetched, and so nothing unsigned serves."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ratchet.errors import SignatureRefused, TamperedFile
from ratchet.flows.champion import pull
from ratchet.flows.rehearse import rehearse
from ratchet.flows.signing import sign_served
from ratchet.flows.version_evidence import write_version_evidence
from ratchet.io.key_files import new_key, public_path
from ratchet.io.mlflow import tracking
from ratchet.io.model_folder import write_seal
from ratchet.io.room import read_params
from ratchet.settings import Settings, load_settings

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:mlflow"),
]


@pytest.fixture
def settings(served: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The project whose first version serves, unsigned, with a key that was made since."""
    for name, value in served.environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(served.root)
    new_key(settings, "release")
    return settings


def evidence(served: Sandbox) -> Path:
    (found,) = (served.base / "mlflow").rglob("manifest.dsse.json")
    return found


def test_what_served_before_there_was_a_key_is_refused_until_somebody_signs_it(
    served: Sandbox, settings: Settings
) -> None:
    """By `champion pull`, which servers and the pipeline begin with; nothing is left in its place."""
    other = served.base / "champion"
    said = served.ratchet("champion", "pull", "--into", str(other))
    assert said.code == 5
    assert "keys/ asks for signatures" in said.error
    assert not other.exists()
    assert served.ok("keys", "sign") == "version 1 is signed by release\n"
    assert served.ratchet("champion", "pull", "--into", str(other)).code == 0
    assert (other / "manifest.dsse.json").is_file()
    assert served.ratchet("ledger", "verify", "--deep").code == 0
    assert "private half here" in served.ok("keys", "list")
    assert "keys/release.pub" in served.git("status", "--short", "--untracked-files=all")
    assert "release.pem" not in served.git("status", "--short", "--untracked-files=all", "--ignored=no")


def test_a_version_is_held_to_its_own_signature(served: Sandbox, settings: Settings) -> None:
    """Removed, another's, by a stranger's key, or over a model that was changed: nothing is fetched or loaded."""
    params = read_params(settings.root)
    (signed,) = sign_served(settings)
    assert (signed.version, signed.key) == (1, "release")
    entry = pull(settings, params)
    assert entry is not None
    path = evidence(served)
    good = path.read_bytes()

    def refused(error: type[Exception], words: str) -> None:
        shutil.rmtree(settings.root / "data" / "champion")
        with pytest.raises(error, match=words):
            pull(settings, params)
        with pytest.raises(error, match=words):
            rehearse(settings, params, entry)
        assert not (settings.root / "data" / "champion").exists()
        (settings.root / "data" / "champion").mkdir()

    path.unlink()
    refused(SignatureRefused, "MLflow has none of it")
    path.write_bytes(good.replace(b'"sig": "', b'"sig": "AAAA', 1))
    refused(SignatureRefused, "was not used")
    path.write_bytes(good)
    model = path.parent.parent / "model" / "model.json"
    text = model.read_bytes()
    model.write_bytes(text.replace(b'"rows": ', b'"rows": 1', 1))
    refused(TamperedFile, "it was not used")
    model.write_bytes(text)
    shutil.rmtree(settings.root / "keys")
    new_key(load_settings(settings.root), "stranger")
    refused(SignatureRefused, "signed by no key of keys/")


def test_a_retired_key_stands_for_what_the_ledger_names(served: Sandbox, settings: Settings) -> None:
    """The champion is fetched still; the same signature over a run that the ledger does not name is worth nothing."""
    params = read_params(settings.root)
    list(sign_served(settings))
    public = public_path(settings.root, "release")
    (public.parent / "retired").mkdir()
    public.rename(public.parent / "retired" / public.name)
    entry = pull(settings, params, into=served.base / "champion")
    assert entry is not None
    said = served.ratchet("keys", "sign")
    assert said.code == 4
    assert "no private key of it is here" in said.error
    served.git("update-ref", "-d", "refs/remotes/origin/ratchet/ledger")
    ledger = ["git", "--git-dir", str(served.origin), "update-ref", "-d", "refs/heads/ratchet/ledger"]
    assert served.run(ledger).code == 0
    assert "they are forgotten" in served.ratchet("ledger", "verify", "--accept").out
    with pytest.raises(SignatureRefused, match="release, which is retired"):
        rehearse(settings, params, entry)


def test_what_mlflow_changed_since_it_was_computed_is_not_signed(
    served: Sandbox, settings: Settings, tmp_path: Path
) -> None:
    """Whoever writes there seals another model, or another decision, under the same run: dvc.lock knows better."""
    params = read_params(settings.root)
    entry = pull(settings, params, into=tmp_path / "x") if list(sign_served(settings)) else None
    assert entry is not None
    folder = evidence(served).parent.parent
    with tracking(settings.mlflow_uri, params.project.name) as store:
        run = store.get_run(entry.run_id)
    decision = folder / "decision" / "decision.json"
    text = decision.read_bytes()
    decision.write_bytes(text.replace(b'"verdict": "promote"', b'"verdict":  "promote"', 1))
    with pytest.raises(TamperedFile, match=r"data/decision\.json as it was recorded"):
        write_version_evidence(settings, params, run, tmp_path / "one")
    decision.write_bytes(text)
    model = folder / "model" / "model.json"
    model.write_bytes(model.read_bytes() + b" ")
    resealed = replace(run, seal=write_seal(folder / "model"))
    with pytest.raises(TamperedFile, match=r"data/model as it was recorded"):
        write_version_evidence(settings, params, resealed, tmp_path / "two")
    assert not (tmp_path / "one").exists()
    assert not (tmp_path / "two").exists()


def test_the_same_run_has_the_same_evidence(served: Sandbox, settings: Settings, tmp_path: Path) -> None:
    """Card, lineage, manifest and signature are the same bytes whenever and wherever they are written."""
    params = read_params(settings.root)
    served.set_params(card={"purpose": "To <b>see</b>.", "limits": ["Not for children."]})
    described = read_params(settings.root)
    entry = pull(settings, params, into=served.base / "x") if list(sign_served(settings)) else None
    assert entry is not None
    with tracking(settings.mlflow_uri, params.project.name) as store:
        run = store.get_run(entry.run_id)
    one, two = (write_version_evidence(settings, described, run, tmp_path / name) for name in ("one", "two"))
    assert (one.manifest, one.signed_by) == (two.manifest, "release")
    for first, second in zip(one.files, two.files, strict=True):
        assert (first.name, first.read_bytes()) == (second.name, second.read_bytes())
    names = {path.name for path in one.files}
    assert names == {"lineage.json", "manifest.dsse.json", "manifest.json", "model-card.html", "model-card.md"}
    card = (tmp_path / "one" / "model-card.md").read_text(encoding="utf-8")
    page = (tmp_path / "one" / "model-card.html").read_text(encoding="utf-8")
    assert "signed with the key release" in card
    assert "- Not for children." in card
    assert "To &lt;b&gt;see&lt;/b&gt;." in page
    assert one.lineage is not None
    assert {each.name for each in one.lineage.used_for("training")} == set(entry.trained_on)
    assert all(each.raw.endswith(".dir") for each in one.lineage.batches)
    assert (one.lineage.seed, one.lineage.commit.changes) == (0, 0)
