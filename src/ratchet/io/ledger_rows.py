"""One segment of the ledger as the rows of its index: the chain is verified line by line, and no record is built."""

from __future__ import annotations

from array import array
from itertools import accumulate
from typing import Any, NamedTuple

from ratchet.core.chain import Place, split, verified
from ratchet.core.ledger import BROKEN, NAME

WITHOUT_FACTS = ("approval", "hold", "release", "phase", "rejection")
"""Kinds of entries, most of all, that name no run, no batch, and nothing that was computed."""
BATCHES = ("trained_on", "batches", "judged_on")
"""Fields of an entry that name batches."""
HASH = 32
"""Bytes."""
END = "Q"
"""Where a line ends, as `array` keeps it."""


class SegmentRows(NamedTuple):
    """Rows of the tables `line` and `fact`, and of each entry the hash, and where its line and the line end stop."""

    lines: list[tuple[Any, ...]]
    facts: list[tuple[Any, ...]]
    hashes: list[str]
    ends: array[int]

    def last(self, before: Place) -> Place:
        """Its last entry; the one before it, if it is empty."""
        return Place(self.lines[-1][0], self.hashes[-1]) if self.lines else before

    @property
    def seen(self) -> bytes:
        """The hashes, packed."""
        return bytes.fromhex("".join(self.hashes))


def segment_rows(text: bytes, after: Place) -> SegmentRows:
    """The rows of a segment whose chain goes on from `after`. Raises TamperedFile that names the first wrong line."""
    lines = split(text)
    found = SegmentRows([], [], [], array(END, accumulate(len(line) + 1 for line in lines)))
    for body in verified(lines, name=NAME, next_step=BROKEN, after=after):
        get, sequence, kind = body.get, body["sequence"], body.get("kind")
        found.hashes.append(body["hash"])
        found.lines.append((sequence, kind, get("model"), get("version"), get("time")))
        if kind not in WITHOUT_FACTS:
            found.facts.append((sequence, *_facts(body)))
    return found


def unpacked(last: int, seen: bytes) -> list[Place]:
    """The entries of a segment, whose hashes were packed, up to its last one."""
    count = len(seen) // HASH
    return [Place(last - count + 1 + place, seen[HASH * place : HASH * (place + 1)].hex()) for place in range(count)]


def span(ends: bytes, place: int) -> tuple[int, int]:
    """Where the line at a place of a segment begins, and its bytes, without the line end."""
    stops = array(END, ends)
    start = stops[place - 1] if place else 0
    return start, stops[place] - 1 - start


def _facts(body: dict[str, Any]) -> tuple[Any, ...]:
    get = body.get
    made = (get("champion"), get("model_digest"), get("decision_digest"))
    return (get("run_id"), get("commit"), _batches(body), *made, get("everything", False))


def _batches(body: dict[str, Any]) -> str:
    """The names of the batches behind a version, each between line ends."""
    found = [body[name] for name in BATCHES if name in body]
    names = {str(name) for each in found if isinstance(each, dict | list) for name in each}
    return "\n".join(["", *sorted(names), ""]) if names else ""
