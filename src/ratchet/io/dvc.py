"""DVC, through its Python interface: one process, one `Repo`, no second start-up."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.errors import DataRefused, ServiceFailed, StageFailed, TamperedFile
from ratchet.io import files
from ratchet.io.batches import pointer
from ratchet.io.new_pointers import track_new
from ratchet.io.yaml_text import parse_yaml
from ratchet.settings import find_home, source_folders

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

Status = dict[str, list[Any]]
"""What differs, by stage name or `.dvc` file; empty when everything is up to date."""

EXIT_CODE = re.compile(r"exited with (-?\d+)")
REMOTE = "storage"


@contextmanager
def project(root: Path, remote: str | None) -> Iterator[Repo]:
    """The DVC project at `root`, with `remote` (a folder or URL) as its default remote where one is given.

    Inside the block `root`, an absolute path, is the current folder: DVC takes paths, and names things, relative to it.
    """
    _stages_run_this(root)
    from dvc.exceptions import DvcException

    from ratchet.io.dvc_folder import FolderRepo

    logging.getLogger("dvc").setLevel(logging.WARNING)
    # A stage that never ran has no outputs to check out: nothing to warn about.
    logging.getLogger("dvc_data").setLevel(logging.ERROR)
    try:
        # DVC looks for the pipeline, and runs and names things, relative to the current folder.
        with chdir(root), FolderRepo(root, config=_config(remote)) as repo:
            yield repo
    except DvcException as error:
        raise ServiceFailed(f"dvc: {error}", next_step="mend what dvc says and try again") from error


def status(repo: Repo) -> Status:
    """Which stages and data differ from what `dvc.lock` and the `.dvc` files say."""
    found: Status = repo.status()
    return found


def pipeline(repo: Repo) -> list[str]:
    """The names of the pipeline's stages, each after those whose outputs it needs. Data with a `.dvc` file is none."""
    stages = {stage.addressing: stage for stage in repo.index.stages if not stage.is_data_source}
    needed = {
        name: [other for other, made in stages.items() if other != name and _needs(stage, made)]
        for name, stage in stages.items()
    }
    return list(TopologicalSorter(needed).static_order())


def _needs(stage: Stage, other: Stage) -> bool:
    outs = [Path(out.fs_path) for out in other.outs]
    deps = [Path(dep.fs_path) for dep in stage.deps]
    return any(dep.is_relative_to(out) or out.is_relative_to(dep) for dep in deps for out in outs)


def reproduce(repo: Repo, stages: Sequence[str]) -> list[str]:
    """Run what is out of date of `stages`, which stand in the order of `pipeline`, and of nothing else.

    Data with a `.dvc` file is not looked at again: a project may have hundreds of batches, and `status` has just done
    it. Returns the names of the stages that ran or were restored from the run cache.
    Raises StageFailed with the exit code of the stage that ended early.
    """
    from dvc.exceptions import ReproductionError

    try:
        # What was computed elsewhere is restored from the remote, if there is one.
        remote = bool(repo.config["core"].get("remote"))
        done = repo.reproduce(targets=list(stages), single_item=True, pull=remote)
    except ReproductionError as error:
        raise _stage_failed(error) from error
    return [stage.name for stage in done if getattr(stage, "name", None)]


def add(repo: Repo, paths: Sequence[Path]) -> None:
    """Track files or folders, absolute paths, each with a `.dvc` file beside it."""
    known = [path for path in paths if pointer(path).is_file()]
    if known:
        repo.add([str(path) for path in known])
    if new := [path for path in paths if path not in known]:
        track_new(repo, new)


def is_tracked(path: Path) -> bool:
    """Whether the `.dvc` file of a file is there and names the bytes that the file has. Asks nothing of DVC."""
    if not pointer(path).is_file():
        return False
    match parse_yaml(pointer(path).read_text(encoding="utf-8"), source=str(pointer(path))):
        case {"outs": [{"md5": str(md5)}]}:
            return md5 == files.digest(path, "md5")
    return False


def has_remote(root: Path) -> bool:
    """Whether the own configuration of the repository that the project at `root` is in names a default remote."""
    files = (find_home(root) / ".dvc" / name for name in ("config", "config.local"))
    return any("remote = " in path.read_text(encoding="utf-8") for path in files if path.is_file())


def push(repo: Repo) -> int:
    """Send data, outputs and the run cache to the remote; returns how many files went."""
    sent: int = repo.push(run_cache=True)
    return sent


def push_data(repo: Repo, pointers: Sequence[Path]) -> int:
    """Send the data that these `.dvc` files name to the remote, and nothing else; returns how many files went."""
    sent: int = repo.push(targets=[str(path) for path in pointers])
    return sent


