"""What git calls to merge `dvc.lock` in a checkout, and how git is told to.

Which files it is called for stands in `.gitattributes`; what it is called by in the checkout's own configuration, as
git takes commands from nowhere else. Where that is missing git merges those files as text, and so does GitHub always.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from ratchet.errors import UsageError
from ratchet.io.files import write_text
from ratchet.io.git import git, git_says
from ratchet.io.lock_text import merge_texts

LABELS = ("ours", "base", "theirs")

KEEP_OURS = "true"
"""The driver of results: either side's may stay until their stage runs, so git's own version of ours does."""


def merge_lock(base: Path, ours: Path, theirs: Path) -> str:
    """Merge three versions of a `dvc.lock` into the file `ours`, as git asks of a driver; returns what kept it from it.

    An empty string is success. Otherwise `ours` holds the conflict as text, with markers.
    """
    texts = [path.read_text(encoding="utf-8", errors="surrogateescape") for path in (base, ours, theirs)]
    try:
        merged = merge_texts(*texts)
    except UsageError as error:
        _mark(base, ours, theirs)
        return str(error)
    write_text(ours, merged)
    return ""


def install(root: Path) -> bool:
    """Tell git in the checkout at `root` which command merges; False if it is no checkout. Twice changes nothing."""
    if git_says(["rev-parse", "--git-dir"], cwd=root) is None:
        return False
    # The Python of this environment by its path: that stays right when the environment is made anew in its place.
    lock = f"{shlex.quote(sys.executable)} -P -m ratchet merge-driver lock %O %A %B"
    wanted = {
        "ratchet-lock": ("dvc.lock, stage by stage", lock),
        "ratchet-result": ("what stages make anew", KEEP_OURS),
    }
    for name, (words, command) in wanted.items():
        git(["config", f"merge.{name}.name", words], cwd=root)
        git(["config", f"merge.{name}.driver", command], cwd=root)
    return True


def _mark(base: Path, ours: Path, theirs: Path) -> None:
    """Merge as text, which leaves markers. Its own verdict does not count: it knows nothing of stages."""
    names = [argument for label in LABELS for argument in ("-L", label)]
    paths = [str(path.resolve()) for path in (ours, base, theirs)]
    git_says(["merge-file", "--quiet", *names, *paths], cwd=ours.resolve().parent)
