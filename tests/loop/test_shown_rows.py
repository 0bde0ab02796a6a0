"""From `open` to `ledger` on one batch, end to end: rows whose numbers were shown judge nobody any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ratchet.core.decision import Decision, Look
from ratchet.io.alpha_branch import AlphaBranch

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = pytest.mark.slow
BRANCH = "ratchet/ledger"
OPEN: dict[str, Any] = {"split": {"holdout": 1, "open": 0.3}, "gate": {"reuse": {"policy": "open"}}}
SEALED: dict[str, Any] = {**OPEN, "gate": {"reuse": {"policy": "ledger"}}}


def lines(sandbox: Sandbox) -> list[tuple[str, bool]]:
    """Of each charge: the policy that it was made under, and whether it was the first of its batch."""
    return [(line.reuse, line.fresh) for line in AlphaBranch(sandbox.root, "origin", BRANCH).read()]


def exhausted(sandbox: Sandbox) -> str:
    """Why the level of the last look is none."""
    look = Look.model_validate_json((sandbox.root / "data" / "level.json").read_bytes())
    assert look.level is not None, look.problem
    decision = Decision.model_validate_json((sandbox.root / "data" / "decision.json").read_bytes())
    assert (look.level.alpha, decision.verdict, look.level.fresh) == (0.0, "hold", False)
    return look.level.exhausted


def test_rows_that_were_shown_are_not_fresh_under_a_ledger(pulled: Sandbox) -> None:
    """The open look is in the alpha ledger; where nobody wrote it, git's history tells it, and then it is written."""
    pulled.set_params(**OPEN, report={"seeds": 0})
    pulled.ok("run")
    assert lines(pulled) == [("open", True)]
    pulled.commit("An open look")
    # As if the one who looked had not been allowed to write the ledger, and another branch held the decision.
    assert pulled.run(["git", "--git-dir", str(pulled.origin), "update-ref", "-d", f"refs/heads/{BRANCH}"]).code == 0
    pulled.git("checkout", "--quiet", "-b", "sealed", "HEAD~1", "--force")
    pulled.set_params(**SEALED)
    for name in ("decision.json", "sealed/decision.json"):
        (pulled.root / "data" / name).unlink(missing_ok=True)
    assert "its numbers were shown" in pulled.ok("run")
    assert "its numbers were shown" in exhausted(pulled)
    assert lines(pulled) == [("open", True)]
