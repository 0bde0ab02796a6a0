"""Decisions of the past under other rules: one line each, for the terminal and for the report of a change."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.core.findings import Finite
from ratchet.core.report.table import Column, Row, Section, filled, table
from ratchet.core.what_if import WhatIf

TITLE = "Past decisions under these rules"
NOTHING = "No decision is recorded yet."


class Judgement(Finite):
    """A recorded decision and what it would have been; `unread` says why it is of no use, where it is of none."""

    decision: str
    time: str
    holdout: tuple[str, ...]
    recorded: str
    what_if: WhatIf | None
    unread: str = ""

    @property
    def flips(self) -> bool | None:
        """Whether what serves would have been another; None: not to tell."""
        return self.what_if.flips(self.recorded) if self.what_if else None

    @property
    def verdict(self) -> str:
        """The verdict under the new rules, or that there is none."""
        return (self.what_if.verdict if self.what_if else None) or "cannot be told"

    @property
    def why(self) -> str:
        """The conditions that decide, by name; or what nobody measured."""
        if self.what_if is None:
            return self.unread
        if self.what_if.verdict is None:
            return f"cannot be told: {'; '.join(self.what_if.untold)}"
        return ", ".join(each.name for each in self.what_if.decided_by)


def cells(judgement: Judgement) -> tuple[str, ...]:
    """Decision, date, holdout, verdict then, verdict under the new rules, and what decides."""
    mark = "FLIPS: " if judgement.flips else ""
    return (
        judgement.decision,
        judgement.time[:10],
        ", ".join(judgement.holdout),
        judgement.recorded,
        f"{mark}{judgement.verdict}",
        judgement.why,
    )


def summary(judgements: Sequence[Judgement]) -> str:
    """'2 of 7 decisions would have been others; 1 cannot be told.'"""
    if not judgements:
        return NOTHING
    flips = sum(each.flips is True for each in judgements)
    unknown = sum(each.flips is None for each in judgements)
    open_ = f"; {unknown:,} cannot be told" if unknown else ""
    return f"{flips:,} of {len(judgements):,} past decisions would let another model serve{open_}."


def section(judgements: Sequence[Judgement], problem: str = "") -> Section:
    """The report's section about the rules that a change edits; `problem` is why the decisions cannot be read."""
    if problem:
        return Section(title=TITLE, note=f"They cannot be read: {problem}")
    columns = [
        Column("decision", "code"), Column("date"), Column("judged on"), Column("verdict then"), Column("now"),
        Column("what decides"),
    ]  # fmt: skip
    rows = [Row(cells(each), "worse" if each.flips else None) for each in judgements]
    return Section(title=TITLE, tables=filled([table("", columns, rows)]), note=summary(judgements))
