"""Which models a run of a workflow is about, by what a branch changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.errors import UsageError
from ratchet.flows.models import Picked, picked
from ratchet.io.git import git

WHO = {f"GIT_{role}_{what}": "m@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
Change = Callable[..., None]


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """Commits files with their texts in a repository on the branch `topic` of `main`, which has two models."""

    def commit(**texts: str) -> None:
        for name, text in texts.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        git(["add", "--all"], cwd=tmp_path)
        git(["commit", "--quiet", "--message", "change"], cwd=tmp_path, env=WHO)

    git(["init", "--quiet", "--initial-branch=main"], cwd=tmp_path)
    params = {f"models/{name}/params.yaml": f"project: {{name: {name}}}\n" for name in ("early", "late")}
    commit(**params, **{f"models/{name}/dvc.yaml": "stages: {}\n" for name in ("early", "late")})
    git(["switch", "--quiet", "--create", "topic"], cwd=tmp_path)
    return commit


def test_every_run_knows_all_that_are_touched(change: Change, tmp_path: Path) -> None:
    """The first is asked for by the push, and asks for the others; theirs know the same, and ask for none."""
    change(**{"src/ratchet/errors.py": "\n"})
    assert picked(tmp_path, "main") == Picked(model="early", others=("late",), touched=("early", "late"))
    assert picked(tmp_path, "main", only="late") == Picked(model="late", touched=("early", "late"))


def test_a_change_of_one_model_waits_for_no_other(change: Change, tmp_path: Path) -> None:
    """It alone is touched; another one that is asked for by name counts as well."""
    change(**{"models/late/x.txt": "x\n"})
    assert picked(tmp_path, "main") == Picked(model="late", touched=("late",))
    assert picked(tmp_path, "main", only="early") == Picked(model="early", touched=("late", "early"))


def test_one_that_is_named_needs_no_other_to_be_read(change: Change, tmp_path: Path) -> None:
    """A project without a name stops a choice, and not a run that needs none."""
    change(**{"models/early/params.yaml": "project: 3\n"})
    assert picked(tmp_path, "main", only="late") == Picked(model="late", touched=("late",))
    with pytest.raises(UsageError, match="models/early"):
        picked(tmp_path, "main")


def test_a_repository_of_one_project_names_none(tmp_path: Path) -> None:
    """No command has to."""
    (tmp_path / "params.yaml").write_text("project: {name: late}\n", encoding="utf-8")
    (tmp_path / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    assert picked(tmp_path, "main") == Picked(model="")
