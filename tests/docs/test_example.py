"""The worked example of docs/your-own-data.md, run from nothing as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "your-own-data.md"
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"[0-9a-f]{32}|\d[\d,.]*(?:e-\d+)?")
SECONDS = 120
MINE = ("MLFLOW_", "DVC_", "RATCHET_", "GITHUB_", "GIT_")
"""Beginnings of variables of whoever runs the tests that must not reach the example."""


def _blocks() -> dict[str, str]:
    return dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))


def _steps(console: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, and the lines that it shows below it."""
    for step in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, *shown = step.splitlines()
        yield command, shown


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The repository without its data and rooms, under git, with the files that the page shows."""
    root = tmp_path / "project"
    skip = shutil.ignore_patterns("__pycache__", "tmp", "cache", "config.local")
    for folder in (".dvc", "src/ratchet"):
        shutil.copytree(ROOT / folder, root / folder, ignore=skip)
    for name in (
        ".dvcignore",
        ".gitignore",
        "dvc.yaml",
        "data/.gitignore",
        "data/raw/.gitignore",
        "data/lookups/.gitignore",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, root / name)
    for name, text in _blocks().items():
        if name != "run":
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
    (root / "src" / "deliveries" / "__init__.py").touch()
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(root)], check=True)
    return root


def _environment(project: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(MINE)}
    names = {f"GIT_{who}_{what}": "ana@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    home = {
        "HOME": str(project.parent),
        "DVC_SITE_CACHE_DIR": str(project.parent / "dvc"),
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return {**kept, **names, **home, "PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}


def _run(command: str, project: Path) -> str:
    programs = {"python": [sys.executable], "ratchet": [sys.executable, "-m", "ratchet"], "git": ["git"]}
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [*programs[program], *arguments],
        cwd=project,
        env=_environment(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}"
    return done.stdout


def _without_numbers(line: str) -> str:
    return NUMBER.sub("#", line)


@pytest.mark.slow
def test_example_runs_as_it_stands(project: Path) -> None:
    """Every command of the example succeeds and says what the page shows, but for the numbers."""
    steps = [*_steps(_blocks()["run"])]
    assert len(steps) > 5
    for command, shown in steps:
        said = {_without_numbers(line) for line in _run(command, project).splitlines()}
        assert [line for line in shown if _without_numbers(line) not in said] == [], command
