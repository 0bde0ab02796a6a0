"""What counts as a refit, which the gate holds to a softer rule: nothing may differ but the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet.core.ledger_entries import Entry
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Evaluate, Features, Gate, Model, Params, Project, Split
from ratchet.io import layout
from ratchet.io.champion import Champion
from ratchet.io.model_folder import LoadedModel
from ratchet.stages.scored_rows import _is_refit

PROJECT = Project(name="m", room="little", task="regression", target="y")
RECIPE = Recipe(project=PROJECT, features=Features(), model=Model(estimator="ridge"))
CHALLENGER = ModelRecord(
    task="regression",
    target="y",
    features=[Feature(name="x", kind="number", nullable=False)],
    labels=[],
    baseline=[1.0],
    threshold=0.5,
    recipe=RECIPE,
    trained_on={"1": "a", "2": "b"},
    rows=9,
    model_digest="new",
    libraries={"numpy": "2"},
)
OLDER = {"trained_on": {"1": "a"}, "rows": 5, "model_digest": "old"}


def project(root: Path, *, champion_schema: str = "rows: {}") -> Path:
    """A project whose champion carries a room with the same code."""
    for home, schema in ((root, "rows: {}"), (root / layout.CHAMPION, champion_schema)):
        room = home / "src" / "little"
        room.mkdir(parents=True)
        (room / "features.py").write_text("build = label = None", encoding="utf-8")
        (room / "schema.yaml").write_text(schema, encoding="utf-8")
    return root


def is_refit(root: Path, **changes: Any) -> bool:
    """Whether the challenger is a refit of a champion whose record differs by `changes`."""
    record = CHALLENGER.model_copy(update={**OLDER, **changes})
    champion = Champion(Entry.model_construct(), LoadedModel(record, None))  # its pipeline is not asked
    params = Params(
        project=PROJECT,
        split=Split(),
        features=RECIPE.features,
        model=RECIPE.model,
        evaluate=Evaluate(),
        gate=Gate(metric="squared_error"),
    )
    return _is_refit(root, CHALLENGER, champion, params)


def test_newer_data_alone_is_a_refit(tmp_path: Path) -> None:
    """Other batches, rows and a new file are what a refit has."""
    assert is_refit(project(tmp_path))


@pytest.mark.parametrize(
    "changes",
    [
        {"libraries": {"numpy": "3"}},
        {"recipe": RECIPE.model_copy(update={"model": Model(estimator="ridge", seed=1)})},
        {"recipe": RECIPE.model_copy(update={"features": Features(numeric="scaled")})},
    ],
    ids=["libraries", "model", "features"],
)
def test_another_recipe_or_library_is_no_refit(tmp_path: Path, changes: dict[str, Any]) -> None:
    """A changed parameter or library version is a change that has to be shown to be better."""
    assert not is_refit(project(tmp_path), **changes)


def test_another_schema_is_no_refit(tmp_path: Path) -> None:
    """The schema says what the feature function is given, so it is code."""
    assert not is_refit(project(tmp_path, champion_schema="rows: {other: 1}"))
