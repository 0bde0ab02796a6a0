"""A model on disk: `model.skops` (preprocessing and estimator as one artefact) beside `model.json`.

skops names its parts by memory address and stamps the time, so that the same model has other bytes each time it is
saved. Here the parts are renumbered in order of appearance: the same model is the same file.

Reading inspects before it constructs: the bytes must have the recorded digest, and only types from scikit-learn,
numpy and scipy that skops knows, plus `TRUSTED`, are built.

A folder that leaves the project is sealed: `seal.json` names every file with its SHA-256, and the ledger records the
SHA-256 of `seal.json`. The room's code travels along under `src/`, so that a later evaluation can make this model's
features as it expects them, whatever the room has become.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.core.model_record import ModelRecord
from ratchet.errors import RatchetError, ServiceFailed, TamperedFile, UsageError
from ratchet.io import files
from ratchet.io.room import room_files

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MODEL = "model.skops"
RECORD = "model.json"
SEAL = "seal.json"
TRUSTED = (
    "numpy.clip",
    "numpy.dtype",
    "numpy.interp",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.KFold",
    "sklearn.tree._tree.Tree",
)
"""What skops does not know: types that only hold arrays and numbers, and functions that only compute with arrays."""

CHAMPION = "champion.json"
"""The ledger's entry, beside a champion's files; it is not part of the seal, as it names it."""
SIGNATURE = "manifest.dsse.json"
"""The signed manifest (`io.signed_model`), beside a fetched model's files; it names the seal, and is no part of it."""

AGAIN = "fetch it again with ratchet champion pull, or train again with ratchet run"
OTHER_LIBRARIES = "install the versions it was trained with (model.json has them under libraries)"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time stamp of every part: the zip format knows no earlier one."""


@dataclass(frozen=True)
class LoadedModel:
    """A verified model and what is known about it."""

    record: ModelRecord
    pipeline: Pipeline


def write_model(path: Path, pipeline: Pipeline) -> str:
    """Save the fitted pipeline, the same bytes for the same model; returns their SHA-256."""
    import skops.io

    data = _stable(skops.io.dumps(pipeline))
    files.write(path, lambda half: half.write_bytes(data))
    return files.digest(path)


def write_record(folder: Path, record: ModelRecord) -> None:
    """Save `model.json`."""
    files.write_json(folder / RECORD, record.model_dump())


def read_record(folder: Path) -> ModelRecord:
    """Read `model.json` alone. Raises ServiceFailed if it is not there or not readable."""
    try:
        return ModelRecord.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValueError) as error:
        raise ServiceFailed(f"{folder / RECORD} cannot be read: {error}", next_step="ratchet run") from error


def read(folder: Path, *, seal: str | None = None) -> LoadedModel:
    """Verify, then load. `seal` is what the ledger recorded, where the folder is a sealed one.

    Raises TamperedFile if the bytes are others than recorded, UsageError if the file needs types nobody trusts,
    ServiceFailed if the libraries that are here cannot build it.
    """
    if seal is not None:
        verify_seal(folder, seal)
    record = read_record(folder)
    _must_be(folder / MODEL, record.model_digest)
    return LoadedModel(record, _construct(folder / MODEL))


def copy(folder: Path, target: Path) -> None:
    """Put a model's own files, byte for byte, into another folder."""
    for name in (MODEL, RECORD):
        shutil.copyfile(folder / name, target / name)


def copy_room(room: Path, target: Path) -> None:
    """Put the files of the room at `room` under `target/src/`."""
    for path in room_files(room):
        place = target / "src" / path.relative_to(room.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def write_seal(folder: Path) -> str:
    """Write `seal.json` over all files of `folder`; returns the digest that the ledger records."""
    found = {str(path.relative_to(folder)): files.digest(path) for path in _sealable(folder)}
    files.write_json(folder / SEAL, found)
    return files.digest(folder / SEAL)


def verify_seal(folder: Path, seal: str) -> None:
    """Check every file of a sealed folder. Raises TamperedFile that names the first one that does not fit."""
    _must_be(folder / SEAL, seal)
    recorded: dict[str, str] = json.loads((folder / SEAL).read_bytes())
    for name, expected in recorded.items():
        _must_be(folder / name, expected)
    extra = {str(path.relative_to(folder)) for path in _sealable(folder)} - set(recorded)
    if extra:
        raise TamperedFile(f"{folder} has files that were not sealed: {', '.join(sorted(extra))}", next_step=AGAIN)


def _sealable(folder: Path) -> list[Path]:
    beside = (folder / SEAL, folder / CHAMPION, folder / SIGNATURE)
    return sorted(path for path in folder.rglob("*") if path.is_file() and path not in beside)


def _must_be(path: Path, expected: str) -> None:
    found = files.digest(path) if path.is_file() else "nothing"
    if found != expected:
        raise TamperedFile(
            f"{path} has SHA-256 {found[:12]}, recorded was {expected[:12]}: it was not used", next_step=AGAIN
        )


def _construct(path: Path) -> Any:
    try:
        return _trusted(path)
    except RatchetError:
        raise
    except Exception as error:
        # What it is built of are other libraries' classes, which change from version to version and fail in any way.
        raise ServiceFailed(
            f"{path} cannot be loaded here: {type(error).__name__}: {error}", next_step=OTHER_LIBRARIES
        ) from error


def _trusted(path: Path) -> Any:
    import skops.io

    unknown = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)
    if unknown:
        raise UsageError(
            f"{path} holds types that are not trusted: {', '.join(sorted(unknown))}",
            next_step="add them to TRUSTED in src/ratchet/io/model_folder.py if you know that they only hold data",
        )
    return skops.io.load(path, trusted=list(TRUSTED))


def _stable(data: bytes) -> bytes:
    """The same archive with its parts numbered in order of appearance and without time stamps."""
    source = zipfile.ZipFile(io.BytesIO(data))
    schema = json.loads(source.read("schema.json"))
    numbers: dict[str, int] = {}
    schema = _renumbered(schema, numbers)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        parts = {_renamed(name, numbers): name for name in source.namelist() if name != "schema.json"}
        for new, old in sorted(parts.items()):
            _put(target, new, source.read(old))
        _put(target, "schema.json", json.dumps(schema, indent=2).encode())
    return out.getvalue()


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data)


def _renumbered(node: Any, numbers: dict[str, int]) -> Any:
    if isinstance(node, list):
        return [_renumbered(child, numbers) for child in node]
    if not isinstance(node, dict):
        return node
    out: dict[str, Any] = {}
    for key, value in node.items():
        if key == "__id__":
            out[key] = _number(str(value), numbers)
        elif key == "file":
            out[key] = _renamed(value, numbers)
        else:
            out[key] = _renumbered(value, numbers)
    return out


def _renamed(name: str, numbers: dict[str, int]) -> str:
    match = re.fullmatch(r"(\d+)(\..+)", name)
    return f"{_number(match[1], numbers)}{match[2]}" if match else name


def _number(address: str, numbers: dict[str, int]) -> int:
    return numbers.setdefault(address, len(numbers) + 1)
