"""The model of another commit, ready to score rows: from its `dvc.lock`, with its room's code beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.change.comparable import GATE
from ratchet.errors import DataRefused, RatchetError, ServiceFailed
from ratchet.io import dvc, layout, model_folder
from ratchet.io.code import library_versions
from ratchet.io.model_folder import LoadedModel
from ratchet.io.revision import Revision
from ratchet.settings import Settings


@dataclass(frozen=True)
class OtherModel:
    """A commit's model, and the folder with its room's code under `src/`."""

    home: Path
    model: LoadedModel


@contextmanager
def base_model(settings: Settings, base: Revision) -> Iterator[OtherModel]:
    """The model that the base's `dvc.lock` names, verified, and its room's code, in a folder that lasts as long.

    Raises DataRefused if nothing was trained for the base, ServiceFailed if its model is nowhere or cannot be used.
    """
    if layout.MODEL not in base.outs():
        raise DataRefused(
            f"the base ({base.commit[:9]}) was never trained: there is no model to compare with", next_step=GATE
        )
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        with dvc.project(settings.root, settings.dvc_remote) as repo:
            base.fetch(repo, [layout.MODEL], home)
        model = _read(home, base)
        base.export([f"src/{model.record.recipe.project.room}"], home)
        yield OtherModel(home, model)


def _read(home: Path, base: Revision) -> LoadedModel:
    folder = home / layout.MODEL
    try:
        with of_other_libraries(model_folder.read_record(folder).libraries):
            return model_folder.read(folder)
    except RatchetError as error:
        # The folder is gone when the message is read, and has another name each time: say which commit's file it is.
        message = error.message.replace(f"{home}/", f"{base.commit[:9]}:")
        raise ServiceFailed(f"the base's model cannot be used: {message}", next_step=GATE) from error


@contextmanager
def of_other_libraries(libraries: Mapping[str, str]) -> Iterator[None]:
    """A model of other library versions may fail in any way: that is then why. Otherwise an error is one of ours."""
    try:
        yield
    except RatchetError:
        raise
    except Exception as error:
        here = library_versions()
        differing = [f"{name} {version}" for name, version in libraries.items() if here.get(name) != version]
        if not differing:
            raise
        raise ServiceFailed(
            f"the base's model was made with {', '.join(differing)} and does not work with what is installed here: "
            f"{type(error).__name__}: {error}",
            next_step=GATE,
        ) from error
