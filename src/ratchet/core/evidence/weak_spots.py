"""Where the challenger is weak on the rows that may be looked at, as a record that a report reads."""

from __future__ import annotations

from pydantic import Field

from ratchet.core.change.records import Rows
from ratchet.core.evidence.regions import Regions
from ratchet.core.findings import Finite


class WeakSpots(Finite):
    """Regions that nobody named before, and rows that the champion got right and the challenger gets wrong."""

    losing: Regions = Field(description="where it loses against what the gate compares it with")
    hardest: Regions = Field(description="where its own loss is above its loss on all rows")
    switched: Rows | None = Field(description="None for regression, and where no other model serves")
