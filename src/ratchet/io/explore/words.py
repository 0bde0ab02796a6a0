"""Facts as short texts, with their units, for the cells of a page's tables."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.core.explore.facts import BatchFacts, ColumnFacts
from ratchet.core.explore.outliers import Outliers
from ratchet.core.explore.overview import Coming
from ratchet.core.explore.target import Rate
from ratchet.core.params import Task
from ratchet.core.report.text import NONE, count, listed, shortened
from ratchet.core.schema import ROWS, Column

VALUE = 40
"""Characters of a value in a table."""
VALUES = 8
"""Values named of those that come or go."""


@dataclass(frozen=True)
class ColumnLine:
    """One column in the table of a batch's page."""

    name: str
    column: Column
    missing: str
    distinct: str
    values: str
    far_out: str
    outside: str


def column_line(name: str, column: Column, facts: ColumnFacts) -> ColumnLine:
    """What the table says of one column."""
    rows = facts.sketch.rows
    return ColumnLine(
        name=name,
        column=column,
        missing=of_rows(facts.sketch.missing, rows) if facts.sketch.missing else "",
        distinct=f"{facts.sketch.distinct:,}",
        values=_values(facts),
        far_out=_far_out(facts.outliers, rows),
        outside=_outside(facts, column),
    )


def of_rows(part: int, rows: int) -> str:
    """'12 (0.1%)'."""
    return f"{part:,} ({percent(part / rows)})" if rows else NONE


def percent(share: float) -> str:
    """One decimal place, and never 0% of something."""
    return "under 0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def amount(value: float) -> str:
    """A number with at most five significant digits.

    >>> amount(-43.0), amount(1301.25), amount(2e9)
    ('-43', '1301.2', '2e+09')
    """
    return f"{value:.5g}"


def target_title(name: str, task: Task) -> str:
    """What the target's number is: 'share of late', 'mean of minutes'."""
    return {"binary": f"share of {name}", "regression": f"mean of {name}"}.get(task, f"share of each {name}")


def rate_words(rate: Rate, *, share: bool) -> str:
    """'27.1% (22.6% to 31.6%)': with its 95% interval."""
    write = percent if share else amount
    found = rate.estimate
    if found.value is None:
        return NONE
    name = f"{shortened(rate.name, VALUE)}: " if rate.name else ""
    reach = "" if found.low is None or found.high is None else f" ({write(found.low)} to {write(found.high)})"
    return f"{name}{write(found.value)}{reach}"


def basis_words(rate: Rate) -> str:
    """What an interval counts as one observation."""
    found = rate.estimate
    if found.assumed_independent:
        return f"{count(found.rows, 'row')} with a label, taken as independent (split.cluster is null)"
    return f"{count(found.rows, 'row')} with a label, in {count(found.clusters, 'cluster')} (split.cluster)"


def interval_words(rate: Rate) -> str:
    """The same behind an interval: one row has a mean, and none."""
    has_none = rate.estimate.low is None or rate.estimate.high is None
    return basis_words(rate) if has_none else f"95% interval; {basis_words(rate)}"


def time_words(facts: BatchFacts) -> str:
    """'2013-07-01 05:00 to 2013-07-31 23:00'."""
    return f"{facts.coverage.first} to {facts.coverage.last}" if facts.coverage else ""


def day_words(facts: BatchFacts) -> str:
    """'31 days with rows, 2 without'."""
    if facts.coverage is None:
        return ""
    empty = facts.coverage.empty_days
    return f"{count(len(facts.coverage.days), 'day')} with rows" + (
        f", {empty:,} without between them" if empty else ""
    )


def quarantine_words(facts: BatchFacts) -> str:
    """'2 rows, 1 of prices'."""
    if facts.quarantined is None:
        return "not checked yet"
    return ", ".join(_quarantined(table, rows) for table, rows in facts.quarantined.items() if rows) or "none"


def _quarantined(table: str, rows: int) -> str:
    return count(rows, "row") if table == ROWS else f"{rows:,} of {table}"


def coming_words(coming: Coming) -> str:
    """The values that come or go, the first ones."""
    return listed((shortened(value, VALUE) for value in coming.values), VALUES)


def _values(facts: ColumnFacts) -> str:
    if facts.low and facts.low == facts.high:
        return f"always {facts.low}"
    if facts.low:
        mean = f", mean {amount(facts.mean)}" if facts.mean is not None else ""
        return f"{facts.low} to {facts.high}{mean}"
    rows = facts.sketch.rows
    if not facts.sketch.comparable:
        return "each row its own" if facts.sketch.names_rows else "many"
    if [number for _, number in facts.commonest] == [rows]:
        return f"always {shortened(facts.commonest[0][0], VALUE)}"
    return ", ".join(f"{shortened(value, VALUE)} {percent(number / rows)}" for value, number in facts.commonest)


def _far_out(found: Outliers | None, rows: int) -> str:
    if found is None or not (found.below or found.above):
        return ""
    examples = ", ".join(amount(value) for value in found.examples)
    return (
        f"{of_rows(found.below + found.above, rows)} not within {amount(found.low)} to {amount(found.high)}: {examples}"
    )


def _outside(facts: ColumnFacts, column: Column) -> str:
    parts = [f"{facts.outside:,} not within {_allowed(column)}"] if facts.outside else []
    parts += [f"{facts.infinite:,} infinite"] if facts.infinite else []
    return ", ".join(parts)


def _allowed(column: Column) -> str:
    if column.values is not None:
        return listed(column.values, VALUES)
    low, high = ("any" if end is None else amount(end) for end in (column.min, column.max))
    return f"{low} to {high}"
