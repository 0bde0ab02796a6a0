"""Runs that wait for an approval: held, let go, rejected, cancelled; real git, real act."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ratchet.errors import UsageError
from ratchet.forge import approvals, cancellation, status, worker

if TYPE_CHECKING:
    from tests.forge.conftest import Sandbox

pytestmark = pytest.mark.slow

HAND = "workflow_dispatch"


def test_a_hold_blocks_nobody_else(sandbox: Sandbox) -> None:
    """A run of a protected environment waits, also through a called workflow; what comes after it runs."""
    called = sandbox.workflow(title="Inner", on="workflow_call", below="environment: {name: production}")
    caller = "on: workflow_dispatch\njobs:\n  outer: {uses: ./.github/workflows/inner.yaml}\n"
    sandbox.set_up(
        "echo hello\n", inner=called, work=caller, free=sandbox.workflow(on=HAND, below="environment: staging")
    )
    approvals.protect(sandbox.forge, "production")
    for name in ("work", "free", "work", "work"):
        sandbox.ask(name)
    worker.drain(sandbox.forge)
    assert sandbox.ended() == {2: "success"}
    assert list(sandbox.forge.queue.iterdir()) == []
    words = list(status.lines(sandbox.forge, now=datetime.now(UTC)))
    assert [line[:17].split() for line in words] == [[str(number), "waiting"] for number in (1, 3, 4)]
    assert words[0].endswith("for an approval of production: ratchet forge approve 1")
    with pytest.raises(UsageError, match="no run 2 waits for an approval"):
        approvals.decide(sandbox.forge, 2, by="grace", approved=True)
    approvals.decide(sandbox.forge, 3, by="grace", approved=True)
    approvals.decide(sandbox.forge, 1, by="grace", approved=False)
    cancellation.ask(sandbox.forge, 4, "cancelled by ada")
    worker.drain(sandbox.forge)
    assert sandbox.ended() == {1: "failure", 2: "success", 3: "success", 4: "cancelled"}
    by_number = {run.number: run for run in sandbox.runs()}
    assert (by_number[1].error, by_number[3].approved_by) == ("rejected by grace", "grace")
    assert list(sandbox.forge.open.iterdir()) == []


def test_only_what_a_workflow_names_is_protected(sandbox: Sandbox) -> None:
    """Once main is there a misspelt name is refused and the right ones are said; an expression may come to any name."""
    work = sandbox.workflow(on=HAND, below="environment: production")
    sandbox.set_up("true\n", work=work, broken="on: [push")
    with pytest.raises(UsageError, match=r"no workflow names the environment prodution\n.*there are: production"):
        approvals.protect(sandbox.forge, "prodution")
    assert approvals.protected(sandbox.forge) == ()
    approvals.protect(sandbox.forge, "production")
    assert approvals.protected(sandbox.forge) == ("production",)
    sandbox.set_up("false\n", open=sandbox.workflow(on=HAND, below='environment: "${{ inputs.where }}"'))
    approvals.protect(sandbox.forge, "staging")
    assert approvals.protected(sandbox.forge) == ("production", "staging")


def test_protection_can_be_taken_back(sandbox: Sandbox) -> None:
    """Nothing is protected at first; what is not cannot be unprotected; an expression might name what is."""
    home = sandbox.forge
    assert approvals.needed(home, ["production", "${{ inputs.where }}"]) == ()
    for name in ("staging", "production", "staging"):
        approvals.protect(home, name)
    assert approvals.needed(home, ["production", "other"]) == ("production",)
    assert approvals.needed(home, ["${{ inputs.where }}"]) == ("production", "staging")
    approvals.unprotect(home, "production")
    assert approvals.protected(home) == ("staging",)
    with pytest.raises(UsageError, match="production is not protected"):
        approvals.unprotect(home, "production")
