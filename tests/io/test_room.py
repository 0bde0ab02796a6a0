"""The user's room is found, checked and imported from the project, and from nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratchet.core.params import Params
from ratchet.errors import UsageError
from ratchet.io.files import write_text
from ratchet.io.room import (
    collect_function,
    feature_functions,
    read_params,
    read_schema,
    schema_path,
    standing_function,
)

PARAMS = """
project: {name: m, room: chamber, task: binary, target: late}
split: {}
features: {}
model: {estimator: constant}
evaluate: {}
gate: {metric: log_loss}
"""
FILES = {
    "params.yaml": PARAMS,
    "src/chamber/__init__.py": "",
    "src/chamber/features.py": "def build(rows, lookups):\n    return rows\n\n\ndef label(rows):\n    return rows\n",
    "src/chamber/source.py": "def collect(since, until):\n    yield 'a', {}\n\n\ndef standing():\n    return {}\n",
    "src/chamber/schema.yaml": "rows: {key: [id], columns: {id: {type: integer}}}\n",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with a room that nobody else has; forgotten afterwards."""
    for name, text in FILES.items():
        write_text(tmp_path / name, text)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "chamber"]:
        del sys.modules[name]


@pytest.fixture
def params(root: Path) -> Params:
    """The project's parameters."""
    return read_params(root)


def test_a_room_is_read(root: Path, params: Params) -> None:
    """Parameters, schema and all four functions come from the project's own files."""
    assert (params.project.room, list(read_schema(root, params).rows.columns)) == ("chamber", ["id"])
    functions = feature_functions(root, params)
    collect, standing = collect_function(root, params), standing_function(root, params)
    assert functions.build.__module__ == functions.label.__module__ == "chamber.features"
    assert standing is not None
    assert (list(collect(None, None)), standing()) == ([("a", {})], {})


def test_a_missing_params_file_is_said(tmp_path: Path) -> None:
    """Outside a project, the file that makes one is named."""
    with pytest.raises(UsageError, match=r"params\.yaml is not there"):
        read_params(tmp_path)


def test_a_file_that_is_no_yaml_is_said_with_its_line(root: Path) -> None:
    """The message names the file and the place in it."""
    write_text(root / "params.yaml", "project:\n  name: [\n")
    with pytest.raises(UsageError, match=r"params\.yaml is not valid YAML: (.|\n)*line 3"):
        read_params(root)


def test_yaml_builds_no_objects(root: Path) -> None:
    """A tag that asks for a Python object is refused."""
    write_text(root / "params.yaml", "project: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(UsageError, match="is not valid YAML"):
        read_params(root)


def test_a_wrong_schema_is_named_by_its_path_in_the_project(root: Path, params: Params) -> None:
    """Whoever mends it knows where it is."""
    write_text(schema_path(root, params), "rows: {key: [id]}\n")
    with pytest.raises(UsageError, match=r"^src/chamber/schema\.yaml is refused:"):
        read_schema(root, params)


@pytest.mark.parametrize("name", ["features", "source"])
def test_a_room_without_one_of_its_files_is_refused(root: Path, params: Params, name: str) -> None:
    """The file that is missing is named."""
    (root / "src" / "chamber" / f"{name}.py").unlink()
    with pytest.raises(UsageError, match=rf"project\.room 'chamber': there is no src/chamber/{name}\.py"):
        (feature_functions if name == "features" else collect_function)(root, params)


def test_a_room_without_one_of_its_functions_is_refused(root: Path, params: Params) -> None:
    """The file and the function are named."""
    write_text(root / "src" / "chamber" / "features.py", "def build(rows, lookups):\n    return rows\n")
    with pytest.raises(UsageError, match=r"features\.py has no function label"):
        feature_functions(root, params)


def test_an_import_error_inside_the_room_stays_what_it_is(root: Path, params: Params) -> None:
    """A library that the room needs and does not find is not called a missing room."""
    write_text(root / "src" / "chamber" / "features.py", "import no_such_library\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        feature_functions(root, params)


def test_another_package_of_the_rooms_name_is_not_taken_for_it(root: Path, params: Params) -> None:
    """Where the name is taken by a package from elsewhere, that is said instead of training on it."""
    other = root / "elsewhere"
    for name in ("__init__.py", "features.py"):
        write_text(other / "chamber" / name, "")
    sys.path.insert(0, str(other))
    sys.path.insert(1, str(root / "src"))
    with pytest.raises(UsageError, match=r"was found at .*elsewhere"):
        feature_functions(root, params)
