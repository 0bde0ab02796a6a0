"""A constant column: one value all along, where every earlier batch had several."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from ratchet.core.validation.anomalies.compared import Compared, batches, present
from ratchet.core.validation.anomalies.distances import CHANCE, shares
from ratchet.core.validation.records import Finding
from ratchet.core.validation.wording import shown

LEAST = 12
"""Values that a column must have: fewer than elsewhere, as no value at all was so common."""


def constant_columns(compared: Compared) -> Iterator[Finding]:
    """Columns that varied in every earlier batch and do not vary now. Refused.

    Not so where the value was common enough before for as many rows to share it by chance.
    """
    for pair in compared.pairs(LEAST):
        if pair.now.distinct != 1 or any(each.distinct < 2 for each in pair.before):
            continue
        value = pair.now.top[0].value
        usual = max(shares(each).get(value, 0.0) for each in pair.before)
        rows = present(pair.now, compared.now.rows)
        # Rows are seldom independent: a tenth of them is taken to be.
        if usual > 0 and rows / 10 * log(usual) > log(CHANCE):
            continue
        sentence = (
            f"is {shown([value])} in every row; it had {min(each.distinct for each in pair.before):,} different "
            f"values or more in {batches(len(pair.before))}"
        )
        yield compared.finding("constant", "refuse", pair.column, sentence, count=rows, examples=[shown([value])])
