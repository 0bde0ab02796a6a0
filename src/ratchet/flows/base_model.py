"""The model of another commit, ready to score rows: from its `dvc.lock`, with its room's code beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.change.comparable import GATE
from ratchet.core.params import parse_params
from ratchet.core.split import plan_split
from ratchet.errors import DataRefused, RatchetError, ServiceFailed
from ratchet.flows.counterfactual import known, rerun
from ratchet.io import dvc, layout, model_folder
from ratchet.io.code import library_versions
from ratchet.io.model_folder import LoadedModel
from ratchet.io.progress import say
from ratchet.io.revision import Revision
from ratchet.io.workspace import Parts, RerunFailed
from ratchet.io.yaml_text import parse_yaml
from ratchet.settings import PARAMS, Settings

UP_TO_THE_MODEL = ("ingest", "validate", "featurize", "train")
"""The stages whose inputs decide which model comes out."""


@dataclass(frozen=True)
class OtherModel:
    """A commit's model, and the folder with its room's code under `src/`."""

    home: Path
    model: LoadedModel


@contextmanager
def base_model(settings: Settings, base: Revision) -> Iterator[OtherModel]:
    """The base's model, verified, and its room's code, in a folder that lasts as long.

    It is the model that its `dvc.lock` names, if that lock is of the commit's own files; an older lock, as a run that
    was skipped or failed leaves it, names another model, and then the base is trained here.
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
        older = base.untrained(UP_TO_THE_MODEL) or _other_batches(base, model)
        if not older:
            base.export_room(model.record.recipe.project.room, home)
            yield OtherModel(home, model)
            return
    with _trained_here(settings, base, older) as trained:
        yield trained


def _other_batches(base: Revision, model: LoadedModel) -> tuple[str, ...]:
    """The batches that the model should have been trained on and was not, or the other way round."""
    params = parse_params(parse_yaml(base.text(PARAMS) or "", source=PARAMS), source=f"{PARAMS} of the base")
    names = sorted(Path(path).stem for path in base.files("data/raw") if path.endswith(".dvc"))
    planned = plan_split(names, holdout=params.split.holdout, folds=params.split.folds).train
    return tuple(sorted(set(planned) ^ set(model.record.trained_on)))


@contextmanager
def _trained_here(settings: Settings, base: Revision, older: tuple[str, ...]) -> Iterator[OtherModel]:
    """Raises ServiceFailed if the base's own files cannot be trained here."""
    parts = Parts(data=base, code=base, params=base)
    if not known(settings, parts):
        say(f"base {base.commit[:9]} was not trained since {', '.join(older[:3])} changed: it is trained here")
    with ExitStack() as stack:
        try:
            done = stack.enter_context(rerun(settings, parts))
        except RerunFailed as failed:
            raise ServiceFailed(f"the base cannot be trained here: {failed.words}", next_step=GATE) from failed
        yield OtherModel(done.home, done.model)


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
