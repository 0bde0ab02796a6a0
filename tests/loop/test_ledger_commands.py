"""The ledger's own commands, as a person types them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ratchet.io.ledger import LedgerBranch

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = pytest.mark.slow


def test_a_ledger_is_verified_exported_and_found_cut(served: Sandbox) -> None:
    """All is right after a promotion, down to what MLflow keeps; a branch that lost its last entry is refused."""
    said = served.ok("ledger", "verify", "--deep")
    assert [line.split(":")[0].split() for line in said.splitlines()] == [
        ["ok", "chain"], ["ok", "this", "clone"], ["ok", "phases"], ["ok", "alias"], ["ok", "version", "1"],
    ]  # fmt: skip
    assert "<dd>2 in the ledger</dd>" in _page(served)
    assert [json.loads(line)["kind"] for line in served.ok("history", "--all", "--json").splitlines()] == [
        "registered", "promotion",
    ]  # fmt: skip
    assert "version 1, registered by ada" in served.ok("history", "--version", "1")
    _cut(served)
    assert _refused(served, "history").startswith("ratchet: ledger entry 2 is gone")
    assert "ledger entry 2 is gone" in served.ratchet("ledger", "verify").out
    accepted = served.ratchet("ledger", "verify", "--accept").out
    assert "had seen 1 entries that the branch does not have: they are forgotten" in accepted
    assert served.ok("history") == "nothing serves yet: ratchet promote\n"
    assert "champion points to version 1: ratchet reconcile" in served.ratchet("ledger", "verify").out


def _page(served: Sandbox) -> str:
    served.ok("ledger", "export", "ledger.html")
    return (served.root / "ledger.html").read_text(encoding="utf-8")


def _cut(served: Sandbox) -> None:
    """The last entry is taken away, by somebody who may push."""
    before = served.git("rev-parse", f"{LedgerBranch(served.root, 'origin', 'ratchet/ledger').head()}~")
    served.git("push", "--quiet", "--force", "origin", f"{before}:refs/heads/ratchet/ledger")


def _refused(served: Sandbox, *command: str) -> str:
    said = served.ratchet(*command)
    assert said.code == 5
    return said.error
