"""A chain's lines are verified as they stand, and one that is written otherwise by what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.chain import GENESIS, START, Place, verified
from ratchet.errors import TamperedFile

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4) | st.just("hash"), inner, max_size=2)
    ),
    max_leaves=4,
)
BODIES = st.lists(st.dictionaries(st.sampled_from(["a", "hash_of", "hashed", "time", "reason"]), VALUES), max_size=4)


def canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chained(bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of these fields, each with its place and its hash."""
    found: list[dict[str, Any]] = []
    previous = GENESIS
    for number, body in enumerate(bodies, start=1):
        placed = {**body, "sequence": number, "previous": previous}
        previous = hashlib.sha256(canonical(placed)).hexdigest()
        found.append({**placed, "hash": previous})
    return found


def read(lines: Sequence[bytes], after: Place = START) -> list[dict[str, Any]]:
    return list(verified(lines, name="chain", next_step="look", after=after))


@given(BODIES, st.booleans())
def test_whatever_it_says_a_record_comes_back(bodies: list[dict[str, Any]], spaced: bool) -> None:
    """Written as it was hashed, or spaced and ordered otherwise: also where a field holds a hash of its own."""
    records = chained(bodies)
    lines = [json.dumps(each).encode() if spaced else canonical(each) for each in records]
    assert read(lines) == records
    for cut in range(1, len(lines)):
        assert read(lines[cut:], Place(cut, records[cut - 1]["hash"])) == records[cut:]


@given(BODIES.filter(bool), st.data())
def test_whatever_is_changed_is_found(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    """Any field of any record, its place and its hash among them, given any other value, or taken out."""
    records = chained(bodies)
    place = data.draw(st.integers(0, len(records) - 1))
    changed = dict(records[place])
    name = data.draw(st.sampled_from(sorted({*changed, "a"})))
    value = data.draw(st.none() | VALUES.filter(lambda value: value is not None), label="None takes it out")
    if value is None:
        changed.pop(name, None)
    else:
        changed[name] = value
    lines = [canonical(each) for each in (*records[:place], changed, *records[place + 1 :])]
    if canonical(changed) == canonical(records[place]):
        assert read(lines) == records
        return
    with pytest.raises(TamperedFile, match=f"^chain entry {place + 1} "):
        read(lines)


@pytest.mark.parametrize("hash_", [None, 5, [], {}, "", "é", '",'])
def test_a_hash_that_is_none_is_an_edit(hash_: object) -> None:
    """Of whatever kind it is."""
    line = canonical({**chained([{}])[0], "hash": hash_})
    with pytest.raises(TamperedFile, match="entry 1 was edited"):
        read([line])
