"""How the ledger lies on its branch: closed segments that never change again, and an open one that grows.

    ledger/000001.jsonl   the first SEGMENT entries
    ledger/000002.jsonl   the next ones; the chain goes on from file to file
    ledger.jsonl          the newest entries, up to SEGMENT of them

An append writes the open segment alone, so that it costs the same however long the ledger is. A ledger of before there
were segments is one long `ledger.jsonl`; the next append cuts it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ratchet.core.chain import split

FILE = "ledger.jsonl"
SEGMENT = 250
"""Entries of a closed segment. Git keeps the open one once more for each append: few, to keep that small."""
CLOSED = re.compile(r"ledger/\d{6,}\.jsonl")


def in_order(blobs: Mapping[str, str]) -> list[str]:
    """The blobs that hold the ledger, oldest entries first, of all files of the branch by path."""
    closed = sorted((path for path in blobs if CLOSED.fullmatch(path)), key=lambda path: (len(path), path))
    return [blobs[path] for path in (*closed, FILE) if path in blobs]


def appended(
    blobs: Mapping[str, str], line: str, *, read: Callable[[str], bytes], keep: Callable[[bytes], str]
) -> dict[str, str]:
    """The files that change when `line` is appended, by path, each with its blob; `read` and `keep` are git's.

    A full open segment is closed as it is: its blob gets another path.
    """
    open_ = blobs.get(FILE)
    lines = split(read(open_)) if open_ else []
    closed = sum(1 for path in blobs if CLOSED.fullmatch(path))
    changed: dict[str, str] = {}
    while len(lines) >= SEGMENT:
        closed += 1
        full, lines = lines[:SEGMENT], lines[SEGMENT:]
        changed[f"ledger/{closed:06}.jsonl"] = keep(_text(full)) if lines or not open_ or changed else open_
    changed[FILE] = keep(_text([*lines, line.encode()]))
    return changed


def _text(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
