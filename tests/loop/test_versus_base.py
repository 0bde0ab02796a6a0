"""The base's model against the work tree's, in real projects: what is compared, and every reason why not."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ratchet.core.change.records import Comparison

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

SCRIPT = """
import json, sys
from pathlib import Path
from ratchet.flows.versus_base import compare_with_base
from ratchet.io.git import git
from ratchet.io.revision import Revision
from ratchet.settings import load_settings

root = Path.cwd()
base = Revision(root, git(["rev-parse", sys.argv[1]], cwd=root))
noise = json.loads(sys.argv[2])
found, reason = compare_with_base(load_settings(root), base, seed_sd=noise, seeds=2 if noise else 0)
print(found.model_dump_json() if found else reason)
"""
ADDED = "bmi_bp"
"""What a changed room makes of two measurements; it leaves out s6."""


def answer(sandbox: Sandbox, base: str = "HEAD", seed_sd: Mapping[str, float] | None = None) -> str:
    """What the comparison of `base` with the work tree says: a record as JSON, or why there is none."""
    said = sandbox.run([sys.executable, "-c", SCRIPT, base, json.dumps(seed_sd or {})])
    assert said.code == 0, said.error
    return said.out.strip()


def compared(sandbox: Sandbox, base: str = "HEAD", seed_sd: Mapping[str, float] | None = None) -> Comparison:
    """The comparison of `base` with the work tree."""
    return Comparison.model_validate_json(answer(sandbox, base, seed_sd))


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def recorded_metrics(sandbox: Sandbox) -> dict[str, Any]:
    """The metrics of the last run's evaluation."""
    found: dict[str, Any] = json.loads((sandbox.root / "data/metrics/evaluate.json").read_bytes())["challenger"]
    return found


def test_a_model_against_itself_has_gained_nothing(computed: Sandbox, unchanged: Callable[[Sandbox], None]) -> None:
    """Every gain is exactly 0 and within noise, nothing hurts, and neither looking nor asking twice changes a thing."""
    unchanged(computed)
    found = compared(computed, seed_sd={"squared_error": 50.0})
    assert [(each.gain and each.gain.value, each.low, each.high, each.real) for each in found.metrics] == [
        (0.0, 0.0, 0.0, "within noise")
    ] * 4
    assert {each.name: each.change.value for each in found.metrics} == recorded_metrics(computed)
    assert (found.slices, found.switched, found.curves, found.clusters) == ((), None, (), None)
    assert all(each.base == each.change for each in found.importance)
    assert all(each.base == each.change for each in found.history if each.held_out)
    assert found == compared(computed, seed_sd={"squared_error": 50.0})


def test_a_base_without_a_model_is_a_reason(computed: Sandbox) -> None:
    """The commit before the first run has nothing to compare with."""
    assert "was never trained" in answer(computed, "HEAD~1")


def test_an_evaluation_of_other_features_is_not_used(computed: Sandbox) -> None:
    """Outputs that do not belong together are an error here, not a reason."""
    path = computed.root / "data/evaluation/evaluation.json"
    record = json.loads(path.read_bytes())
    path.write_text(json.dumps({**record, "holdout": dict.fromkeys(record["holdout"], "0" * 64)}))
    said = computed.run([sys.executable, "-c", SCRIPT, "HEAD", "{}"])
    assert (said.code, "was made from other features" in said.error) == (1, True)


@pytest.mark.slow
def test_each_model_gets_the_features_of_its_own_room(computed: Sandbox) -> None:
    """A change of the feature function is compared; not so with a base whose code fails, or whose model is gone."""
    before = recorded_metrics(computed)
    features = computed.root / "src" / "diabetes" / "features.py"
    edit(features, "return rows[MEASURED]", 'return rows[[*MEASURED, "gone"]]')
    broken = computed.commit("Break the feature function; the lock still has a model")
    ours = f'return rows[MEASURED[:-1]].assign({ADDED}=rows["bmi"] * rows["bp"])'
    edit(features, 'return rows[[*MEASURED, "gone"]]', ours)
    computed.ok("run")

    found = compared(computed, "HEAD~1")
    assert {each.name: each.base and each.base.value for each in found.metrics} == pytest.approx(before)
    assert {each.name: each.change.value for each in found.metrics} == recorded_metrics(computed)
    assert {each.feature for each in found.importance if each.base is None} == {ADDED}
    assert {each.feature for each in found.importance if each.change is None} == {"s6"}
    assert [(each.batch, each.held_out) for each in found.history] == [
        ("part-02", False),
        ("part-03 to part-04", True),
    ]

    reason = answer(computed, broken)
    assert f"base {broken[:9]} was not trained since src/diabetes changed: it is trained here" in reason
    assert "the base cannot be trained here: KeyError" in reason
    assert "gone" in reason
    shutil.rmtree(computed.root / ".dvc" / "cache")
    assert "is neither in DVC's cache nor on its remote" in answer(computed, "HEAD~1")


@pytest.mark.slow
@pytest.mark.xdist_group("flights")
def test_a_new_month_is_compared_on_the_rows_that_judge_it(april: Sandbox) -> None:
    """The base of March and the model of April on the flights of April: counted, sliced, drawn, with noise."""
    found = compared(april, seed_sd={"log_loss": 10.0})
    metrics = {each.name: each for each in found.metrics}
    assert {name: each.change.value for name, each in metrics.items()} == recorded_metrics(april)
    assert (metrics["log_loss"].real, metrics["log_loss"].seed_sd, found.seeds) == ("within noise", 10.0, 2)
    assert (found.clusters, found.coverage, found.loss) == (30, 0.8, "log_loss")
    assert found.switched is not None
    accuracy = metrics["accuracy"]
    assert accuracy.gain is not None
    assert accuracy.gain.value == pytest.approx((found.switched.mended - found.switched.broken) / found.rows)
    assert [set(row.key) for row in found.switched.worst] == [{"time_hour", "carrier", "flight"}] * 5
    losses = [row.loss for row in found.switched.worst]
    assert losses == sorted(losses, reverse=True)
    assert len(found.slices) == 5
    assert all(each.rows >= 200 and each.low is not None for each in found.slices)
    assert [each.feature for each in found.importance].count("dest") == 1
    assert found.history[-1].batch == "2013-04"
    assert found.history[-1].change == metrics["log_loss"].change.value
    assert len(found.curves) == 6
