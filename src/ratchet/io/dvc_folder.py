"""DVC's view of one project of a repository that may hold several: what lies in its folder, and in no project below it.

The projects of a repository share one `.dvc`: cache, remote, run cache. DVC itself would look at the stages and the
data of all of them in each command.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from dvc.dvcfile import is_valid_filename
from dvc.fs import LocalFileSystem
from dvc.repo import Repo
from dvc.repo.index import Index
from dvc.utils.objects import cached_property

from ratchet.settings import PARAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

PIPELINE = "dvc.yaml"
PROJECT = {PARAMS, PIPELINE}
"""The files that make a folder a project."""


class FolderRepo(Repo):  # type: ignore[misc]  # DVC has no types
    """A DVC repository, seen from the project at `folder`, an absolute path at or below the one that has `.dvc`."""

    def __init__(self, folder: Path, *, config: Mapping[str, Any]) -> None:
        super().__init__(str(folder), config=config)
        self.inside = folder.relative_to(self.root_dir).parts
        self._below: set[str] = set()
        _spare_others(self)

    @cached_property  # type: ignore[untyped-decorator]  # DVC has no types
    def index(self) -> Index:
        """The stages and the tracked data of the project, in the work tree or the commit that DVC was switched to."""
        return Index.from_indexes(self, self._indexes())

    def _indexes(self) -> Iterator[Index]:
        """What each `dvc.yaml` and `.dvc` file declares. No output and nothing that git ignores is looked into."""
        start, outputs = self.fs.join(self.root_dir, *self.inside), set[str]()
        for root, folders, names in self.dvcignore.walk(self.fs, start, followlinks=False):
            if root != start and set(names) >= PROJECT:
                self._below.add(self.fs.join(*self.fs.relparts(root, self.root_dir)))
                folders.clear()
                continue
            paths = (self.fs.join(root, name) for name in names if is_valid_filename(name))
            for path in paths:
                if not self._ignored(path):
                    index = Index.from_file(self, path)
                    outputs.update(out.fs_path for stage in index.stages for out in stage.outs)
                    yield index
            inner = {name: self.fs.join(root, name) for name in folders}
            folders[:] = [
                name for name, path in inner.items() if path not in outputs and not self._ignored(path + self.fs.sep)
            ]

    def owns(self, path: str) -> bool:
        """Whether a path in the repository is the project's, and not that of a project below it."""
        place = PurePath(path)
        return place.is_relative_to(PurePath(*self.inside)) and not any(
            place.is_relative_to(each) for each in self._below
        )

    def _ignored(self, path: str) -> bool:
        """Whether git ignores it; of a commit git has everything."""
        return isinstance(self.fs, LocalFileSystem) and bool(self.scm.is_ignored(path))


def _spare_others(repo: FolderRepo) -> None:
    """Keep a checkout of everything from removing what an earlier one put there for other projects."""
    unused = repo.state.get_unused_links

    def own_unused(used: list[str], fs: Any) -> list[str]:
        return [path for path in unused(used, fs) if repo.owns(path)]

    repo.state.get_unused_links = own_unused  # DVC has no place to hand a rule over
