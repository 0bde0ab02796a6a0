"""Paths with `{batch}` in them: which files they mean, and which batch each file belongs to."""

from __future__ import annotations

import re

from ratchet.core.sources.declared import BATCH

NAME = r"[0-9A-Za-z][0-9A-Za-z._-]*"
WILD = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


def as_glob(path: str) -> str:
    """The pattern that finds the files of all batches.

    >>> as_glob("s3://lake/sales/{batch}/part-*.parquet")
    's3://lake/sales/*/part-*.parquet'
    """
    return path.replace(BATCH, "*")


def is_glob(path: str) -> bool:
    """Whether a path names more than one file."""
    return any(sign in path for sign in "*?") or BATCH in path


def batch_in(path: str, found: str) -> str | None:
    """The batch that the file `found` belongs to, as the end of `path` says; None if it does not fit.

    >>> batch_in("sales/{batch}.csv", "/mnt/share/sales/2013-07.csv")
    '2013-07'
    >>> batch_in("lake/{batch}/part-*.parquet", "lake/2013-07/part-0.parquet")
    '2013-07'
    """
    tokens = re.split(r"(\{batch\}|\*\*|\*|\?)", path)
    parts = [f"({NAME}?)" if token == BATCH else WILD.get(token) or re.escape(token) for token in tokens]
    match = re.fullmatch("(?:.*/)?" + "".join(parts).lstrip("/"), found)
    return match[1] if match and len(set(match.groups())) == 1 else None


def several_files(path: str) -> bool:
    """Whether a batch may have several files: what follows its name has a wildcard.

    >>> several_files("lake/{batch}/part-*.parquet"), several_files("*/{batch}.csv")
    (True, False)
    """
    return any(sign in path.rpartition(BATCH)[2] for sign in "*?")
