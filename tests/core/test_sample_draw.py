"""A sample is drawn by keys alone."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.fork.sample_draw import drawn

Keys = Sequence[tuple[str, ...]]
KEYS = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), unique=True, max_size=40)


def chosen(keys: Keys, rows: int) -> set[tuple[str, ...]]:
    return {key for key, is_drawn in zip(keys, drawn(keys, rows), strict=True) if is_drawn}


@given(KEYS, st.integers(0, 50))
def test_as_many_are_drawn_as_asked(keys: Keys, rows: int) -> None:
    """Never more than asked, and all where there are no more."""
    assert len(chosen(keys, rows)) == min(rows, len(keys))


@given(KEYS.flatmap(lambda keys: st.tuples(st.just(keys), st.permutations(keys))), st.integers(0, 50))
def test_the_order_of_rows_does_not_matter(both: tuple[Keys, Keys], rows: int) -> None:
    """The same rows in another order give the same sample."""
    assert chosen(both[0], rows) == chosen(both[1], rows)


@given(KEYS, st.integers(0, 50), st.integers(0, 50))
def test_a_larger_sample_holds_a_smaller_one(keys: Keys, one: int, other: int) -> None:
    """More rows are added to those there were: git keeps one history of them."""
    assert chosen(keys, min(one, other)) <= chosen(keys, max(one, other))


def test_the_draw_is_the_same_everywhere() -> None:
    """A known answer, by the three smallest of `printf '["2013-01-NN", "UA"]' | sha256sum`."""
    days = [(f"2013-01-{day:02d}", "UA") for day in range(1, 32)]
    assert {day for day, _ in chosen(days, 3)} == {"2013-01-14", "2013-01-23", "2013-01-31"}


def test_parts_of_a_key_do_not_run_together() -> None:
    """("ab", "c") and ("a", "bc") are two keys, which are not drawn together by chance of spelling."""
    both = [("ab", "c"), ("a", "bc")]
    assert len(chosen(both, 1)) == 1
