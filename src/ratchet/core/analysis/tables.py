"""The tables of an analysis and of an explanation: text in its place."""

from __future__ import annotations

from ratchet.core.analysis.records import Analysis, Explanation
from ratchet.core.analysis.words import estimate
from ratchet.core.report.table import Column, Row, Table, table
from ratchet.core.report.text import between, count, number, words

MANY = 200
"""Rows of a table at most."""
CONTRIBUTIONS = 10
"""Features of a prediction that are listed; the others are summed."""


def importance_table(found: Analysis) -> Table:
    """Every feature with its cost."""
    rows = [
        Row((each.feature, number(each.cost.value), between(each.cost.low, each.cost.high)))
        for each in found.importance
    ]
    columns = (Column("Feature", "code"), Column(f"{words(found.metric)} lost", "number"), _interval(found))
    return table("All features", columns, rows, most=MANY, folded=True)


def fold_table(found: Analysis) -> Table:
    """Every metric: each fold, the mean, and the two spreads: over folds and over seeds."""
    columns = [
        Column("Metric"),
        *(Column(fold.batch, "number") for fold in found.folds),
        Column("Mean", "number"),
        Column("sd over folds", "number"),
        Column("sd over seeds", "number"),
    ]
    rows = [
        Row(
            (
                words(name),
                *(number(fold.values.get(name)) for fold in found.folds),
                number(spread.get("mean")),
                number(spread.get("sd")),
                number(found.seeds.sd.get(name)),
            )
        )
        for name, spread in found.spread.items()
    ]
    return table("", columns, rows, most=MANY)


def fold_intervals(found: Analysis) -> Table:
    """Every metric of each fold that was fitted again, with its interval."""
    again = [fold for fold in found.folds if fold.intervals]
    names = list(again[0].intervals) if again else []
    rows = [Row((words(name), *(estimate(fold.intervals.get(name)) for fold in again))) for name in names]
    columns = [Column("Metric"), *(Column(fold.batch, "number") for fold in again)]
    return table("With intervals", columns, rows, most=MANY, folded=True)


def learning_table(found: Analysis) -> Table:
    """Every part: its rows and batches, the loss, and how far it lags behind."""
    rows = [
        Row(
            (
                each.order,
                f"{each.rows:,}",
                each.first if each.first == each.last else f"{each.first} to {each.last}",
                estimate(each.loss) if each.loss else each.note,
                estimate(each.lag),
            )
        )
        for each in found.learning
    ]
    columns = (
        Column("Grown"),
        Column("Training rows", "number"),
        Column("of"),
        Column(words(found.metric), "number"),
        Column("above that of all rows", "number"),
    )
    return table("All parts", columns, rows, most=MANY, folded=True)


def contribution_rows(found: Explanation, *, most: int = CONTRIBUTIONS) -> list[tuple[str, str, str]]:
    """Feature, value and what it adds, the largest first; what is not listed is summed, so that all adds up."""
    shown, rest = found.contributions[:most], found.contributions[most:]
    rows = [(each.feature, said(each.value), number(each.amount, sign="+")) for each in shown]
    if rest:
        rows.append((count(len(rest), "other"), "", number(sum(each.amount for each in rest), sign="+")))
    return rows


def said(value: float | str | None) -> str:
    """A feature's value."""
    if value is None:
        return "missing"
    return value if isinstance(value, str) else f"{value:.6g}"


def _interval(found: Analysis) -> Column:
    return Column(f"{found.coverage:.0%} interval", "number")
