"""Why the metric moved, and where it hurts: the causes with their noise, the worst slices, the rows that switched."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.change.records import Attribution, Change, Comparison, Importance, Part, Real, RowChange, Rows, Slice
from ratchet.core.report.table import Column, Row, Section, Table, filled, span, table
from ratchet.core.report.text import NONE, between, count, duration, number, places, sentence, shortened, words

BLOCKS = 10
"""Characters of the longest bar."""
BLOCK = {"better": "🟩", "worse": "🟥", "within noise": "⬜", "unknown": "⬜"}
CAUSES = {"params": "parameters"}
PICTURES = "Pictures"


def why(attribution: Attribution, base: str) -> Section:
    """The gain shared out among its causes, or why it was not."""
    if not attribution.parts or attribution.total is None:
        return Section(title="Why the metric moved", note=shortened(attribution.note, 600))
    alone = len(attribution.parts) == 1
    return Section(
        title="Why the metric moved",
        lines=(("", _alone(attribution, base) if alone else _shared_out(attribution, base)),),
        tables=(_parts_table(attribution),),
        pictures=() if alone else ("attribution",),
        note=shortened(attribution.note, 600),
    )


def _alone(attribution: Attribution, base: str) -> str:
    factor = attribution.parts[0].factor
    return f"Nothing but {CAUSES.get(factor, factor)} changed: the {_moved(attribution, base)} is due to that alone."


def _shared_out(attribution: Attribution, base: str) -> str:
    return (
        f"The {_moved(attribution, base)}, shared out by running the pipeline again with some of the changes: "
        f"{_reruns(attribution)}. The parts sum to the total."
    )


def _moved(attribution: Attribution, base: str) -> str:
    """What is explained: 'gain of +0.0204 in log loss over main', 'loss of 0.0004 in log loss against main'."""
    total, metric = attribution.total or 0.0, words(attribution.metric)
    if total < 0:
        return f"loss of {number(-total)} in {metric} against {base}"
    return f"gain of {number(total, sign='+')} in {metric} over {base}"


def _reruns(attribution: Attribution) -> str:
    cached = f"{attribution.from_cache} of them from the cache" if attribution.from_cache else ""
    return sentence([count(attribution.reruns, "rerun"), cached, duration(attribution.seconds)])


def _parts_table(attribution: Attribution) -> Table:
    columns = (
        Column("cause"), Column("", "bar"), Column("Δ", "number"), Column("interval", "interval"),
        Column("is it real?", "real"),
    )  # fmt: skip
    longest = max(abs(part.gain) for part in attribution.parts)
    most = places(
        [attribution.total, *(each for part in attribution.parts for each in (part.low, part.gain, part.high))]
    )
    rows = [_part_row(part, longest, most) for part in attribution.parts]
    total = Row(("total", "", number(attribution.total, sign="+", places=most), NONE, ""))
    return table("", columns, [*rows, total])


def _part_row(part: Part, longest: float, most: int) -> Row:
    cells = (
        CAUSES.get(part.factor, part.factor), _bar(part.gain, longest, part.real),
        number(part.gain, sign="+", places=most), between(part.low, part.high, places=most), part.real,
    )  # fmt: skip
    return Row(cells, part.real, span=span(part.low, part.gain, part.high))


def _bar(gain: float, longest: float, real: Real) -> str:
    """Squares in proportion; what is not nothing has one at least."""
    return BLOCK[real] * max(1 if gain else 0, round(BLOCKS * abs(gain) / longest)) if longest else ""


def where_it_hurts(change: Change, comparison: Comparison) -> Section:
    """The slices that lose most, and the rows that went from right to wrong."""
    return Section(
        title="Where it hurts",
        lines=tuple(_hurts(comparison, shortened(change.base_name, 40))),
        tables=filled(_hurt_tables(change, comparison)),
        pictures=("slices",) if any(each.low is not None for each in comparison.slices) else (),
    )


def _hurts(comparison: Comparison, base: str) -> Iterator[tuple[str, str]]:
    yield "slices", _slices_line(comparison)
    if comparison.switched:
        yield "rows", switched_line(comparison.switched, base)


def _slices_line(comparison: Comparison) -> str:
    if not comparison.slices:
        return "none has rows enough to be looked at"
    worse = [each for each in comparison.slices if each.real == "worse"]
    if not worse:
        return "none is shown to be worse; these gain least"
    return f"{count(len(worse), 'slice is', 'slices are')} shown to be worse, first {shortened(worse[0].name, 80)}"


def switched_line(rows: Rows, base: str) -> str:
    """How many rows went from right to wrong, and back; `base` is what people call the other model."""
    net = rows.mended - rows.broken
    return (
        f"{rows.broken:,} that {base} got right are wrong now, {rows.mended:,} that it got wrong are right "
        f"(net {net:+,})"
    )


def _hurt_tables(change: Change, comparison: Comparison) -> Iterator[Table]:
    base = shortened(change.base_name, 40)
    yield _slices_table(comparison, base)
    if comparison.switched:
        yield rows_table(comparison.switched, base)


def _slices_table(comparison: Comparison, base: str) -> Table:
    columns = (
        Column("slice", "code"), Column("rows", "number"), Column(base, "number"), Column("this change", "number"),
        Column("Δ", "number"), Column(f"{comparison.coverage:.0%} interval", "interval"), Column("is it real?", "real"),
    )  # fmt: skip
    title = f"Worst slices, in {words(comparison.loss)} (intervals hold for all slices at once)"
    most = places(value for each in comparison.slices for value in (each.low, each.gain, each.high))
    level = places(value for each in comparison.slices for value in (each.base, each.change))
    return table(title, columns, [_slice_row(each, level, most) for each in comparison.slices])


def _slice_row(found: Slice, level: int, most: int) -> Row:
    """`level` places for the losses, `most` for the gain and its interval."""
    cells = (
        found.name, f"{found.rows:,}", number(found.base, places=level), number(found.change, places=level),
        number(found.gain, sign="+", places=most), between(found.low, found.high, places=most), found.real,
    )  # fmt: skip
    return Row(cells, found.real, span=span(found.low, found.gain, found.high))


def rows_table(rows: Rows, base: str) -> Table:
    """The rows that the other model got right, by what they cost more now."""
    columns = (
        Column("row", "code"), Column("actual"), Column(f"{base} said"), Column("this change says"),
        Column("loss", "number"),
    )  # fmt: skip
    title = f"Right in {base}, wrong now: the worst"
    most = places(row.loss for row in rows.worst)
    return table(title, columns, [_switched_row(row, most) for row in rows.worst], folded=True)


def _switched_row(row: RowChange, most: int) -> Row:
    key = ", ".join(f"{name}={value}" for name, value in row.key.items())
    return Row((key, row.actual, row.base, row.change, number(row.loss, sign="+", places=most)))


def pictures(change: Change, comparison: Comparison) -> Section:
    """What is better seen than read; importance also as a table."""
    curves = tuple(dict.fromkeys(curve.name for curve in comparison.curves))
    history = ("history",) if comparison.history else ()
    importance = ("importance",) if comparison.importance else ()
    return Section(
        title=PICTURES,
        tables=filled([_importance_table(comparison, shortened(change.base_name, 40))]),
        pictures=(*history, *curves, *importance),
    )


def _importance_table(comparison: Comparison, base: str) -> Table:
    columns = (
        Column("feature", "code"),
        Column(base, "number"),
        Column("this change", "number"),
        Column("more", "number"),
    )
    title = f"Importance: {words(comparison.loss)} lost when a feature is shuffled"
    found = comparison.importance
    most = places(value for each in found for value in (each.base, each.change, _more(each)))
    return table(title, columns, [_importance_row(each, most) for each in found], folded=True)


def _importance_row(each: Importance, most: int) -> Row:
    before, after = number(each.base, places=most), number(each.change, places=most)
    return Row((each.feature, before, after, number(_more(each), sign="+", places=most)))


def _more(each: Importance) -> float | None:
    return None if each.base is None or each.change is None else each.change - each.base
