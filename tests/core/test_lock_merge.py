"""Merging locks: every stage of the result was computed by somebody, and nothing that one side did is lost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.lock_merge import LOCKS, RESULTS, is_lock, is_result, left_out, merge_locks
from ratchet.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("ingest", "featurize", "train", "evaluate")
Lock = Mapping[str, Any]


def entry(inputs: int, outputs: int) -> dict[str, Any]:
    """A stage's entry: what went in and what came out."""
    return {
        "cmd": "python -m stage",
        "deps": [{"path": "in", "md5": str(inputs)}],
        "outs": [{"path": "out", "md5": str(outputs)}],
    }


ENTRIES = st.builds(entry, st.integers(0, 2), st.integers(0, 2))
LOCK = st.dictionaries(st.sampled_from(NAMES), ENTRIES).map(lambda stages: {"schema": "2.0", "stages": stages})


def lock(**stages: dict[str, Any]) -> dict[str, Any]:
    """A lock of some stages."""
    return {"schema": "2.0", "stages": stages}


@given(LOCK, LOCK, LOCK)
def test_no_stage_is_claimed_that_neither_side_computed(base: Lock, ours: Lock, theirs: Lock) -> None:
    """Each entry of the result is, whole, an entry of one of the two sides."""
    merged = merge_locks(base, ours, theirs)["stages"]
    assert [name for name in merged if merged[name] not in (ours["stages"].get(name), theirs["stages"].get(name))] == []


@given(LOCK, LOCK, LOCK)
def test_it_does_not_matter_who_merges_whom(base: Lock, ours: Lock, theirs: Lock) -> None:
    """Both directions give the same lock."""
    assert merge_locks(base, ours, theirs) == merge_locks(base, theirs, ours)


@given(LOCK, LOCK)
def test_one_side_alone_decides_what_it_alone_changed(base: Lock, change: Lock) -> None:
    """Merging with the base itself gives the change; two equal changes give that change."""
    assert merge_locks(base, base, change) == change
    assert merge_locks(base, change, change) == change


@given(LOCK, LOCK, LOCK)
def test_only_what_both_changed_differently_is_left_out(base: Lock, ours: Lock, theirs: Lock) -> None:
    """A stage that both sides have is missing in the result exactly if they disagree and neither has the base's."""
    merged = merge_locks(base, ours, theirs)
    known, one, other = (each["stages"] for each in (base, ours, theirs))
    disputed = {name for name in one.keys() & other.keys() if len({str(s.get(name)) for s in (known, one, other)}) == 3}
    assert left_out(merged, ours, theirs) == sorted(disputed)


def test_two_branches_keep_what_each_of_them_made() -> None:
    """New data on one branch, new parameters on the other: the data's stages stay, training is done again."""
    base = lock(ingest=entry(1, 1), train=entry(1, 1), evaluate=entry(1, 1))
    data = lock(ingest=entry(2, 2), train=entry(2, 2), evaluate=entry(2, 2))
    params = lock(ingest=entry(1, 1), train=entry(1, 3), evaluate=entry(3, 3))
    merged = merge_locks(base, data, params)
    assert merged == lock(ingest=entry(2, 2))
    assert left_out(merged, data, params) == ["evaluate", "train"]


def test_a_stage_that_one_side_removed_is_gone() -> None:
    """Removed and untouched: gone. Removed and changed: gone, too, as its entry is disputed."""
    base = lock(ingest=entry(1, 1), train=entry(1, 1))
    gone = lock(ingest=entry(1, 1))
    assert merge_locks(base, gone, base) == gone
    assert merge_locks(base, gone, lock(ingest=entry(1, 1), train=entry(2, 2))) == gone


def test_two_first_locks_without_a_common_one_merge() -> None:
    """Branches that both began from a commit without a lock keep what they agree on."""
    ours, theirs = lock(ingest=entry(1, 1), train=entry(1, 1)), lock(ingest=entry(1, 1), train=entry(1, 2))
    assert merge_locks({}, ours, theirs) == lock(ingest=entry(1, 1))
    assert merge_locks({}, {}, {}) == {}


@pytest.mark.parametrize("theirs", [{"a": 3}, None], ids=["changed", "removed"])
def test_another_key_that_both_changed_is_a_conflict(theirs: dict[str, int] | None) -> None:
    """Keys that no rule knows are taken from the side that changed them, and refused where both did."""
    base = {**lock(), "datasets": {"a": 1}}
    ours = {**lock(), "datasets": {"a": 2}}
    other = {**lock(), **({} if theirs is None else {"datasets": theirs})}
    assert merge_locks(base, base, other) == other
    with pytest.raises(UsageError, match=r"both sides changed datasets of dvc\.lock"):
        merge_locks(base, ours, other)


def test_the_attributes_name_the_same_files() -> None:
    """.gitattributes gives the drivers the very files that the forge merges by the same rules."""
    lines = [line.split() for line in (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()]
    named = {line[0]: line[1] for line in lines if line and line[-1].startswith("merge=")}
    wanted = dict.fromkeys(LOCKS, "merge=ratchet-lock") | dict.fromkeys(RESULTS, "merge=ratchet-result")
    assert named == wanted


def test_results_are_known_by_their_whole_path() -> None:
    """A file of that name elsewhere is nobody's output."""
    paths = ("dvc.lock", "data/decision.json", "data/metrics/train.json", "docs/data/metrics/a.json", "data/metrics/a")
    below = ("models/late/data/level.json", "models/late/data/computed.yaml")
    assert [(is_lock(path), is_result(path)) for path in (*paths, *below)] == [
        (True, False),
        (False, True),
        (False, True),
        (False, False),
        (False, False),
        (False, True),
        (True, False),
    ]
