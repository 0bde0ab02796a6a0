"""What changed between a commit and the work tree, in a whole project: data, parameters, code, stages, seconds."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = pytest.mark.slow

ASK = """
import json, sys
from pathlib import Path
from ratchet.flows import what_changed
from ratchet.io import dvc
from ratchet.io.revision import Revision
from ratchet.settings import load_settings

settings = load_settings(Path.cwd())
base = Revision(settings.root, sys.argv[1])
with dvc.project(settings.root, settings.dvc_remote) as repo:
    data = what_changed.data_change(settings, repo, base)
parts = {part: getattr(what_changed, part)(base) for part in ("param_changes", "code_changes", "stage_runs")}
print(json.dumps({"data": data.model_dump(), **{part: [each.model_dump() for each in found]
                                                for part, found in parts.items()}}))
"""


def changed(sandbox: Sandbox, base: str) -> Any:
    """Every answer, as JSON."""
    said = sandbox.run([sys.executable, "-c", ASK, base])
    assert said.code == 0, said
    return json.loads(said.out)


def correct_a_batch(sandbox: Sandbox) -> None:
    """In part-02: one patient gone, one new, two whose outcome is another, one of a sex that no other batch knows."""
    folder = sandbox.root / "data" / "raw" / "part-02"
    rows = pd.read_parquet(folder / "rows.parquet").iloc[1:].reset_index(drop=True)
    rows.loc[rows.index[:2], "progression"] += 5
    rows.loc[rows.index[0], "bmi"] += 1
    new = rows.iloc[[-1]].assign(patient=9000)
    shutil.rmtree(folder)
    folder.mkdir()
    pd.concat([rows, new]).to_parquet(folder / "rows.parquet", index=False)
    assert sandbox.run([sys.executable, "-m", "dvc", "add", "--quiet", "data/raw/part-02"]).code == 0


def test_a_changed_project_is_told_from_its_base(computed: Sandbox) -> None:
    """A batch corrected, one removed, one added, a parameter and a feature file changed, and stages that ran for it."""
    sandbox = computed
    base = sandbox.git("rev-parse", "HEAD")
    sandbox.ok("data", "pull", "--until", "part-05")
    correct_a_batch(sandbox)
    shutil.rmtree(sandbox.root / "data" / "raw" / "part-01")
    (sandbox.root / "data" / "raw" / "part-01.dvc").unlink()
    sandbox.set_params(model={"params": {"alpha": 2.0}})
    features = sandbox.root / "src" / "diabetes" / "features.py"
    features.write_text(features.read_text(encoding="utf-8") + "\n# another version\n", encoding="utf-8")
    sandbox.ok("run")
    sandbox.commit("Change much")

    found = changed(sandbox, base)
    batches = {each["batch"]: each for each in found["data"]["batches"]}
    assert [(name, each["kind"], each["table"]) for name, each in batches.items()] == [
        ("part-01", "removed", "rows"), ("part-02", "changed", "rows"), ("part-05", "added", "rows"),
    ]  # fmt: skip
    part = batches["part-02"]
    assert [part[each] for each in ("rows_added", "rows_removed", "rows_edited", "label_flips")] == [1, 1, 2, 2]
    assert part["rows_before"] == part["rows_after"]
    added = batches["part-05"]
    assert added["rows_before"] == 0
    assert added["rows_after"] == added["rows_added"] > 0
    assert found["data"]["note"] == ""
    assert [(each["key"], each["old"], each["new"]) for each in found["param_changes"]] == [
        ("model.params.alpha", "1.0", "2.0")
    ]
    assert [(each["path"], each["lines_added"]) for each in found["code_changes"]] == [("src/diabetes/features.py", 2)]
    stages = {each["name"]: each for each in found["stage_runs"]}
    assert list(stages) == ["ingest", "validate", "featurize", "train", "evaluate", "gate"]
    assert {each["state"] for each in stages.values()} == {"ran"}
    assert stages["ingest"]["reasons"] == ["data/raw"]
    assert stages["train"]["reasons"] == ["data/features", "params: model.params.alpha"]
    assert all(each["seconds"] > 0 for each in stages.values())


def states(sandbox: Sandbox, base: str) -> dict[str, str]:
    """What each stage did, by name."""
    return {each["name"]: each["state"] for each in changed(sandbox, base)["stage_runs"]}


def test_seconds_travel_with_the_published_commit(computed: Sandbox) -> None:
    """It has a trailer with the stages that ran; a clone without memory reads there what its cache saved."""
    sandbox = computed
    base = sandbox.git("rev-parse", "HEAD")
    sandbox.set_params(model={"params": {"alpha": 2.0}})
    sandbox.commit("Another alpha")
    sandbox.ok("run")
    sandbox.ok("publish", "--branch", "main")
    said = sandbox.git("log", "-1", "--format=%(trailers:key=Stage-seconds,valueonly)")
    assert [pair.split("=")[0] for pair in said.split()] == ["evaluate", "gate", "train"]
    assert "[skip ci]" not in sandbox.git("log", "-1", "--format=%B")
    untouched = dict.fromkeys(("ingest", "validate", "featurize"), "unchanged")
    judged = ("train", "evaluate", "gate")
    assert states(sandbox, base) == {**untouched, **dict.fromkeys(judged, "ran")}

    shutil.rmtree(sandbox.root / ".ratchet")
    stages = changed(sandbox, base)["stage_runs"]
    assert {each["state"] for each in stages} == {"unchanged"}
    assert [each["name"] for each in stages if each["saved"] is not None] == list(judged)

    sandbox.git("checkout", "--quiet", base, "--", "params.yaml", "dvc.lock")
    sandbox.ok("run")
    assert states(sandbox, "HEAD")["train"] == "restored"


def test_a_base_whose_data_is_nowhere_is_told_by_name(computed: Sandbox) -> None:
    """Without its tables in cache or remote, and without a lock at all, the batches that git knows are named."""
    sandbox = computed
    base = sandbox.git("rev-parse", "HEAD")
    started = sandbox.git("rev-list", "--max-parents=0", "HEAD")
    sandbox.ok("data", "pull", "--until", "part-05")
    sandbox.commit("Add part 5")
    data = changed(sandbox, started)["data"]
    assert (data["batches"], data["note"].split("; ")[1]) == (
        [], "by name: added part-01, part-02, part-03, part-04, part-05"
    )  # fmt: skip

    shutil.rmtree(sandbox.root / ".dvc" / "cache")
    data = changed(sandbox, base)["data"]
    assert data["batches"] == []
    assert data["note"].endswith("by name: added part-05")
    assert base[:9] in data["note"]
