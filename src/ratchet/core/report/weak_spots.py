"""Where the challenger is weak: regions that were found without being named, and rows that switched to wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ratchet.core.change.records import Change
from ratchet.core.evidence.regions import Region, Regions
from ratchet.core.evidence.weak_spots import WeakSpots
from ratchet.core.judged import Evaluation
from ratchet.core.report.metrics import reference_of, same_model
from ratchet.core.report.table import Column, Row, Section, Table, filled, span, table
from ratchet.core.report.text import NONE, between, count, number, places, shortened, words
from ratchet.core.report.why import rows_table, switched_line

LOSING, HARDEST = "losing", "hardest"
"""The names of the pictures."""
SURELY = 0.0001
"""A p value below is written so."""


def weak_spots(spots: WeakSpots, evaluation: Evaluation, change: Change | None) -> Section:
    """The regions in sentences, tables and pictures, and what became of the rows that the champion got right.

    Where the base of the change is the champion, the rows were told already.
    """
    told = spots if not same_model(evaluation, change) else spots.model_copy(update={"switched": None})
    return Section(
        title=f"Weak spots: against the {reference_of(evaluation)}",
        lines=tuple(_lines(told, evaluation)),
        tables=filled(_tables(told, evaluation)),
        pictures=tuple(name for name, each in ((LOSING, spots.losing), (HARDEST, spots.hardest)) if each.found),
        note=_note(spots),
    )


def not_looked(evaluation: Evaluation, reason: str) -> Section:
    """Where the rows cannot be looked at."""
    return Section(title=f"Weak spots: against the {reference_of(evaluation)}", note=f"Not looked for: {reason}.")


def _lines(spots: WeakSpots, evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    against = f"the {evaluation.reference}"
    if not evaluation.challenger_is_champion:
        yield f"worse than {against}", _losing(spots.losing, against)
    yield "worst of all", _hardest(spots.hardest)
    if spots.switched:
        yield "rows", switched_line(spots.switched, f"the {reference_of(evaluation)}")


def _losing(found: Regions, against: str) -> str:
    if found.reason or not found.looked_at:
        return _unseen(found)
    if not found.found:
        return _none(found, f"is shown to be worse than {against}")
    many = count(len(found.found), "region is", "regions are")
    return f"{many} shown to be worse, the worst {shortened(found.found[0].name, 120)} ({_among(found)})"


def _hardest(found: Regions) -> str:
    name = words(found.metric)
    if found.reason or not found.looked_at:
        return _unseen(found)
    if not found.found:
        return _none(found, f"is shown to have a worse {name} than all rows together")
    worst, many = found.found[0], count(len(found.found), "region has", "regions have")
    return (
        f"{many} a worse {name} than all rows together, the worst {shortened(worst.name, 120)}: "
        f"{number(worst.challenger)}, all rows {number(worst.reference)} ({_among(found)})"
    )


def _unseen(found: Regions) -> str:
    return f"not looked for: {found.reason}" if found.reason else f"no region has {count(found.min_rows, 'row')}"


def _none(found: Regions, what: str) -> str:
    """Nothing found, in one sentence."""
    return (
        f"no region of {count(found.min_rows, 'row')} or more {what}, after correction for the "
        f"{found.looked_at:,} that were looked at"
    )


def _among(found: Regions) -> str:
    return f"{count(found.looked_at, 'region')} of {found.min_rows:,} rows or more looked at, {found.tested:,} tested"


def _tables(spots: WeakSpots, evaluation: Evaluation) -> Iterator[Table]:
    metric, reference = words(spots.losing.metric), evaluation.reference
    yield _regions_table(spots.losing, f"Worse than the {reference}, in {metric}", (reference, "challenger"))
    yield replace(_regions_table(spots.hardest, f"Worst of all, in {metric}", ("all rows", "there")), folded=True)
    if spots.switched:
        yield rows_table(spots.switched, f"the {reference_of(evaluation)}")


def _regions_table(regions: Regions, title: str, sides: tuple[str, str]) -> Table:
    columns = (
        Column("region", "code"), Column("rows", "number"), Column("tested", "number"), Column("clusters", "number"),
        *(Column(side, "number") for side in sides), Column("Δ", "number"),
        Column(f"{1 - 2 * regions.alpha:.0%} interval", "interval"), Column("adjusted p", "number"),
    )  # fmt: skip
    found = regions.found
    level = places(value for each in found for value in (each.reference, each.challenger))
    most = places(value for each in found for value in (each.gain.low, each.gain.value, each.gain.high))
    return table(title, columns, [_region_row(each, level, most) for each in found])


def _region_row(found: Region, level: int, most: int) -> Row:
    gain = found.gain
    cells = (
        found.name, f"{found.rows:,}", f"{gain.rows:,}", NONE if gain.assumed_independent else f"{gain.clusters:,}",
        number(found.reference, places=level), number(found.challenger, places=level),
        number(gain.value, sign="+", places=most), between(gain.low, gain.high, places=most), _p(found.p),
    )  # fmt: skip
    return Row(cells, "worse", span=span(gain.low, gain.value, gain.high))


def _p(value: float) -> str:
    return f"below {SURELY:.4f}" if value < SURELY else f"{value:.4f}"


def _note(spots: WeakSpots) -> str:
    """How much the names can be relied on; nothing where there are none."""
    regions = next((each for each in (spots.losing, spots.hardest) if each.found), None)
    if regions is None:
        return ""
    half = f"half of the {count(regions.clusters, 'cluster')}" if regions.clusters else "half of the rows"
    return (
        f"One {half} found the regions and the other, which had no say in the choice, tested them: a region's numbers "
        f"are of that one, but for its rows. The risk that a table names any region wrongly is {regions.alpha:.0%} at "
        "most, and its intervals hold for all that were tested."
    )
