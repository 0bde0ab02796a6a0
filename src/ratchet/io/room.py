"""The user's room: the package under `src/` that says where data comes from and what the features are."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import yaml

from ratchet.core.params import Params, parse_params
from ratchet.core.schema import Schema, parse_schema
from ratchet.errors import UsageError
from ratchet.settings import PARAMS, find_home, source_folders

if TYPE_CHECKING:
    import pandas as pd

    Tables = dict[str, pd.DataFrame]
    Collect = Callable[[str | None, str | None], Iterator[tuple[str, Tables]]]
    Standing = Callable[[], Tables]


@dataclass(frozen=True)
class FeatureFunctions:
    """The room's `features.py`."""

    build: Callable[[pd.DataFrame, Tables], pd.DataFrame]
    label: Callable[[pd.DataFrame], pd.Series]


def room_files(folder: Path) -> list[Path]:
    """What makes a room: its Python files and its schema."""
    return sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".yaml"))


def room_folder(root: Path, room: str) -> Path:
    """Where a room is: below the project's own `src`, or else below that of the repository, which projects share."""
    places = [folder / room for folder in source_folders(root)]
    return next((place for place in places if place.is_dir()), places[0])


def read_params(root: Path) -> Params:
    """Read and check `params.yaml`. Raises UsageError that lists every problem."""
    return parse_params(_yaml(root / PARAMS))


def model_in_folder(root: Path) -> str:
    """The name of the project's model if others share its repository; empty for a project that is the whole of one.

    Raises UsageError where params.yaml is wrong.
    """
    return "" if find_home(root) == root else read_params(root).project.name


def schema_path(root: Path, params: Params) -> Path:
    """Where the room's schema is."""
    return room_folder(root, params.project.room) / "schema.yaml"


def schema_name(root: Path, params: Params) -> str:
    """The same as people read it: relative to the project."""
    return Path(os.path.relpath(schema_path(root, params), root)).as_posix()


def read_schema(root: Path, params: Params) -> Schema:
    """Read and check the room's `schema.yaml`. Raises UsageError that lists every problem."""
    return parse_schema(_yaml(schema_path(root, params)), source=schema_name(root, params))


def feature_functions(root: Path, params: Params) -> FeatureFunctions:
    """Import the room's `features.py`. Raises UsageError if it or one of its functions is missing."""
    module = _module(root, params.project.room, "features")
    return FeatureFunctions(build=_function(module, "build"), label=_function(module, "label"))


def build_function(home: Path, room: str) -> Callable[[pd.DataFrame, Tables], pd.DataFrame]:
    """The feature function of the room of the project or model folder `home`, which may be another version of it."""
    return _function(_module(home, room, "features"), "build")


def collect_function(root: Path, params: Params) -> Collect:
    """The room's function that `data.rows.collect` names as `module:function`. Raises UsageError if it is missing."""
    return cast("Collect", _named(root, params, params.data.rows.collect))


def standing_function(root: Path, params: Params) -> Standing | None:
    """The room's function that `data.rows.standing` names, if it names one. Raises UsageError if it is missing."""
    name = params.data.rows.standing
    return cast("Standing", _named(root, params, name)) if name else None


def cost_function(root: Path, params: Params, *, metric: str, function: str) -> Callable[..., Any]:
    """The room's function that `evaluate.costs` names for a metric. Raises UsageError if it is missing."""
    return _named(root, params, function, where=f"evaluate.costs.{metric}")


def _named(root: Path, params: Params, name: str, *, where: str = "data.rows") -> Callable[..., Any]:
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        raise UsageError(
            f"params.yaml: {where}: {name!r} is not module:function", next_step="write it like source:collect"
        )
    return _function(_module(root, params.project.room, module), function)


def _module(root: Path, room: str, name: str) -> ModuleType:
    """The room of this project, even where another package of that name is installed."""
    folder = str(room_folder(root, room).parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(f"{room}.{name}")
    except ModuleNotFoundError as error:
        if error.name not in (room, f"{room}.{name}"):
            raise
        raise UsageError(
            f"params.yaml: project.room {room!r}: there is no src/{room}/{name}.py",
            next_step="name the package under src/ that holds source.py, features.py and schema.yaml",
        ) from error
    found = Path(module.__file__ or "").resolve()
    if not found.is_relative_to(Path(folder).resolve()):
        raise UsageError(
            f"the room {room!r} was found at {found}, not under {folder}", next_step="remove the other package"
        )
    return module


def _function(module: ModuleType, name: str) -> Callable[..., Any]:
    function = getattr(module, name, None)
    if not callable(function):
        raise UsageError(f"{module.__file__} has no function {name}", next_step="docs/your-own-data.md shows one")
    return cast("Callable[..., Any]", function)


def _yaml(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{path} is not there", next_step="run ratchet inside a project") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not valid YAML: {error}", next_step="mend the line that is named") from error
