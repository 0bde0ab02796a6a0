"""DVC's cache by the names of its objects: what is here, what the remote has, and a run cache for whole pipelines.

DVC's run cache knows single stages, and none whose output persists. `recall` and `remember` keep what all the stages up
to the model made of one set of inputs, as an entry of the same cache in the same format: `dvc push` and `dvc pull`
take it along, and to DVC it is a stage that no pipeline has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ratchet.errors import TamperedFile
from ratchet.io import dvc, files, layout

if TYPE_CHECKING:
    from dvc.repo import Repo

WHOLE = "ratchet whole-pipeline"
"""What stands as the command in an entry: nothing runs it."""
AGAIN = "remove it from .dvc/cache, and ratchet data fetch gets it again"
TREE = ".dir"
"""How the name of an object ends that lists a folder."""


def lacking(repo: Repo, names: Iterable[str]) -> list[str]:
    """Which of the named objects (MD5, with `.dir` for a folder) are not in the cache with all their content."""
    return [name for name in names if not _whole(repo, name)]


def bring(repo: Repo, names: Iterable[str]) -> list[str]:
    """Fetch from the remote what the cache lacks; returns what is on neither. Raises ServiceFailed."""
    wanted = lacking(repo, names)
    if wanted and _has_remote(repo):
        _transfer(repo.cloud.pull, [name for name in wanted if not _path(repo, name).is_file()])
        _transfer(repo.cloud.pull, [name for name in _contents(repo, wanted) if not _path(repo, name).is_file()])
    return lacking(repo, wanted)


def place(repo: Repo, name: str, folder: Path) -> None:
    """Write the files of a folder's object into `folder`. Raises TamperedFile if one has other bytes than its name."""
    _read_object(repo, name)
    for path, content in _listed(repo, name):
        target = (folder / path).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise TamperedFile(f"{name} in DVC's cache names {path!r}, outside of its folder", next_step=AGAIN)
        data = _read_object(repo, content)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def recall(repo: Repo, key: str) -> str | None:
    """The name of the model's object that the pipeline made of the inputs with this key, if it is known."""
    entries = sorted(_entry(repo, key).glob("*"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    found = _read(entries[-1]) if entries else {}
    return next((str(out["md5"]) for out in found.get("outs", ()) if out.get("path") == layout.MODEL), None)


def remember(repo: Repo, key: str, model: str) -> None:
    """Keep that the pipeline made `model`, an object in the cache, of the inputs with this key."""
    entry = {"cmd": WHOLE, "outs": [{"path": layout.MODEL, "hash": "md5", "md5": model}]}
    text = yaml.safe_dump(entry, sort_keys=False)
    files.write_text(_entry(repo, key) / hashlib.sha256(text.encode()).hexdigest(), text)


def push_remembered(repo: Repo) -> int:
    """Send the remembered models that are here to the remote; returns how many objects went.

    `dvc push --run-cache` sends the entries, but of the outputs only those that `dvc.lock` names.
    """
    if not _has_remote(repo):
        return 0
    texts = (path.read_text(encoding="utf-8") for path in _runs(repo).glob("*/*/*") if path.is_file())
    models = {
        out["md5"] for text in texts if text.startswith(f"cmd: {WHOLE}\n") for out in yaml.safe_load(text)["outs"]
    }
    here = sorted(models - set(lacking(repo, models)))
    return _transfer(repo.cloud.push, [*_contents(repo, here), *here])


def push_small(repo: Repo) -> int:
    """Send the outputs that git holds, as they are outputs of cached runs, too; returns how many objects went.

    DVC restores a stage only whole, and sends of its outputs only those that git does not hold.
    """
    names = (out.hash_info.value for out in repo.index.outs if not out.use_cache and out.hash_info)
    return (
        _transfer(repo.cloud.push, [name for name in names if _path(repo, name).is_file()]) if _has_remote(repo) else 0
    )


def _transfer(send: Any, names: list[str]) -> int:
    """Send objects, each by itself; returns how many went. What the other side does not have does not go."""
    from dvc.output import HashInfo

    return len(send([HashInfo("md5", name) for name in names]).transferred) if names else 0


def _contents(repo: Repo, names: Iterable[str]) -> list[str]:
    """The objects of the files in those of the named folders whose list is here."""
    folders = (name for name in names if name.endswith(TREE) and _path(repo, name).is_file())
    return sorted({content for name in folders for _, content in _listed(repo, name)})


def _read_object(repo: Repo, name: str) -> bytes:
    """An object's bytes. Raises TamperedFile if they are not those of its name."""
    data = _path(repo, name).read_bytes()
    if hashlib.md5(data, usedforsecurity=False).hexdigest() != name.removesuffix(TREE):
        raise TamperedFile(f"DVC's cache holds other bytes than were recorded: MD5 {name}", next_step=AGAIN)
    return data


def _whole(repo: Repo, name: str) -> bool:
    if not _path(repo, name).is_file():
        return False
    return not name.endswith(TREE) or all(_path(repo, content).is_file() for _, content in _listed(repo, name))


def _listed(repo: Repo, name: str) -> Iterator[tuple[str, str]]:
    """Path and object of each file of a folder's object. Raises TamperedFile if it is no list of files."""
    try:
        listing = json.loads(_path(repo, name).read_bytes())
        yield from [(str(each["relpath"]), str(each["md5"])) for each in listing]
    except (ValueError, TypeError, KeyError) as error:
        raise TamperedFile(f"DVC's cache holds no list of files: MD5 {name}", next_step=AGAIN) from error


def _path(repo: Repo, name: str) -> Path:
    return Path(repo.cache.local.oid_to_path(name))


def _runs(repo: Repo) -> Path:
    return Path(repo.stage_cache.cache_dir)


def _entry(repo: Repo, key: str) -> Path:
    return _runs(repo) / key[:2] / key


def _read(path: Path) -> dict[str, Any]:
    """An entry; empty if it cannot be read, as one that a killed transfer left."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def _has_remote(repo: Repo) -> bool:
    return bool(repo.config["core"].get("remote")) or dvc.has_remote(Path(repo.root_dir))
