"""Track what DVC does not know yet, at a cost that does not grow with what it knows.

`dvc add` reads every `.dvc` file of the project before it writes one. Here only those are read whose output could
overlap with what is new; the stages, the cache, `.gitignore` and the `.dvc` file are DVC's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.io.yaml_text import parse_yaml

if TYPE_CHECKING:
    from dvc.repo import Repo

PIPELINE = "dvc.yaml"
SUFFIX = ".dvc"
OUTPUTS = ("outs", "metrics", "plots")
"""Keys of a stage that list outputs."""
COMPUTED = {"foreach", "matrix", "do", "wdir"}
"""Keys of a stage by which its outputs have other paths than those that are listed."""
OUTPUT = re.compile(r"^(?:- |  )path: (.+)$", re.MULTILINE)
"""A line of a `.dvc` file that names an output, or a dependency."""


def track_new(repo: Repo, paths: Sequence[Path]) -> None:
    """Put files or folders, absolute paths without a `.dvc` file, into the cache, and write a `.dvc` file beside each.

    Raises DvcException, with nothing tracked, if one is within an output or a tracked folder, or has one within. A
    `.dvc` file in a folder elsewhere that names an output here (`wdir`) is found by DVC's next command, not by this.
    """
    from dvc.exceptions import CacheLinkError
    from dvc.repo import lock_repo
    from dvc.repo.trie import build_outs_trie

    with lock_repo(repo), repo.scm_context():
        new = [_stage(repo, path) for path in paths]
        build_outs_trie([*_near(repo, paths), *new])
        for stage in new:
            try:
                stage.add_outs()
            except CacheLinkError:
                # It is in the cache all the same; only its place in the work tree could not be linked to it.
                stage.dump()
                raise
            stage.dump()


def _stage(repo: Repo, path: Path) -> Any:
    from dvc.utils import resolve_paths

    name, folder, out = resolve_paths(repo, str(path))
    return repo.stage.create(single_stage=True, validate=False, fname=name, wdir=folder, outs=[out])


def _near(repo: Repo, paths: Sequence[Path]) -> Iterator[Any]:
    """The stages whose outputs could overlap with one of `paths`."""
    root = Path(repo.root_dir)
    folders = {folder for path in paths for folder in path.parents if folder.is_relative_to(root)}
    beside = (file for folder in folders for file in folder.glob(f"*{SUFFIX}") if file.is_file())
    found = {file for file in beside if file.with_suffix("") in folders or _names_another(file)}
    found |= {file for path in paths for file in path.rglob(f"*{SUFFIX}")}
    found |= {file for folder in folders if (file := folder / PIPELINE).is_file() and _overlaps(file, paths)}
    for file in sorted(found):
        yield from repo.stage.load_all(str(file))


def _names_another(file: Path) -> bool:
    """Whether a `.dvc` file may name something else than that which it is named after."""
    text = file.read_text(encoding="utf-8", errors="replace")
    outputs = [each.strip("'\"") for each in OUTPUT.findall(text)]
    return outputs != [file.stem] or "\nwdir:" in f"\n{text}"


def _overlaps(pipeline: Path, paths: Sequence[Path]) -> bool:
    """Whether an output of the `dvc.yaml` may overlap: certainly not if all are plain paths and none of them does.

    DVC takes a tenth of a second to load a pipeline.
    """
    outputs = _plain_outputs(parse_yaml(pipeline.read_text(encoding="utf-8"), source=str(pipeline)))
    if outputs is None:
        return True
    places = [pipeline.parent / output for output in outputs]
    return any(place.is_relative_to(path) or path.is_relative_to(place) for place in places for path in paths)


def _plain_outputs(declared: Any) -> list[str] | None:
    """The paths of all stages' outputs; None unless each of them stands there as it is."""
    try:
        stages = list((declared.get("stages") or {}).values())
        listed = [each for stage in stages for kind in OUTPUTS for each in stage.get(kind) or ()]
        if any(stage.keys() & COMPUTED for stage in stages):
            return None
        found = [each if isinstance(each, str) else next(iter(each)) for each in listed]
    except (AttributeError, TypeError, StopIteration):
        return None
    return None if any("${" in each or ".." in each for each in found) else found
