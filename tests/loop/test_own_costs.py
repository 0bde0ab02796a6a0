"""Gated by money: a project whose gate decides by the room's own cost function, and one by a family's metric."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml

from ratchet.core.decision import Decision
from ratchet.io import layout

if TYPE_CHECKING:
    from tests.loop.conftest import Kept, Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("small")]

COSTS = '''"""What a wrong forecast costs."""

import numpy as np


def dose(truth, prediction, rows):
    """Too little treatment costs FACTOR times as much as too much; both more with age."""
    short = truth - prediction
    return np.where(short > 0, FACTOR * short, -short) * rows["age"] / 50
'''
NAME = "cost_dose"
SCRIPT = """
import dataclasses, json, sys
from pathlib import Path
from ratchet.flows.seeds import seed_noise
from ratchet.flows.versus_base import compare_with_base
from ratchet.io.git import git
from ratchet.io.revision import Revision
from ratchet.settings import load_settings

settings = load_settings(Path.cwd())
base = Revision(settings.root, git(["rev-parse", sys.argv[1]], cwd=settings.root))
found, reason = compare_with_base(settings, base)
noise = seed_noise(settings, int(sys.argv[2]))
print(json.dumps({"reason": reason, "sd": dict(noise.sd), "found": found and found.model_dump(mode="json")}))
"""


def write_costs(sandbox: Sandbox, factor: int) -> None:
    """The room's `costs.py`."""
    text = COSTS.replace("FACTOR", str(factor))
    (sandbox.root / "src" / "diabetes" / "costs.py").write_text(text, encoding="utf-8")


def decision(sandbox: Sandbox) -> Decision:
    """The last one."""
    return Decision.model_validate_json((sandbox.root / layout.DECISION).read_bytes())


def metrics(sandbox: Sandbox) -> dict[str, dict[str, float]]:
    """What `dvc metrics` shows of the last evaluation."""
    found: dict[str, dict[str, float]] = json.loads((sandbox.root / layout.EVALUATE_METRICS).read_bytes())
    return found


def by_hand(sandbox: Sandbox, factor: int) -> Mapping[str, pd.Series]:
    """(n,) the costs of each model in the last evaluation, from its predictions and the raw rows."""
    predicted = pd.read_parquet(sandbox.root / layout.EVALUATION / "predictions.parquet")
    raw = pd.concat(pd.read_parquet(path) for path in sorted((sandbox.root / "data/raw").glob("*/rows.parquet")))
    rows = predicted.merge(raw, on="patient", validate="one_to_one")
    short = {name: rows["progression"] - rows[f"{name}.0"] for name in ("challenger", "baseline")}
    return {name: np.where(each > 0, factor * each, -each) * rows["age"] / 50 for name, each in short.items()}


def asked(sandbox: Sandbox, base: str, seeds: int = 0) -> dict[str, Any]:
    """The comparison with a base, and the luck of seeds."""
    said = sandbox.run([sys.executable, "-c", SCRIPT, base, str(seeds)])
    assert said.code == 0, said.error
    found: dict[str, Any] = json.loads(said.out.splitlines()[-1])
    return found


@pytest.fixture(scope="session")
def _priced(_pulled: Kept) -> Kept:
    sandbox, pulled = _pulled
    sandbox.restore(pulled)
    write_costs(sandbox, 3)
    sandbox.set_params(
        evaluate={"costs": {NAME: {"function": "costs:dose"}}},
        gate={
            "metric": NAME,
            "min_effect": 1.0,
            "floors": {NAME: {"max": 500.0}},
            "guardrails": {NAME: {"max_drop": 5.0}},
            "slices": {"by": ["sex"], "min_rows": 20},
            "fairness": {"sex": {"loss_gap": {"max": 500.0}}},
            "conditions": {"young": f"challenger.{NAME}[age < 50] < 500"},
        },
    )
    sandbox.commit("Decide by what it costs")
    (sandbox.base / "said.txt").write_text(sandbox.ok("run"), encoding="utf-8")
    sandbox.commit("Reproduce")
    return sandbox, sandbox.keep(pulled.with_name("priced"))


@pytest.fixture
def priced(_priced: Kept) -> Sandbox:
    """The regression project whose gate decides by the room's cost function, after its first run."""
    sandbox, place = _priced
    sandbox.restore(place)
    return sandbox


def test_a_gate_decides_by_the_rooms_function(priced: Sandbox) -> None:
    """Comparison, interval, floor, guardrail, slice, gap and condition are of the costs that were computed by hand."""
    found, costs = decision(priced), by_hand(priced, 3)
    saved = costs["baseline"] - costs["challenger"]
    comparison = found.evidence.comparison
    assert (found.verdict, found.evidence.metric) == ("promote", NAME), found
    assert comparison is not None
    assert comparison.rows == len(saved)
    assert comparison.gain == pytest.approx(saved.mean())
    assert comparison.standard_error == pytest.approx(saved.std(ddof=1) / np.sqrt(len(saved)))
    estimate = found.evidence.estimate(NAME)
    assert estimate is not None
    assert estimate.value == pytest.approx(costs["challenger"].mean())
    names = {each.name for each in found.conditions if each.passed}
    assert names >= {"better", f"floor:{NAME}", f"guardrail:{NAME}", "slices", "fairness:sex:loss_gap", "own:young"}
    assert found.evidence.slices is not None
    slices = {each.value: each.gain for each in found.evidence.slices.gains}
    assert sum(each.rows * (each.value or 0.0) for each in slices.values()) == pytest.approx(saved.sum())
    assert found.policy.priced[NAME].function == "costs:dose"
    assert "squared_error" in (priced.base / "said.txt").read_text(encoding="utf-8")  # what folds show instead


