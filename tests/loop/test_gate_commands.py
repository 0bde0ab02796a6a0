"""`ratchet gate …` on a real project: decisions explained, replayed, under other rules, planned for, overridden."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = pytest.mark.slow

SOON = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()


def lines(sandbox: Sandbox, *words: str) -> list[dict[str, Any]]:
    """What a command says as JSON lines."""
    return [json.loads(line) for line in sandbox.ok("gate", *words, "--json").splitlines()]


def edit_decision(sandbox: Sandbox, **fields: object) -> None:
    path = sandbox.root / "data" / "decision.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **fields}), encoding="utf-8")


def test_decisions_of_the_past_are_told_replayed_questioned_and_overridden(served: Sandbox) -> None:
    """A hold is explained, comes out the same again, flips under a looser alpha, and serves once it is overridden."""
    served.commit("Reproduce")
    served.ok("data", "pull", "--until", "part-05")
    served.commit("Add a part")
    served.ok("run")
    served.ok("record")
    served.commit("Reproduce again")

    told = served.ok("gate", "explain")
    assert "the champion's recipe, fitted to newer data, replace version 1?" in " ".join(told.split())

    replays = lines(served, "replay", "--all")
    assert [(each["verdict"], each["state"], each["entries"]) for each in replays] == [
        ("hold", "same", []), ("promote", "same", [2]),
    ]  # fmt: skip
    run_id = replays[0]["decision"].removeprefix("run ")
    assert lines(served, "explain", run_id)[0]["would_change"] != ""

    (newest, first) = lines(served, "what-if", "--set", "gate.alpha=0.5", "--set", "gate.floors={}")
    assert [(each["recorded"], each["what_if"]["verdict"], each["flips"]) for each in (newest, first)] == [
        ("hold", "promote", True), ("promote", "promote", False),
    ]  # fmt: skip
    plan = lines(served, "advise", "--effect", "100")[0]
    assert plan["plan"]["power"] >= 0.8
    assert plan["plan"]["rows"] > 111

    refused = served.ratchet("gate", "override", "untouched", "--reason", "please", "--expires", SOON)
    assert (refused.code, "untouched holds" in refused.error) == (2, True)
    assert served.ratchet("promote").code == 4
    assert "nothing else is in the way" in served.ok(
        "gate", "override", "better", "--reason", "agreed with Bo", "--expires", SOON
    )
    served.ok("promote")
    entry = served.ledger()[-1]
    assert [(each["conditions"], each["actor"], each["reason"]) for each in entry["overrides"]] == [
        (["better"], "ada", "agreed with Bo")
    ]
    assert "overridden by ada until" in served.ok("history")

    edit_decision(served, verdict="promote", reason="because")
    differs = served.ratchet("gate", "replay", "--json")
    assert (differs.code, [each["field"] for each in json.loads(differs.out)["differences"]]) == (
        4, ["reason", "verdict"],
    )  # fmt: skip
    edit_decision(served, evidence={"holdout": ["part-05"], "challenger_metrics": {}})
    assert "of an older format" in served.ok("gate", "replay").replace("\n  ", " ")


def test_a_change_of_the_gate_shows_what_it_would_have_done(served: Sandbox) -> None:
    """The report of a change that edits the gate has earlier decisions under its rules; another report has not."""
    served.commit("Reproduce")
    served.git("push", "--quiet", "origin", "HEAD:main")
    served.git("fetch", "--quiet", "origin")
    served.set_params(gate={"floors": {"r2": {"min": 0.99}}})
    served.commit("Ask for more")
    served.ok("run")
    served.ok("report", "--base", "origin/main")
    report = (served.root / "reports" / "report.md").read_text(encoding="utf-8")
    assert "Past decisions under these rules" in report
    assert "1 of 1 past decisions would let another model serve." in report
    assert "FLIPS: reject" in report
    served.ok("report")
    assert "Past decisions" not in (served.root / "reports" / "report.md").read_text(encoding="utf-8")


def test_a_sealed_decision_is_told_once_its_rows_train(pulled: Sandbox) -> None:
    """While they judge, neither words nor other rules tell what sealed rows say; afterwards the commit's decision is
    told in full, from data/sealed of that commit.
    """
    pulled.set_params(split={"open": 0.2, "holdout": 1}, gate={"reuse": {"policy": "ledger"}})
    pulled.ok("run")
    pulled.commit("Reproduce")
    whole = json.loads((pulled.root / "data" / "sealed" / "decision.json").read_text(encoding="utf-8"))
    gain = f"{whole['evidence']['comparison']['gain']:+.4f}"

    before = pulled.ratchet("gate", "explain", "--json")
    assert (before.code, gain in before.out, json.loads(before.out)["opened"]) == (0, False, False)
    assert lines(pulled, "replay")[0]["state"] == "same"
    (row,) = lines(pulled, "what-if", "--set", "gate.alpha=0.2")
    assert (row["what_if"]["verdict"], row["what_if"]["untold"]) == (
        None,
        ["its rows are sealed until newer ones judge"],
    )
    assert "rows of part-01 to part-03" in pulled.ok("gate", "advise").replace("\n  ", " ")

    pulled.ok("data", "pull", "--until", "part-05")
    pulled.commit("Add a part")
    pulled.ok("run")
    assert lines(pulled, "explain", "--at", "HEAD~1")[0]["opened"] is False
    pulled.commit("Reproduce again")
    after = lines(pulled, "explain", "--at", "HEAD~2")[0]
    assert (after["opened"], gain in json.dumps(after)) == (True, True)
    assert [each["state"] for each in (lines(pulled, "replay", "--at", at)[0] for at in ("HEAD", "HEAD~2"))] == [
        "same", "same",
    ]  # fmt: skip
