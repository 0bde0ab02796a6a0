"""DVC's cache and its remote as places of objects: what a folder's object lists, and taking objects away one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.io import dvc

if TYPE_CHECKING:
    from dvc.repo import Repo

TREE = ".dir"
"""How the name of an object ends that lists a folder."""


@dataclass(frozen=True)
class ObjectStores:
    """Both places of the repository `repo`; without a remote the cache alone."""

    repo: Repo
    _listings: dict[str, dict[str, str]] = field(default_factory=dict)

    @cached_property
    def cache(self) -> Any:
        """That of the machine."""
        return self.repo.cache.local

    @cached_property
    def remote(self) -> Any:
        """The default remote; None where there is none. Raises DvcException if objects cannot be named there."""
        known = self.repo.config["core"].get("remote") or dvc.has_remote(Path(self.repo.root_dir))
        return self.repo.cloud.get_remote_odb(None, "ratchet data erase") if known else None

    def listed(self, name: str) -> dict[str, str]:
        """By path, the objects of the files in a folder's object; empty for a file, and for one that is nowhere."""
        if not name.endswith(TREE):
            return {}
        if name not in self._listings:
            stores = (store for store in (self.cache, self.remote) if self.here(store, [name]))
            self._listings[name] = next(filter(None, (_listed(store, name) for store in stores)), {})
        return self._listings[name]

    def here(self, store: Any, names: Iterable[str]) -> list[str]:
        """Those of the objects that a place has; None has nothing."""
        return [name for name in names if store is not None and store.exists(name)]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Inside the block no other command of DVC writes to the cache."""
        from dvc.repo import lock_repo

        with lock_repo(self.repo):
            yield

    def remove(self, names: Sequence[str]) -> None:
        """Take objects away, from the remote first; what is gone already is gone."""
        for store in (self.remote, self.cache):
            for name in self.here(store, names):
                store.delete(name)
        if self.remote is not None:
            from dvc_data.hashfile.db import get_index

            # DVC remembers what it has seen there, and would not send it again.
            get_index(self.remote).clear()

    def runs(self) -> list[str]:
        """The entries of the run cache, as text; those of the remote are fetched, where it keeps some."""
        from dvc.stage.cache import RunCacheNotSupported

        if self.remote is not None:
            with suppress(RunCacheNotSupported):
                self.repo.stage_cache.pull(None)
        folder = Path(self.repo.stage_cache.cache_dir)
        return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*/*/*")) if path.is_file()]


def _listed(store: Any, name: str) -> dict[str, str]:
    """What a place says; nothing if it cannot be read, as after a transfer that was killed."""
    try:
        listing = json.loads(store.fs.cat_file(store.oid_to_path(name)))
        return {str(each["relpath"]): str(each["md5"]) for each in listing}
    except (ValueError, TypeError, KeyError):
        return {}