def test_what_looks_at_the_model_prices_its_rows(priced: Sandbox) -> None:
    """Comparisons with a base, their slices and shuffles, the luck of seeds, analyses, advice: none knows less."""
    costs = by_hand(priced, 3)["challenger"].mean()
    told = asked(priced, "HEAD", seeds=1)
    found = told["found"]
    assert found is not None, told["reason"]
    rows = {row["name"]: row for row in found["metrics"]}
    assert (rows[NAME]["change"]["value"], rows[NAME]["gain"]["value"]) == (pytest.approx(costs), 0.0)
    assert (found["loss"], found["history"][-1]["change"]) == (NAME, pytest.approx(costs))
    assert max(each["change"] for each in found["importance"]) > 1
    assert told["sd"][NAME] == 0.0
    priced.ok("analyse", "--seeds", "0")
    analysis = json.loads((priced.root / "reports" / "analysis.json").read_bytes())
    assert (analysis["metric"], analysis["loss"]["value"]) == (NAME, pytest.approx(costs))
    assert all(point["loss"]["value"] > 0 for point in analysis["learning"])
    assert "To find a gain of 5 a row" in priced.ok("gate", "advise", "--effect", "5").replace("\n", " ")


def test_another_function_is_evaluated_again_and_trains_nothing(priced: Sandbox) -> None:
    """Its code is an input of the evaluation, as that of features is, and not of training."""
    before = metrics(priced)["challenger"]
    model = priced.digests("data/model")
    write_costs(priced, 30)
    said = priced.ok("run")
    after = metrics(priced)["challenger"]
    assert after[NAME] == pytest.approx(by_hand(priced, 30)["challenger"].mean())
    assert {**after, NAME: 0.0} == {**before, NAME: 0.0}
    assert (priced.digests("data/model"), "train fold" in said) == (model, False)


def test_a_function_that_looks_at_other_rows_stops_the_run(priced: Sandbox) -> None:
    """The message names the metric and the rule, and what was decided before stands."""
    path = priced.root / "src" / "diabetes" / "costs.py"
    path.write_text("def dose(truth, prediction, rows):\n    return (truth - prediction).cumsum()\n", encoding="utf-8")
    said = priced.ratchet("run")
    assert said.code not in (0, 4), said
    assert "evaluate.costs.cost_dose: costs:dose says" in said.error
    assert "a row must be priced by itself alone" in said.error


def test_another_price_cannot_be_told_of_the_past(priced: Sandbox) -> None:
    """What-if knows what was measured: the same name for something else was not."""
    params = priced.root / "params.yaml"
    tree = yaml.safe_load(params.read_text(encoding="utf-8"))
    tree["evaluate"]["costs"][NAME]["function"] = "costs:other"
    params.write_text(yaml.safe_dump(tree), encoding="utf-8")
    priced.git("commit", "--all", "--quiet", "--message", "Another price")
    said = priced.ratchet("gate", "what-if")
    assert "evaluate.costs.cost_dose was another then" in " ".join(said.out.split()), said


def test_a_metric_of_a_family_is_told_wherever_the_gate_is(priced: Sandbox) -> None:
    """The comparison with a base, its noise and the folds of an analysis have the gate's own metric among them."""
    priced.set_params(gate={"metric": "pinball_90"})
    priced.ok("run")
    told = asked(priced, priced.commit("Decide by a quantile"), seeds=1)
    rows = {row["name"]: row for row in told["found"]["metrics"]}
    assert rows["pinball_90"]["change"]["value"] == metrics(priced)["challenger"]["pinball_90"]
    assert told["sd"]["pinball_90"] == 0.0
    priced.ok("analyse", "--seeds", "0")
    analysis = json.loads((priced.root / "reports" / "analysis.json").read_bytes())
    assert all(fold["intervals"]["pinball_90"]["low"] is not None for fold in analysis["folds"])


def test_a_fork_claims_the_gates_metric(pulled: Sandbox) -> None:
    """The run on the sample measures it, and the record of it is read only by somebody who asked for that name."""
    from ratchet.core.fork.result import ResultRefused, parse_result

    pulled.set_params(gate={"metric": "pinball_90", "min_effect": 1.0})
    pulled.ok("sample", "make", "--public", "--rows", "40", "--batches", "4")
    pulled.commit("Decide by a quantile, and a sample")
    pulled.git("push", "--quiet", "origin", "main")
    pulled.set_params(model={"params": {"alpha": 1e6}})
    pulled.commit("Shrink")
    said = pulled.ratchet("sample", "run", "--base", "origin/main", "--into", "out")
    assert said.code == 0, said
    content = Path(pulled.root / "out" / "result.json").read_bytes()
    claimed = {each.name: each.gain for each in parse_result(content, also=["pinball_90"]).metrics}
    assert claimed["pinball_90"] is not None
    assert claimed["pinball_90"] < 0
    with pytest.raises(ResultRefused, match="it has pinball_90, which nobody asked for"):
        parse_result(content)
