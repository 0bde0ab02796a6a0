"""Each command that writes into the ledger tells the webhooks when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.core.ledger_entries import PLACED
from ratchet.flows import notify as flow
from ratchet.settings import Settings

WHY = ("--reason", "r")
WRITERS: Mapping[str, tuple[str, ...]] = {
    "registered": ("register",), "promotion": ("promote",), "rollback": ("rollback", *WHY), "phase": ("advance",),
    "approval": ("approve", "1", *WHY), "rejection": ("reject", "1", *WHY), "hold": ("hold", "1", *WHY),
    "release": ("release", "1", *WHY), "freeze": ("freeze", *WHY), "thaw": ("thaw", *WHY),
    "override": ("gate", "override", "floor:auc", "--expires", "2099-01-01", *WHY),
    "erase": ("data", "erase", "01", *WHY),
}  # fmt: skip
"""By kind of entry, the command that writes it."""


def kinds(record: type[BaseModel]) -> tuple[str, ...]:
    """What the field `kind` may say."""
    return get_args(record.model_fields["kind"].annotation)


def test_every_kind_of_entry_is_here() -> None:
    """A new one needs a command that tells of it."""
    assert set(WRITERS) == {kind for record in PLACED for kind in kinds(record)}


@pytest.mark.parametrize("kind", WRITERS)
def test_who_writes_tells(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it ended: here each stops early, as there is neither a repository nor a registry."""
    (tmp_path / "params.yaml").write_text(
        "project: {name: parcels, room: parcels, task: binary, target: late}\n"
        "split: {}\nfeatures: {}\nevaluate: {}\nmodel: {estimator: ridge}\ngate: {metric: log_loss}\n"
        "promotion: {webhooks: [{url: 'http://127.0.0.1:9/hook'}]}\n",
        encoding="utf-8",
    )
    told: list[Path] = []

    def notify(settings: Settings) -> tuple[flow.Told, ...]:
        told.append(settings.root)
        return ()

    monkeypatch.setattr(flow, "notify", notify)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    variables = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "RATCHET_ACTOR": "ada", "RATCHET_REMOTE": ""}
    done = CliRunner().invoke(app, ["--project", str(tmp_path), *WRITERS[kind]], env=variables)
    assert told == [tmp_path], done.output
