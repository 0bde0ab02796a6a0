"""DVC skips a stage whose dependencies have not changed: each must name all the code it runs, and every parameter."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
STAGES: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def imported(path: Path) -> Iterator[Path]:
    """Files of the package that `path` imports, also inside functions, but for type checking alone."""
    for node in _running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            place = SOURCE / name.replace(".", "/")
            found = [each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()]
            if name.startswith("ratchet."):
                yield from found


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _running(child)


def closure(*starts: Path) -> set[str]:
    """All files reached from `starts`, relative to the root."""
    todo, seen = list(starts), set[Path]()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo.extend(imported(path))
    return {str(path.relative_to(ROOT)) for path in seen}


def code_of(stage: str) -> set[str]:
    """The files that `python -m ratchet.stages STAGE` runs."""
    stages = SOURCE / "ratchet" / "stages"
    return closure(stages / f"{stage}.py", stages / "__main__.py")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_exactly_the_code_it_runs(stage: str) -> None:
    """The Python dependencies in dvc.yaml are the files that the stage imports, directly or not."""
    declared = {dep for dep in STAGES[stage]["deps"] if dep.startswith("src/ratchet/")}
    assert sorted(declared) == sorted(code_of(stage))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_parameters_it_reads(stage: str) -> None:
    """Every section of params.yaml that the stage or the core on its way reads is one of its parameters."""
    read = {
        node.attr
        for name in code_of(stage)
        if "/core/" in name or "/stages/" in name
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "params"
    }
    named = {param.partition(".")[0] for param in STAGES[stage]["params"]}
    assert {"gate" if name == "sealed" else name for name in read} - {"model_dump"} <= named


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_named_after_its_file(stage: str) -> None:
    """A stage runs the file of its own name."""
    assert STAGES[stage]["cmd"] == f"python -m ratchet.stages {stage}"
