"""The rules of `schema.yaml` on rows that a prediction is asked of: the very ones that guard training.

A row that training would have put into quarantine, or for which it would have refused a batch, breaks one. What it
would only have warned of is a warning here, too. Rules about a batch as a whole (its period, its share of missing
values, a key that comes twice among its rows) say nothing about rows that are scored one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

from ratchet.core.schema import ROWS, Table
from ratchet.core.validation.rules import Broken, broken_rules

OF_A_BATCH = "key-not-unique"


class BrokenHere(NamedTuple):
    """A rule of a table that is broken, and whether rows are refused for it."""

    table: str
    broken: Broken

    @property
    def refused(self) -> bool:
        """False: it is only to be noted."""
        return self.broken.rule.level != "warn"


def broken_by(frames: Mapping[str, pl.DataFrame], tables: Mapping[str, Table]) -> Iterator[BrokenHere]:
    """What typed rows break, and the lookups that came with them; both by the name of the table.

    Raises UsageError if a relation of the schema cannot be checked.
    """
    for name, table in tables.items():
        for broken in broken_rules(frames[name], table, [], name=name):
            if not (name == ROWS and broken.rule.rule == OF_A_BATCH):
                yield BrokenHere(name, broken)
