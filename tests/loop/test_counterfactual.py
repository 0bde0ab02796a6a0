"""Why a metric moved and how much of it is luck, on a whole project: what a change did is run again part by part."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("small")]

ATTRIBUTE = """
import json, sys
from pathlib import Path
from ratchet.flows.attribute import attribute
from ratchet.io.revision import base_of
from ratchet.settings import load_settings
settings = load_settings(Path.cwd())
terms = json.loads(sys.argv[1])
print(attribute(settings, base_of(settings.root, terms.pop("base")), **terms).model_dump_json())
"""
SEEDS = """
import dataclasses, json, sys
from pathlib import Path
from ratchet.flows.seeds import missing_refits, seed_noise
from ratchet.settings import load_settings
settings, seeds = load_settings(Path.cwd()), int(sys.argv[1])
missing = missing_refits(settings, seeds)
print(json.dumps({"missing": missing, **dataclasses.asdict(seed_noise(settings, seeds))}))
"""
ASKED = {"base": "main", "asked": True, "budget_seconds": 0, "train_seconds": None, "seed_sd": None}


def call(sandbox: Sandbox, program: str, argument: str) -> tuple[dict[str, Any], list[str]]:
    """What a program's last line says as JSON, and the lines before it; the work tree and git stay as they are."""
    kept = ("data", "src", "dvc.lock", "params.yaml")
    before, status = sandbox.digests(*kept), sandbox.git("status", "--porcelain")
    said = sandbox.run([sys.executable, "-c", program, argument])
    assert said.code == 0, said
    assert (sandbox.digests(*kept), sandbox.git("status", "--porcelain")) == (before, status)
    *lines, last = said.out.splitlines()
    return json.loads(last), lines


def attribute(sandbox: Sandbox, *changed: str, **terms: object) -> tuple[dict[str, Any], list[str]]:
    """The attribution of the work tree's model against a base, main unless named, and what was said on the way."""
    return call(sandbox, ATTRIBUTE, json.dumps({**ASKED, "changed": changed, **terms}))


def gains(found: dict[str, Any]) -> dict[str, float]:
    """The parts by factor."""
    return {part["factor"]: part["gain"] for part in found["parts"]}


def change(sandbox: Sandbox) -> None:
    """Begin a branch."""
    sandbox.git("switch", "--quiet", "--create", "change")


def replace(sandbox: Sandbox, path: str, old: str, new: str) -> None:
    """Change one place in a file."""
    text = (sandbox.root / path).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (sandbox.root / path).write_text(text.replace(old, new), encoding="utf-8")


def reproduce(sandbox: Sandbox) -> None:
    """Run the pipeline and commit everything."""
    sandbox.ok("run")
    sandbox.commit("Reproduce")


def test_data_and_params_are_told_apart(computed: Sandbox) -> None:
    """Unasked and dear, nothing runs and the note says how to ask; then the parts sum to the whole, once and again.

    Where only one thing changed there is nothing to run: it has it all.
    """
    change(computed)
    computed.ok("data", "pull", "--until", "part-05")
    computed.set_params(model={"params": {"alpha": 300.0}})
    reproduce(computed)

    put_off, said = attribute(computed, "data", "params", asked=False, budget_seconds=100, train_seconds=60)
    assert (put_off["parts"], put_off["reruns"], said) == ([], 0, [])
    assert re.fullmatch(
        r"2 reruns would take about 60 s each; ask with the label `explain`, or: "
        r"ratchet report --base [0-9a-f]{9} --explain",
        put_off["note"],
    )

    found, said = attribute(computed, "data", "params", asked=False, budget_seconds=100, train_seconds=45)
    assert (found["metric"], found["note"], found["reruns"]) == ("squared_error", "", 2)
    assert list(gains(found)) == ["data", "params"]
    assert math.isclose(sum(gains(found).values()), found["total"], rel_tol=1e-12)
    assert found["total"] == put_off["total"]
    assert [part["real"] for part in found["parts"] if part["factor"] == "params"] == ["worse"]
    assert said == ["explain 1 of 2: new data, old params", "explain 2 of 2: old data, new params"]

    again, said = attribute(computed, "data", "params", asked=False)
    assert (again["from_cache"], again["parts"]) == (2, found["parts"])
    assert said == [
        "explain 1 of 2: new data, old params (from the run cache)",
        "explain 2 of 2: old data, new params (from the run cache)",
    ]

    alone, said = attribute(computed, "params", asked=False)
    assert (alone["reruns"], gains(alone), said) == (0, {"params": found["total"]}, [])


def test_each_room_makes_its_own_features(computed: Sandbox) -> None:
    """A rerun with the base's code is scored with the base's features; libraries that do the same have no part."""
    change(computed)
    replace(computed, "src/diabetes/features.py", '"bmi", ', "")
    (computed.root / "requirements").mkdir()
    (computed.root / "requirements" / "run.txt").write_text("scikit-learn==1\n", encoding="utf-8")
    reproduce(computed)
    found, said = attribute(computed, "dependencies", "code")
    assert (found["note"], found["reruns"], found["from_cache"]) == ("", 1, 0)
    assert said == ["explain 1 of 1: old code"]
    assert gains(found) == {"dependencies": 0, "code": found["total"]}
    assert found["total"] < 0


def test_what_cannot_run_together_is_named(computed: Sandbox) -> None:
    """Parameters that only the new code knows: there are no parts, and the note says which rerun failed and why."""
    change(computed)
    known = '    "ridge": (None, "sklearn.linear_model:Ridge"),\n'
    replace(
        computed,
        "src/ratchet/core/estimators.py",
        known,
        known + known.replace("ridge", "lars").replace("Ridge", "Lars"),
    )
    computed.set_params(model={"estimator": "lars", "params": {}})
    reproduce(computed)
    found, _ = attribute(computed, "code", "params")
    assert (found["parts"], found["reruns"]) == ([], 1)
    assert found["total"] is not None
    assert re.match(r"old code, new params cannot run together: train: .*'lars' is no estimator", found["note"])


def test_a_base_that_has_seen_the_rows_explains_nothing(computed: Sandbox) -> None:
    """When rows that the base learned from judge now, or it never learned, the note says so instead of numbers."""
    found, _ = attribute(computed, "data", base="main~2")
    assert (found["total"], found["parts"]) == (None, [])
    assert re.match(r"the base \([0-9a-f]{9}\) was never trained", found["note"])

    computed.set_params(split={"holdout": 3, "folds": 1})
    found, _ = attribute(computed, "params")
    assert (found["total"], found["parts"]) == (None, [])
    assert "it was trained on part-02, which judges here: it has seen the answers" in found["note"]


def test_luck_is_measured_by_other_seeds(computed: Sandbox) -> None:
    """A model without randomness has none, and a forest has some in every metric."""
    ridge, said = call(computed, SEEDS, "1")
    assert (ridge["missing"], said) == (1, ["noise 1 of 1: another seed"])
    assert set(ridge["sd"].values()) == {0.0}
    assert set(ridge["sd"]) == {"squared_error", "rmse", "absolute_error", "r2"}

    change(computed)
    computed.set_params(model={"estimator": "random_forest", "params": {"n_estimators": 3}})
    reproduce(computed)
    forest, _ = call(computed, SEEDS, "1")
    assert (forest["seeds"], forest["from_cache"]) == (1, 0)
    assert min(forest["sd"].values()) > 0
