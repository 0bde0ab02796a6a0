"""Batches on branches: data that two people add side by side comes together as git brings text together."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pandas as pd
import yaml

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox


def add_batch(sandbox: Sandbox, name: str, first_patient: int) -> None:
    """Add the rows of part-04 again, as other patients with other outcomes."""
    rows = pd.read_parquet(sandbox.root / "data" / "raw" / "part-04" / "rows.parquet")
    file = sandbox.base / f"{name}.csv"
    rows.assign(patient=range(first_patient, first_patient + len(rows))).to_csv(file, index=False)
    sandbox.ok("data", "add", name, str(file))


def test_two_branches_that_each_add_a_batch_merge(pulled: Sandbox) -> None:
    """Git merges them without a conflict, and the pipeline then sees both batches."""
    sandbox = pulled
    sandbox.git("switch", "--quiet", "--create", "one")
    add_batch(sandbox, "part-05", 5000)
    sandbox.commit("Add part-05")
    sandbox.git("switch", "--quiet", "main")
    sandbox.git("switch", "--quiet", "--create", "other")
    # DVC leaves the other branch's batch in the work tree: it takes no part in a run, and is not tracked by chance.
    said = sandbox.ratchet("run")
    assert (said.code, "data/raw/part-05: here, but without a .dvc file" in said.error) == (3, True)
    shutil.rmtree(sandbox.root / "data" / "raw" / "part-05")
    add_batch(sandbox, "part-06", 6000)
    sandbox.commit("Add part-06")
    sandbox.git("merge", "--quiet", "--no-edit", "one")
    sandbox.ok("data", "fetch")
    listed = sandbox.ok("data", "list")
    assert ["part-01", "part-02", "part-03", "part-04", "part-05", "part-06"] == [
        line.split()[0] for line in listed.splitlines()
    ]
    assert "not tracked" not in listed
    assert "ingest part-05" in sandbox.ok("run")


def test_a_lock_that_a_merge_of_text_made_up_is_not_believed(computed: Sandbox) -> None:
    """With one side's inputs and the other's outputs in an entry DVC has nothing to do; here the stage runs again."""
    sandbox = computed
    lock = sandbox.root / "dvc.lock"
    first = lock.read_text(encoding="utf-8")
    sandbox.set_params(model={"params": {"alpha": 2.0}})
    sandbox.ok("run")
    honest = yaml.safe_load(lock.read_text(encoding="utf-8"))
    sandbox.git("checkout", "--quiet", "--", "dvc.lock", "data")
    mixed = first.replace("alpha: 1.0", "alpha: 2.0")
    assert mixed != first
    lock.write_text(mixed, encoding="utf-8")
    assert sandbox.run([sys.executable, "-m", "dvc", "checkout", "--quiet", "--force"]).code == 0
    said = sandbox.run([sys.executable, "-m", "dvc", "status", "train"])
    assert "up to date" in said.out
    assert "not believed, as it is not what was computed: dvc.lock on train" in sandbox.ok("run")
    assert yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"] == honest["stages"]
    assert "not believed" not in sandbox.ok("run")
