"""What preprocessing did to the training rows: counts, for people to look at."""

from __future__ import annotations

from pydantic import Field

from ratchet.core.section import Section


class OutlierCount(Section):
    """The bounds of one number, and how many training rows lie beyond them; null: no bound on that side."""

    action: str = Field(description="clip, flag or drop")
    low: float | None
    high: float | None
    below: int
    above: int


class RareCount(Section):
    """How many categories of one feature had too few training rows, and how many rows those were."""

    categories: int
    rows: int


class Treated(Section):
    """By feature: outliers, rare categories, and training rows in which a missing value was filled.

    `dropped` rows had an outlier in a feature whose outliers are dropped: the model was not fitted on them.
    """

    outliers: dict[str, OutlierCount] = Field(default_factory=dict)
    rare: dict[str, RareCount] = Field(default_factory=dict)
    filled: dict[str, int] = Field(default_factory=dict)
    dropped: int = 0

    def lines(self) -> list[str]:
        """One sentence for each thing that was done to at least one training row."""
        out = [_outliers(name, count) for name, count in self.outliers.items() if count.below or count.above]
        if self.dropped:
            out.append(f"{_many(self.dropped, 'row', 'rows')} dropped for an outlier")
        out += [f"{name}: {_rare(count)}" for name, count in self.rare.items() if count.rows]
        filled = {name: _many(rows, "row", "rows") for name, rows in self.filled.items() if rows}
        return out + [f"{name}: missing values filled in {rows}" for name, rows in filled.items()]


def _rare(count: RareCount) -> str:
    return f"{_many(count.categories, 'rare category', 'rare categories')} in {_many(count.rows, 'row', 'rows')}"


def _many(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


WORDS = {"clip": "clipped", "flag": "flagged", "drop": "dropped"}


def _outliers(name: str, count: OutlierCount) -> str:
    sides = [
        f"{rows:,} {word} {bound:g}"
        for rows, word, bound in ((count.below, "below", count.low), (count.above, "above", count.high))
        if rows and bound is not None
    ]
    return f"{name}: outliers {WORDS[count.action]}: {' and '.join(sides)}"
