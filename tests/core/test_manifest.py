"""What a per-batch folder has to do to be up to date."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.manifest import Manifest, Unit, Work, digest_of, plan_work

NAMES = st.sampled_from("abcdef")
UNITS = st.dictionaries(NAMES, st.sampled_from("123"))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


def manifest(keys: dict[str, str]) -> Manifest:
    return Manifest(units={name: Unit(key=key, files={}) for name, key in keys.items()})


@given(wanted=UNITS, have=UNITS)
def test_work_brings_what_is_here_to_what_is_wanted(wanted: dict[str, str], have: dict[str, str]) -> None:
    """Doing the work leaves exactly the wanted units with their keys, and makes none that was already right."""
    work = plan_work(wanted, manifest(have))
    after = {name: have[name] for name in work.keep} | {name: wanted[name] for name in work.make}
    assert after == wanted
    assert set(have) == {name for name in have if name in wanted} | set(work.prune)
    assert not any(have.get(name) == wanted[name] for name in work.make)


@given(units=UNITS)
def test_nothing_changed_is_nothing_to_do(units: dict[str, str]) -> None:
    """Same keys: everything is kept."""
    assert plan_work(units, manifest(units)) == Work(keep=tuple(sorted(units)), make=(), prune=())


def test_names_are_sorted() -> None:
    """Work is done in the order of the names, however they were given."""
    have = manifest({"z": "1", "y": "1", "b": "1", "a": "1"})
    wanted = {"d": "1", "c": "1", "b": "1", "a": "1"}
    assert plan_work(wanted, have) == Work(keep=("a", "b"), make=("c", "d"), prune=("y", "z"))


@given(value=st.dictionaries(st.text(), JSON))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, Any]) -> None:
    """The same mapping, filled in another order, has the same digest."""
    assert digest_of(dict(reversed(value.items()))) == digest_of(value)


@given(one=st.dictionaries(NAMES, st.integers()), other=st.dictionaries(NAMES, st.integers()))
def test_digests_are_equal_where_the_values_are(one: dict[str, int], other: dict[str, int]) -> None:
    """Another value has another digest."""
    assert (digest_of(one) == digest_of(other)) == (one == other)


def test_a_digest_is_the_same_on_every_machine() -> None:
    """The canonical form is fixed: a manifest written elsewhere is understood here."""
    assert digest_of({"b": [1, "ü"], "a": None}) == "6bafd57c7869b3aca54e576a5157b40cc195c8486124cab93d52f1b59556838e"
