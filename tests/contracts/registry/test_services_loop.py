"""A whole project against a team's server, with the credentials that each step needs and no more."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pytest
from mlflow.tracking import MlflowClient

from ratchet.io.mlflow_address import logged_in

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("services")]
MODEL = "diabetes-progression"


class Team(Protocol):
    """The running services."""

    def uri(self, role: str) -> str:
        """Where a role finds MLflow."""
        ...


def champion(team: Team) -> int:
    """The version that MLflow shows as champion."""
    with logged_in(team.uri("reader")) as bare:
        return int(MlflowClient(bare, bare).get_model_version_by_alias(MODEL, "champion").version)


def refused(sandbox: Any, command: str) -> None:
    """The trainer is told which role it takes, without a stack trace or a password; the ledger is as it was."""
    before = sandbox.git("ls-remote", "origin")
    said = sandbox.ratchet(command)
    assert (said.code, "it takes the role promoter" in said.error) == (2, True), said
    assert "Traceback" not in said.error
    assert sandbox.environment["MLFLOW_TRACKING_URI"].split(":")[2].partition("@")[0] not in said.error + said.out
    assert sandbox.git("ls-remote", "origin") == before


def test_trained_promoted_and_rolled_back_by_those_who_may(team: Team, loop: ModuleType, tmp_path: Path) -> None:
    """The trainer's credentials record and cannot promote; the promoter's promote and roll back."""
    sandbox = loop.Sandbox(tmp_path / "live", {"MLFLOW_TRACKING_URI": team.uri("trainer")})
    loop.build(sandbox, loop.DIABETES / "src" / "diabetes", loop.DIABETES / "params.yaml")
    promoter = {"MLFLOW_TRACKING_URI": team.uri("promoter")}
    sandbox.set_params(gate={"refit_margin": 2000.0})
    for number, until in enumerate(("part-04", "part-05"), start=1):
        sandbox.ok("data", "pull", "--until", until)
        sandbox.ok("run")
        sandbox.commit(f"Up to {until}")
        if number == 1:
            # Nobody has made the experiment: that takes a promoter, once.
            refused(sandbox, "record")
            assert sandbox.ratchet("record", env=promoter).code == 0
            refused(sandbox, "promote")
        else:
            sandbox.ok("record")
        said = sandbox.ratchet("promote", env=promoter)
        assert (said.code, champion(team)) == (0, number), said
    said = sandbox.ratchet("rollback", "--reason", "slow on Sundays", env=promoter)
    assert (said.code, champion(team)) == (0, 1), said
