"""Which parts of the training rows a learning curve takes."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.analysis.learning_parts import FEWEST, MOST, RowSpan, part, spans
from ratchet.core.feature_table import LabelledBatch

SIZES = st.lists(st.integers(1, 50), min_size=1, max_size=20)


@given(SIZES, st.data())
def test_parts_grow_from_both_ends_and_none_is_the_whole(sizes: list[int], data: st.DataObject) -> None:
    """Each order has its parts by size; they touch their end of the rows; borders that are needed are among them."""
    needed = data.draw(st.lists(st.integers(1, len(sizes)), max_size=3))
    total = sum(sizes)
    found = spans(sizes, needed)
    for order, end in (("oldest first", 0), ("newest first", total)):
        parts = [span for span in found if span.order == order]
        assert all(end in (span.start, span.stop) and 0 < span.rows < total for span in parts)
        assert all(one.rows < other.rows for one, other in pairwise(parts))
        assert len(parts) < MOST + len(needed)
    borders = {sum(sizes[:each]) for each in needed} - {total}
    assert borders <= {span.stop for span in found if span.order == "oldest first"}


def test_few_batches_are_cut_so_that_there_is_a_curve() -> None:
    """With one batch there are as many points as with enough of them."""
    assert [span.stop for span in spans([100]) if span.start == 0] == [25, 50, 75]
    assert len({span.rows for span in spans([40, 40])}) == FEWEST - 1


def _batch(first: int, rows: int) -> LabelledBatch:
    numbers = range(first, first + rows)
    return LabelledBatch(pd.DataFrame({"x": numbers}), pd.DataFrame({"y": numbers}))


@given(SIZES, st.data())
def test_a_part_has_exactly_the_rows_of_its_span(sizes: list[int], data: st.DataObject) -> None:
    """In their order, features and labels alike, from the batches that it touches alone."""
    batches, before = {}, 0
    for number, size in enumerate(sizes):
        batches[f"b{number:02d}"] = _batch(before, size)
        before += size
    start = data.draw(st.integers(0, before - 1))
    stop = data.draw(st.integers(start + 1, before))
    found = part(batches, RowSpan("oldest first", start, stop))
    assert [x for each in found.values() for x in each.features["x"]] == list(range(start, stop))
    assert [y for each in found.values() for y in each.labels["y"]] == list(range(start, stop))
    assert list(found) == sorted(found)