def pull(repo: Repo) -> None:
    """Get data, outputs and the run cache from the remote; outputs that the remote does not have are left out.

    DVC believes its cache. Here every object is compared with its name first: a damaged one is fetched again.
    Raises TamperedFile if the remote's is damaged too, before anything is put in place, and ServiceFailed if the
    remote does not have the data itself.
    """
    from dvc.exceptions import CheckoutError

    dropped: set[str] = set()
    while True:
        _fetch(repo)
        damaged = _damaged(repo)
        for oid in damaged:
            Path(repo.cache.local.oid_to_path(oid)).unlink()
        if again := sorted(dropped & damaged.keys()):
            raise _damaged_remote(", ".join(f"{damaged[oid]} (MD5 {oid})" for oid in again))
        if not damaged:
            break
        dropped |= damaged.keys()
    try:
        repo.checkout(force=True, allow_missing=True)
    except CheckoutError as error:
        raise ServiceFailed(f"dvc: {error}", next_step="push the data from where it is: dvc push") from error
    if missing := missing_data(repo):
        raise ServiceFailed(
            f"the DVC remote does not have {', '.join(missing)}, or has it damaged",
            next_step="push it from a checkout that has it: dvc push",
        )


def missing_data(repo: Repo) -> list[str]:
    """The raw batches and lookups that a `.dvc` file names and that are not in the work tree."""
    return sorted(str(out) for out in repo.index.outs if out.stage.is_data_source and not out.exists)


def stale_outputs(found: Status) -> list[str]:
    """The stages whose outputs here are not those of the lock, though all that they were made from is."""
    return [name for name, changes in found.items() if not name.endswith(".dvc") and _only_outputs(changes)]


def _only_outputs(changes: list[Any]) -> bool:
    kinds = {kind for entry in changes for kind in (entry if isinstance(entry, dict) else [entry])}
    return kinds == {"changed outs"}


def require_untouched_data(found: Status) -> None:
    """Raises DataRefused if a tracked raw batch or lookup is not what its `.dvc` file says."""
    changed = {
        path: change
        for name, changes in found.items()
        if name.endswith(".dvc")
        for entry in changes
        if isinstance(entry, dict)
        for path, change in entry.get("changed outs", {}).items()
        if change != "not in cache"
    }
    if changed:
        listed = ", ".join(f"{path} ({change})" for path, change in sorted(changed.items()))
        raise DataRefused(
            f"tracked data is not what its .dvc file says: {listed}",
            next_step="batches are immutable: ratchet data fetch brings back what was recorded; "
            "a correction is a new batch",
        )


def _damaged(repo: Repo) -> dict[str, str]:
    """Objects in the cache whose bytes are not those of their name (an MD5), each with what it is the content of."""
    cache = repo.cache.local
    found: dict[str, str] = {}
    for oid, name in _objects(repo):
        path = Path(cache.oid_to_path(oid))
        if path.is_file() and files.digest(path, "md5") != oid.removesuffix(".dir"):
            found[oid] = name
    return found


def _objects(repo: Repo) -> Iterator[tuple[str, str]]:
    """Every object that the project's outputs consist of, and what it is the content of."""
    for out in repo.index.outs:
        if not out.hash_info:
            continue
        yield out.hash_info.value, str(out)
        if out.hash_info.isdir:
            for parts, _, info in out.get_obj() or ():
                yield info.value, "/".join([str(out), *parts])


def _fetch(repo: Repo) -> None:
    from dvc.output import ObjectFormatError

    try:
        repo.fetch(run_cache=True)
    except ObjectFormatError as error:
        raise _damaged_remote(str(error)) from error


def _damaged_remote(what: str) -> TamperedFile:
    return TamperedFile(
        f"the DVC remote holds other bytes than were recorded: {what}; nothing of them was used",
        next_step="remove these objects from the remote, then dvc push from a checkout that still has them",
    )


def _config(remote: str | None) -> dict[str, Any]:
    core: dict[str, Any] = {"analytics": False, "check_update": False}
    if remote is None:
        return {"core": core}
    return {"core": {**core, "remote": REMOTE}, "remote": {REMOTE: {"url": remote, "verify": True}}}


def _stages_run_this(root: Path) -> None:
    """Stages say `python -m ratchet.stages`: this Python, and the repository's code, which `dvc.yaml` depends on."""
    os.environ["PYTHONPATH"] = os.pathsep.join(str(folder) for folder in source_folders(root))
    here = str(Path(sys.executable).parent)
    if os.environ.get("PATH", "").split(os.pathsep)[0] != here:
        os.environ["PATH"] = os.pathsep.join([here, os.environ.get("PATH", "")])


def _stage_failed(error: Exception) -> Exception:
    """The stage and its exit code from DVC's chain of causes; other causes are DVC's own."""
    from dvc.stage.exceptions import StageCmdFailedError

    cause = error.__cause__
    code = EXIT_CODE.search(str(cause)) if isinstance(cause, StageCmdFailedError) else None
    if code is None:
        return ServiceFailed(f"dvc: {error}: {cause}", next_step="mend what dvc says and run again")
    stage = str(error).split("'")[1] if "'" in str(error) else "of the pipeline"
    return StageFailed(stage, max(int(code[1]), 1))
