"""What was computed once is not computed again, also where its lock was lost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = pytest.mark.slow


def test_a_clone_without_the_lock_restores_what_was_published(pulled: Sandbox) -> None:
    """As after a force-push over the machine's commit: what was trained is found by its inputs."""
    sandbox = pulled
    sandbox.git("push", "--quiet", "origin", "main")
    sandbox.ok("run")
    sandbox.ok("publish", "--branch", "published")
    clone = sandbox.base / "clone"
    sandbox.git("clone", "--quiet", str(sandbox.origin), str(clone))
    local = sandbox.root / ".dvc" / "config.local"
    (clone / ".dvc" / "config.local").write_text(local.read_text(encoding="utf-8"), encoding="utf-8")
    there = {"PYTHONPATH": str(clone / "src")}
    for command in (["data", "fetch"], ["run"]):
        said = sandbox.run([sys.executable, "-m", "ratchet", *command], cwd=clone, env=there)
        assert said.code == 0, said
    # DVC keeps no run of a stage whose outputs are all in git: gate runs again.
    assert "train, evaluate restored from the run cache" in said.out
    lock = sandbox.root / "dvc.lock"
    assert (clone / "dvc.lock").read_text(encoding="utf-8") == lock.read_text(encoding="utf-8")
