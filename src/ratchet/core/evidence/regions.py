"""Regions of the rows in which a model is worse, as records that a report reads without loading numpy."""

from __future__ import annotations

from pydantic import Field

from ratchet.core.findings import Estimate, Finite


class Region(Finite):
    """The rows for which each of one or two columns is as said: 'origin = LGA, plane_seats up to 55'."""

    where: tuple[tuple[str, str], ...] = Field(description="each column with what it is there: ('origin', '= LGA')")
    rows: int = Field(description="rows in it, of both halves; `gain` is of those of the half that tests")
    reference: float = Field(description="the metric that `challenger` is held against, in the half that tests")
    challenger: float = Field(description="the metric of the model in the region, in the half that tests")
    gain: Estimate = Field(description="over the reference, below 0: worse; bounds hold for all tested regions at once")
    p: float = Field(description="of the hypothesis that the model is not worse there, adjusted for all tested ones")

    @property
    def name(self) -> str:
        """The region in words."""
        return ", ".join(f"{column} {text}" for column, text in self.where)


class Regions(Finite):
    """The answer to one question: regions that are shown to be worse, and among how many they were looked for."""

    metric: str
    alpha: float = Field(description="risk that any region is named in which the model is not worse")
    min_rows: int = Field(description="a region with fewer rows is not looked at")
    rows: int = Field(description="all rows, of both halves")
    clusters: int | None = Field(description="of both halves; None where rows are taken as independent")
    looked_at: int = Field(default=0, description="regions that are large enough in the half that finds")
    tested: int = Field(default=0, description="those of them that the other half tested")
    found: tuple[Region, ...] = Field(default=(), description="the worst first")
    reason: str = Field(default="", description="why nobody looked")
