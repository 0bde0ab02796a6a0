"""Releases: what a person let pass, by name and with a reason, kept in git beside the batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import Field

from ratchet.core.findings import Finite
from ratchet.core.validation.records import Finding

UNREADABLE = frozenset(
    (
        *("unreadable", "missing-table", "unknown-table", "no-rows"),
        *("missing-column", "unknown-column", "repeated-column", "wrong-type"),
    )
)
"""Rules without which there is nothing that a stage could work on."""
UNUSABLE = frozenset(("missing", "infinite"))
"""Rules on rows that later stages could not take: a row without its time belongs to no cluster, say."""
ANY = "*"
"""As table or column of a release: every one."""


class Release(Finite):
    """One rule that no longer counts for one batch: its rows come out of quarantine, or the batch is not refused."""

    batch: str
    rule: str = Field(description="the rule's name, as the finding has it")
    table: str = Field(default=ANY, description="'*': in every table")
    column: str = Field(default=ANY, description="'*': in every column")
    relation: str = Field(default=ANY, description="a condition, as schema.yaml has it; '*': every one")
    reason: str = Field(min_length=1)
    actor: str = ""
    date: str = Field(default="", description="the day it was written, such as 2013-08-01")

    def covers(self, finding: Finding) -> bool:
        """Whether the finding, which is of the release's batch, is one that it lets pass."""
        return (
            self.rule == finding.rule
            and self.table in (ANY, finding.table)
            and self.column in (ANY, finding.column)
            and (self.relation == ANY or self.relation.split() == finding.relation.split())
        )


def released_reason(finding: Finding, releases: Sequence[Release]) -> str:
    """Why a person let the finding pass; empty if nobody did."""
    if not can_be_released(finding.rule):
        return ""
    return next((release.reason for release in releases if release.covers(finding)), "")


def of_batch(batch: str, releases: Iterable[Release]) -> list[Release]:
    """The releases that concern one batch, in the order in which they were written."""
    return [release for release in releases if release.batch == batch]


def can_be_released(rule: str) -> bool:
    """Whether a person can let pass what breaks the rule."""
    return rule not in UNREADABLE | UNUSABLE
