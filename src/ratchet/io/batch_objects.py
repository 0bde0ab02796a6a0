"""Which objects in DVC's cache and remote hold the rows of a batch, and which of them something else needs, too.

A batch's rows are in its own object, as often as it was tracked with other bytes, and in what stages made of it: its
folder in `data/ingested`, `data/validation` and `data/features`, and the scored rows in `data/evaluation`. Each
`dvc.lock` that git has and each entry of the run cache names the objects of one such computation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from ratchet.core.erasure import Contents
from ratchet.io import file_versions, layout
from ratchet.io.batches import RawBatches, pointer
from ratchet.io.object_stores import TREE, ObjectStores
from ratchet.io.projects import find_projects
from ratchet.settings import find_home

OF_BATCHES = (layout.INGESTED, layout.VALIDATION, layout.FEATURES)
"""Outputs with a folder for each batch."""
DIGEST = re.compile(r"\bmd5: ([0-9a-f]{32}(?:\.dir)?)$", re.MULTILINE)
OUTPUT = re.compile(
    rf"\bpath: ({'|'.join((*OF_BATCHES, layout.EVALUATION))})\n(?: +(?!md5)\w+: .*\n)* +md5: ([0-9a-f]{{32}}\.dir)$",
    re.MULTILINE,
)
"""An output or a dependency as `dvc.lock` and the run cache write it: its path, and its object."""
SCORED = "evaluation.json"
"""A file of the folder of scored rows, by which it is known."""
POINTER = ".dvc"


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Objects that hold rows of the batches: files, and the folders that list them.

    `kept` are objects that something else is made of as well: by object, the file in git that names it.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    kept: Mapping[str, str]


def tracked_ever(root: Path, batch: str) -> tuple[str, ...]:
    """The digests by which git has tracked a batch: now, and in any commit that is here."""
    path = pointer(RawBatches(root).folder / batch).relative_to(root).as_posix()
    found = (digest for text in file_versions.versions(root, path) for digest in DIGEST.findall(text))
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class BatchObjects:
    """Looks for the objects of batches of the project at `root`, whose model is `model`.

    `erased` has, by model, what was ever erased, and what is about to be: nothing needs these contents any more.
    """

    root: Path
    model: str
    stores: ObjectStores
    erased: Mapping[str, Contents]

    def holding(self, batches: Contents) -> Holding:
        """The objects that hold rows of these batches."""
        raw = [digest for digests in batches.values() for digest in digests]
        made = dict.fromkeys(self._outputs(set(batches)))
        folders = [name for name in dict.fromkeys([*raw, *made]) if name.endswith(TREE)]
        files = {name: None for name in raw if not name.endswith(TREE)}
        files |= dict.fromkeys(file for name in raw for file in self.stores.listed(name).values())
        files |= dict.fromkeys(file for name in made for file in self._rows_in(name, set(batches)))
        needed = dict(self._needed())
        return Holding(
            files=tuple(name for name in files if name not in needed),
            # Scored rows are found by what the others list: they go first.
            folders=tuple(sorted((name for name in folders if name not in needed), key=self._lists_batches)),
            kept={name: needed[name] for name in (*files, *folders) if name in needed},
        )

    def _outputs(self, batches: set[str]) -> Iterator[str]:
        """The folders that stages of this model ever wrote with rows of one of the batches."""
        runs = (text for text in self.stores.runs() if _is_of(text, self.model))
        for text in (*file_versions.versions(self.root, layout.LOCK), *runs):
            named = set(OUTPUT.findall(text))
            yield from self._with_rows(named, batches)

    def _with_rows(self, named: Iterable[tuple[str, str]], batches: set[str]) -> list[str]:
        """Of one computation's outputs those with rows of the batches; scored rows are not told apart."""
        of_batches = [name for path, name in named if path in OF_BATCHES and self._rows_in(name, batches)]
        scored = [name for path, name in named if path == layout.EVALUATION]
        return sorted([*of_batches, *scored]) if of_batches else []

    def _rows_in(self, name: str, batches: set[str]) -> list[str]:
        """The files of an output with rows of the batches: in their folders; or all, where it has none for batches."""
        listed = self.stores.listed(name)
        if SCORED in listed:
            return list(listed.values())
        return [file for path, file in listed.items() if PurePosixPath(path).parts[0] in batches]

    def _lists_batches(self, name: str) -> bool:
        return SCORED not in self.stores.listed(name)

    def _needed(self) -> Iterator[tuple[str, str]]:
        """Objects that the work tree's or HEAD's pointers and locks name, each with that file."""
        for model, path, text in self._current:
            if path.endswith(POINTER):
                names = [name for name in DIGEST.findall(text) if name not in self._digests(model)]
                yield from ((each, path) for name in names for each in (name, *self.stores.listed(name).values()))
            else:
                yield from ((name, path) for name in self._needed_by(text, self._dead[model]))

    def _needed_by(self, lock: str, dead: set[str]) -> Iterator[str]:
        """All that a lock names, but for rows of erased batches."""
        with_rows = self._with_rows(set(OUTPUT.findall(lock)), dead)
        for name in DIGEST.findall(lock):
            others = set(self.stores.listed(name).values())
            if name in with_rows:
                yield from others.difference(self._rows_in(name, dead))
            else:
                yield from (name, *others)

    @cached_property
    def _current(self) -> list[tuple[str, str, str]]:
        """Model, path and content of each pointer and lock of the repository, of the work tree and of HEAD."""
        home = find_home(self.root)
        models = {each.folder: each.name for each in find_projects(home)}
        found = file_versions.current(home, POINTER, layout.LOCK)
        return [(_model_at(path, models), path, text) for path, text in found]

    @cached_property
    def _dead(self) -> Mapping[str, set[str]]:
        """By model, the batches that were erased and did not come again with other content."""
        dead = {model: set(self.erased.get(model, ())) for model, _, _ in self._current}
        for model, path, text in self._current:
            if path.endswith(POINTER) and not self._digests(model).issuperset(DIGEST.findall(text)):
                dead[model].discard(PurePosixPath(path).stem)
        return dead

    def _digests(self, model: str) -> set[str]:
        return {digest for digests in self.erased.get(model, {}).values() for digest in digests}


def _is_of(entry: str, model: str) -> bool:
    """Whether an entry of the run cache, which the repository's models share, names this one as its project."""
    return re.search(rf"^ +name: ['\"]?{re.escape(model)}['\"]?$", entry, re.MULTILINE) is not None


def _model_at(path: str, models: Mapping[str, str]) -> str:
    """The model whose project a file is in, by the projects' folders; empty outside of them all."""
    return next((models[str(each)] for each in PurePosixPath(path).parents if str(each) in models), "")
