"""The section `features` of `params.yaml`: what happens to features between the room and the estimator.

Each key holds for all features of its kind; `columns` says otherwise for single ones.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ratchet.core.section import Section

Encoding = Literal["ordinal", "onehot", "target"]
Scaling = Literal["passthrough", "scaled"]
Share = Annotated[float, Field(gt=0, lt=1)]

LOW, HIGH = 0.001, 0.999
"""The quantiles beyond which a number is an outlier where none are declared: one in a thousand on each side."""


class Missing(Section):
    """What stands in for a missing value. `indicator` marks where one was."""

    number: Literal["leave", "median", "mean", "constant"] = Field(
        default="leave", description="leave: to the estimator; one that takes no missing values gets the median"
    )
    category: Literal["own", "most_frequent", "constant"] = Field(
        default="own", description="own: to be missing is a category of its own"
    )
    fill_number: float = Field(default=0.0, description="what `constant` puts in place of a number")
    fill_category: str = Field(default="missing", description="what `constant` puts in place of a category")
    indicator: bool = Field(
        default=False, description="one more input, 0 or 1, for each feature that training rows lack values of"
    )


class Outliers(Section):
    """Which numbers lie too far out, and what is done about them; what it did to training rows is counted."""

    action: Literal["keep", "clip", "flag", "drop"] = Field(
        default="keep",
        description="clip: to the nearest bound; flag: one more input, 0 or 1; drop: the training row, and no other",
    )
    rule: Literal["quantiles", "tukey", "bounds"] = Field(
        default="quantiles", description="how the bounds are found; quantiles and quartiles are of the training rows"
    )
    low: float | None = Field(
        default=None, description=f"quantiles: a share, {LOW} if null; bounds: a value, none if null"
    )
    high: float | None = Field(
        default=None, description=f"quantiles: a share, {HIGH} if null; bounds: a value, none if null"
    )
    fences: Annotated[float, Field(gt=0)] = Field(
        default=1.5, description="tukey: bounds are this many interquartile ranges beyond the quartiles"
    )

    @model_validator(mode="after")
    def _fits_the_rule(self) -> Self:
        if self.model_fields_set and "action" not in self.model_fields_set:
            raise ValueError("without an action nothing is done: add action: clip, flag or drop")
        if self.rule == "tukey" and (self.low, self.high) != (None, None):
            raise ValueError("rule tukey takes fences, neither low nor high")
        if self.rule == "bounds" and self.action != "keep" and (self.low, self.high) == (None, None):
            raise ValueError("rule bounds needs low, high or both")
        if self.rule == "quantiles" and not 0 <= self.quantiles[0] < self.quantiles[1] <= 1:
            raise ValueError("rule quantiles needs shares with 0 <= low < high <= 1")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low must be below high")
        return self

    @property
    def quantiles(self) -> tuple[float, float]:
        """The two shares of the rule `quantiles`."""
        return LOW if self.low is None else self.low, HIGH if self.high is None else self.high


class Rare(Section):
    """Below which count or share, in the training rows, a category is treated like one that was never seen."""

    min_count: Annotated[int, Field(ge=2)] | None = Field(default=None, description="training rows at least")
    min_share: Share | None = Field(default=None, description="share of all training rows at least")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.min_count is not None and self.min_share is not None:
            raise ValueError("give min_count or min_share, not both")
        return self

    @property
    def declared(self) -> bool:
        """Whether there is a rule at all."""
        return self.min_count is not None or self.min_share is not None


class Periodic(Section):
    """A number that begins again: the hour of the day, the day of the week. It becomes smooth periodic splines."""

    period: Annotated[float, Field(gt=0)] = Field(description="in the number's own unit: 24 for hours of the day")
    splines: Annotated[int, Field(ge=3, le=100)] = Field(
        default=6, description="inputs that it becomes; more follow it more closely"
    )


class Treatment(Section):
    """What holds for one feature instead of what holds for all; null: the same as for all."""

    missing: Literal["leave", "median", "mean", "constant", "own", "most_frequent"] | None = Field(
        default=None, description="as missing.number or missing.category"
    )
    fill: float | str | None = Field(
        default=None, description="with missing: constant, as missing.fill_number or missing.fill_category"
    )
    indicator: bool | None = Field(default=None, description="as missing.indicator")
    outliers: Outliers | None = Field(default=None, description="as outliers")
    numeric: Scaling | None = Field(default=None, description="as numeric")
    periodic: Periodic | None = Field(default=None, description="the number begins again after a period")
    categorical: Encoding | None = Field(default=None, description="as categorical")
    rare: Rare | None = Field(default=None, description="as rare")


class Features(Section):
    """Preprocessing that is fitted with the model and travels inside the same artefact ([how](preprocessing.md))."""

    categorical: Encoding = Field(
        default="ordinal", description="how categories are encoded; target: by the mean target, cross-fitted"
    )
    numeric: Scaling = Field(default="passthrough", description="scaled: median for missing values, then unit variance")
    missing: Missing = Field(default=Missing(), description="what stands in for a missing value")
    outliers: Outliers = Field(
        default=Outliers(), description="numbers that lie too far out; periodic ones have none unless declared"
    )
    rare: Rare = Field(default=Rare(), description="categories with too few rows")
    columns: dict[str, Treatment] = Field(default_factory=dict, description="what differs for one feature, by its name")
