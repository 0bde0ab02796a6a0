"""Erasing a batch of a project whose model serves: killed half way, completed, and told by everything that is asked."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.loop.conftest import Sandbox

pytestmark = pytest.mark.slow

BATCH, REASON = "part-04", "case 4711"
KILLED = """
import os, signal, sys
from ratchet.io import erasing
erasing.erase = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["ratchet", *sys.argv[1:]]
from ratchet.__main__ import main
main()
"""
"""The command, but for its last step: the ledger has the entry, and nothing was taken away."""


def objects(sandbox: Sandbox, *, own: bool) -> Iterator[str]:
    """DVC's objects of one batch's rows, or those of all other batches: raw, and in the outputs that have folders."""
    lock = yaml.safe_load((sandbox.root / "dvc.lock").read_text(encoding="utf-8"))
    outs = [out for stage in lock["stages"].values() for out in stage["outs"]]
    for out in outs:
        if out["path"] in ("data/ingested", "data/validation", "data/features"):
            listed = json.loads(place(sandbox.root / ".dvc" / "cache", out["md5"]).read_bytes())
            yield from (each["md5"] for each in listed if (each["relpath"].split("/")[0] == BATCH) == own)
    for pointer in (sandbox.root / "data" / "raw").glob("*.dvc"):
        if (pointer.stem == BATCH) == own:
            yield yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"][0]["md5"]


def place(store: Path, name: str) -> Path:
    """Where DVC has an object."""
    return store / "files" / "md5" / name[:2] / name[2:]


def test_a_batch_is_erased_and_everything_says_so(served: Sandbox) -> None:
    """Killed between the ledger's entry and the taking away, the same command once more completes it.

    Its objects are gone from cache and remote, all others are there, a run goes on without it, the source does not
    bring it again, and history, lineage, rebuild and the page say what became of it.
    """
    served.ok("publish", "--branch", "main")
    stores = served.root / ".dvc" / "cache", served.dvc_remote
    gone, left = set(objects(served, own=True)), set(objects(served, own=False))
    gone -= left
    assert len(gone) >= 6
    assert all(place(store, name).is_file() for store in stores for name in gone | left)
    command = ("data", "erase", BATCH, "--reason", REASON)
    killed = served.run([sys.executable, "-c", KILLED, *command])
    assert killed.code == -signal.SIGKILL, killed
    assert all(place(store, name).is_file() for store in stores for name in gone)
    said = served.ok(*command)
    assert "(ledger entry 3)" in said
    assert "learned from the rows: no version; judged on them: version 1" in said
    assert not any(place(store, name).exists() for store in stores for name in gone)
    # The lists of what outputs hold go as well; the next run writes others.
    assert all(place(store, name).is_file() for store in stores for name in left)
    assert not list(served.root.glob(f"data/*/{BATCH}"))
    assert served.git("status", "--porcelain") == f"D data/raw/{BATCH}.dvc"
    served.commit(f"Erase {BATCH}")
    assert "nothing new" in served.ok("data", "pull", "--until", BATCH)
    assert "part-03" in served.ok("run")
    assert BATCH not in json.loads((served.root / "data" / "features" / "manifest.json").read_bytes())["units"]
    entries = [json.loads(line) for line in served.ok("history", "--all", "--json").splitlines()]
    assert [entry["kind"] for entry in entries] == ["registered", "promotion", "erase"]
    assert (entries[2]["reason"], list(entries[2]["batches"]), entries[2]["judged"]) == (REASON, [BATCH], [1])
    assert f"batch {BATCH}: erased on" in served.ok("lineage", BATCH)
    rebuilt = served.ratchet("rebuild", "1")
    assert (rebuilt.code, f"erased: batch {BATCH} was erased on" in rebuilt.out) == (4, True), rebuilt
    page = served.base / "ledger.html"
    served.ok("ledger", "export", str(page))
    assert f"erasure of {BATCH}" in page.read_text(encoding="utf-8")
    assert "ok  erased" in served.ok("ledger", "verify")
