"""What validation says of a batch, as records: plain JSON that reads back equal, bounded however large the data."""

from __future__ import annotations

from pydantic import Field

from ratchet.core.findings import Finite
from ratchet.core.schema import Level

EXAMPLES = 5
"""Offending values that a finding shows."""


class Finding(Finite):
    """One thing that is wrong with one column (or several, joined by "+") of one table, with its level."""

    table: str
    column: str = Field(description="'*' where it is the table as a whole")
    rule: str = Field(description="the rule's name in kebab-case, by which `ratchet data release` names it")
    level: Level
    sentence: str = Field(description="what was required and what was found, in plain words with the values")
    count: int = Field(description="rows concerned")
    examples: tuple[str, ...] = Field(default=(), description="a few offending values, the first ones")
    relation: str = Field(default="", description="the condition of schema.yaml that is broken, if it is one")
    released: str = Field(default="", description="why a person let it pass; empty: nobody did")

    def leads_to(self, level: Level) -> bool:
        """Whether it has this level, and nobody let it pass."""
        return self.level == level and not self.released


class TableCount(Finite):
    """How many rows of a table came, and how many of them were put into quarantine."""

    rows: int
    quarantined: int


class ValidationReport(Finite):
    """`report.json` of a batch: the counts of each table, and the findings, the worst first."""

    batch: str
    tables: dict[str, TableCount]
    findings: tuple[Finding, ...]
    compared_with: tuple[str, ...] = Field(default=(), description="the earlier batches that it was compared with")

    @property
    def quarantined(self) -> int:
        """The rows in quarantine, of all tables together."""
        return sum(table.quarantined for table in self.tables.values())

    @property
    def refused(self) -> tuple[Finding, ...]:
        """The findings for which the batch is refused, and which nobody released."""
        return self.leading_to("refuse")

    def leading_to(self, level: Level) -> tuple[Finding, ...]:
        """The findings of this level that nobody let pass."""
        return tuple(finding for finding in self.findings if finding.leads_to(level))

    def counts(self) -> str:
        """Rows of each table, rows in quarantine and what to look at: "29,423 rows, 2 in quarantine"."""
        rows = [f"{count.rows:,} {name}" for name, count in self.tables.items()]
        found = {"in quarantine": self.quarantined, "to look at": len(self.leading_to("warn"))}
        return ", ".join([*(rows or ["none"]), *(f"{number:,} {what}" for what, number in found.items() if number)])
