"""Commits and outputs that came apart: a lock that is not of its commit's files, outputs that are not of the lock."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from ratchet.io.revision import Revision

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = pytest.mark.slow

STAGES = ("ingest", "validate", "featurize", "train")


def test_a_lock_says_which_files_it_is_not_of(computed: Sandbox) -> None:
    """Nothing for what was computed; parameters by the names in the lock, a folder of code by DVC's digest of it."""
    head = computed.git("rev-parse", "HEAD")
    computed.set_params(model={"params": {"alpha": 2.0}}, gate={"metric": "absolute_error"})
    params = computed.commit("other parameters")
    with (computed.root / "src" / "diabetes" / "features.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    code = computed.commit("other code")
    found = [Revision(computed.root, commit).untrained(STAGES) for commit in (head, params, code)]
    assert found == [(), ("gate.metric", "model"), ("gate.metric", "model", "src/diabetes")]


def test_a_base_that_was_not_trained_is_trained_to_compare_with(computed: Sandbox) -> None:
    """The report does not show the model of an older lock as the base's: both sides are the same change apart."""
    computed.set_params(model={"params": {"alpha": 2.0}})
    base = computed.commit("alpha 2, and no run")
    computed.git("switch", "--quiet", "--create", "change")
    computed.set_params(model={"params": {"alpha": 3.0}})
    computed.commit("alpha 3")
    computed.ok("run")
    said = computed.ok("report", "--base", "main")
    assert f"base {base[:9]} was not trained since model changed: it is trained here" in said
    change = json.loads((computed.root / "reports" / "change.json").read_text(encoding="utf-8"))
    assert [(each["key"], each["old"], each["new"]) for each in change["params"]] == [
        ("model.params.alpha", "2.0", "3.0")
    ]
    shown = {each["name"]: each["base"]["value"] for each in change["comparison"]["metrics"]}
    computed.git("switch", "--quiet", "--force", "--detach", base)
    computed.ok("run")
    metrics = json.loads((computed.root / "data" / "metrics" / "evaluate.json").read_text(encoding="utf-8"))
    assert shown["squared_error"] == pytest.approx(metrics["challenger"]["squared_error"])


def test_a_pull_of_commits_brings_the_outputs_of_their_lock(served: Sandbox) -> None:
    """What a colleague computed is fetched, not made again, and nothing that git tracks is changed."""
    sandbox = served
    assert sandbox.run([sys.executable, "-m", "dvc", "push", "--quiet"]).code == 0
    before = sandbox.commit("before")
    sandbox.set_params(model={"params": {"alpha": 2.0}})
    sandbox.commit("alpha 2")
    sandbox.ok("run")
    sandbox.ok("publish", "--branch", "main")
    published = sandbox.git("rev-parse", "HEAD")
    sandbox.git("switch", "--quiet", "--detach", before)
    sandbox.ok("run")
    sandbox.git("switch", "--quiet", "--force", "--detach", published)
    assert sandbox.ok("run").startswith("Nothing changed")
    assert sandbox.git("status", "--short", "--untracked-files=no") == ""
