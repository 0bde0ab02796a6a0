"""A called workflow that fails does not silence the jobs that come after it: real git, real act."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from ratchet.forge import remaining, worker, workflows
from ratchet.forge.progress import Progress

if TYPE_CHECKING:
    from tests.forge.conftest import Sandbox

INNER = """
name: Inner
on:
  workflow_call:
    outputs:
      said: {value: "${{ jobs.fit.outputs.said }}"}
      unknown: {value: "${{ inputs.none }}"}
jobs:
  fit:
    name: Fit
    runs-on: ubuntu-latest
    outputs: {said: "${{ steps.say.outputs.said }}"}
    steps:
      - {id: say, run: 'cat "$RATCHET_FORGE_HOME/words" >> "$GITHUB_OUTPUT"; echo fit >> "$RATCHET_FORGE_HOME/effects"'}
      - run: exit 3
"""
OUTER = """
name: Outer
on: workflow_dispatch
defaults: {run: {working-directory: nowhere}}
jobs:
  beside:
    runs-on: ubuntu-latest
    outputs: {own: "${{ steps.own.outputs.own }}"}
    steps:
      - id: own
        run: echo own=mine >> "$GITHUB_OUTPUT"; echo beside >> "$RATCHET_FORGE_HOME/effects"
        working-directory: .
  never: {if: "${{ false }}", runs-on: ubuntu-latest, steps: [{run: exit 1}]}
  train: {name: "Train ${{ github.ref_name }}", uses: ./.github/workflows/inner.yaml}
  report:
    name: Report
    needs: [train, beside, never]
    if: ${{ !cancelled() && needs.train.result != 'skipped' }}
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - run: |
          printf '%s|' "$RESULT" "$SAID" "$OWN" "$NEVER" "$WORKFLOW" > "$RATCHET_FORGE_HOME/reported"
          echo report >> "$RATCHET_FORGE_HOME/effects"; echo "# Failed" >> "$GITHUB_STEP_SUMMARY"
        working-directory: .
        env:
          RESULT: ${{ needs.train.result }}
          SAID: ${{ needs.train.outputs.said }}
          OWN: ${{ needs.beside.outputs.own }}
          NEVER: ${{ needs.never.result }}
          WORKFLOW: ${{ github.workflow }}
  plain:
    needs: train
    runs-on: ubuntu-latest
    steps: [{run: 'echo plain >> "$RATCHET_FORGE_HOME/effects"', working-directory: .}]
  apart:
    needs: beside
    runs-on: ubuntu-latest
    steps: [{run: 'echo apart >> "$RATCHET_FORGE_HOME/effects"', working-directory: .}]
"""
WORDS = 'it\'s ${{ github.token }} and }} "this" \\n é 😀'


@pytest.mark.slow
def test_jobs_after_a_called_workflow_that_failed_have_their_turn(sandbox: Sandbox) -> None:
    """Each job runs once at most and sees how those before it ended, and what they said; the run still fails."""
    (sandbox.forge.root / "words").write_text(f"said={WORDS}\n", encoding="utf-8")
    sandbox.set_up("true\n", inner=INNER, work=OUTER)
    sandbox.ask()
    worker.drain(sandbox.forge)
    [run] = sandbox.runs()
    assert (run.conclusion, run.error, run.jobs) == (
        "failure",
        "",
        {
            "beside": "success",
            "Train main / Fit": "failure",
            "Report": "success",
            "apart": "success",
            "never": "skipped",
            "plain": "skipped",
        },
    )
    assert sorted(sandbox.effects()) == ["apart", "beside", "fit", "report"]
    assert (sandbox.forge.root / "reported").read_text(encoding="utf-8") == f"failure|{WORDS}|mine|skipped|Outer|"
    assert run.summary.read_text(encoding="utf-8") == "# Failed\n"
    log = run.log.read_text(encoding="utf-8")
    assert (remaining.STUB in log, log.count("Fit / exit 3 ..."), "Report / " in log) == (False, 1, True)


def heard(**ends: str) -> Progress:
    """What act said of jobs by key, those of a called workflow as `caller__key`."""
    progress = Progress()
    for label, end in ends.items():
        caller, _, key = label.rpartition("__")
        event = {"job": f"{caller}/Inner/{key}" if caller else f"Outer/{key}", "jobID": key, "jobResult": end}
        list(progress.read(json.dumps({**event, "msg": ""})))
    return progress


CALL = "uses: ./inner.yaml"
FAILS = {"a": f"{{{CALL}}}"}


@pytest.mark.parametrize(
    ("jobs", "ends", "turn"),
    [
        ({**FAILS, "b": "{needs: a}"}, {"a__fit": "failure"}, None),
        ({**FAILS, "b": "{needs: [a], if: \"needs.a.outputs.x == '1'\"}"}, {"a__fit": "failure"}, None),
        ({**FAILS, "b": "{needs: a, if: always()}"}, {"a__fit": "failure"}, 0),
        ({**FAILS, "b": "{needs: a, if: always()}"}, {"a__fit": "success", "b": "failure"}, None),
        ({**FAILS, "b": "{needs: a}", "c": "{needs: b, if: failure()}"}, {"a__fit": "failure"}, 0),
        ({**FAILS, "b": "{}", "c": "{needs: b}"}, {"a__fit": "failure", "b": "success"}, 0),
        ({**FAILS, "b": "{}", "c": "{needs: b}"}, {"a__fit": "failure"}, None),
        ({"a": "{}", "b": "{needs: a, if: always()}"}, {"a": "failure"}, None),
    ],
)
def test_only_what_could_still_run_is_caught_up_on(
    jobs: dict[str, str], ends: dict[str, str], turn: int | None
) -> None:
    """There is something left if a called workflow failed and a later job is not skipped for certain."""
    texts = {"inner.yaml": INNER, "outer.yaml": "on: push\njobs:\n" + "".join(f"  {k}: {v}\n" for k, v in jobs.items())}
    workflow = workflows.parse("outer.yaml", texts["outer.yaml"])
    left = remaining.after(texts.get, workflow, heard(**ends))
    assert (left.turn if left else None) == turn


def test_a_second_call_that_fails_is_caught_up_on_in_its_turn() -> None:
    """What is left after the first is not found again, and what is left after the second is."""
    jobs = f"  a: {{{CALL}}}\n  b: {{needs: a, if: always(), {CALL}}}\n  c: {{needs: b, if: always()}}\n"
    texts = {"inner.yaml": INNER, "outer.yaml": f"on: push\njobs:\n{jobs}"}
    workflow = workflows.parse("outer.yaml", texts["outer.yaml"])
    ends = {"a__fit": "failure"}
    first = remaining.after(texts.get, workflow, heard(**ends))
    assert first is not None
    assert remaining.after(texts.get, workflow, heard(**ends), first.turn) is None
    second = remaining.after(texts.get, workflow, heard(**ends, b__fit="failure"), first.turn)
    assert second is not None
    kept = yaml.safe_load(second.text)["jobs"]
    assert {key: "steps" in job for key, job in kept.items()} == {"a": True, "b": True, "c": False}
    assert second.turn == 1
