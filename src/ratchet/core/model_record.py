"""What goes with a model file wherever it goes: its inputs, its task, and what it was trained on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ratchet.core.params import Features, Model, Project, Section, Task
from ratchet.core.seen import SeenFeature
from ratchet.core.treated import Treated


class Feature(Section):
    """One input of the model: a number (JSON number) or a category (JSON string); null only where `nullable`."""

    name: str
    kind: Literal["number", "category"]
    nullable: bool
    example: float | str | None = Field(default=None, description="a value seen in training")


class Recipe(Section):
    """How a model is made, but for the room's code and the data: the same recipe on newer data is a refit."""

    project: Project
    features: Features
    model: Model


class ModelRecord(Section):
    """`model.json`, beside `model.skops`.

    `labels` are the classes in the order of the score columns (empty for regression). `baseline` is what a
    constant predictor would say: one probability per class, or the mean target. `trained_on` maps each training
    batch to the SHA-256 of its features, so that nobody evaluates on rows the model has seen.
    """

    task: Task
    target: str
    features: list[Feature] = Field(min_length=1)
    labels: list[str]
    baseline: list[float] = Field(min_length=1)
    threshold: float
    recipe: Recipe
    trained_on: dict[str, str] = Field(min_length=1)
    rows: int
    open: float = Field(default=0.0, description="split.open under which it was trained: those rows it has not seen")
    open_by: str = Field(default="", description="by what they were dealt (`core.open_split.dealt_by`); empty: none")
    model_digest: str = Field(description="SHA-256 of model.skops")
    libraries: dict[str, str]
    preprocessing: Treated = Field(default=Treated(), description="what preprocessing did to the training rows")
    seen: dict[str, SeenFeature] = Field(
        default_factory=dict, description="what training saw of each feature; empty in models of before it was kept"
    )
