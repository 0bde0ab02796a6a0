"""The loop on the real flights, a few months of them: champion against challenger, each with its own features."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("flights")]

SCORES = """
import sys
from pathlib import Path
from ratchet.core.feature_table import model_inputs
from ratchet.core.scoring import score
from ratchet.io import model_folder
from ratchet.io.batches import UnitStore
from ratchet.io.features import read_batches

root = Path.cwd()
model = model_folder.read(root / sys.argv[1])
[batch] = read_batches(UnitStore(root / "data" / "features"), [sys.argv[2]]).values()
scores = score(model.pipeline, model.record.task, model_inputs(batch.features, model.record.features))
print("\\n".join(float(each).hex() for each in scores[:, 1]))
"""


def read(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def predictions(sandbox: Sandbox, model: str) -> list[float]:
    """What a model predicted for the rows that judged."""
    table = pd.read_parquet(sandbox.root / "data" / "evaluation" / "predictions.parquet")
    return [float(each) for each in table[f"{model}.1"]]


def test_a_new_month_is_judged_against_the_champion(april: Sandbox) -> None:
    """The same room on newer data is a refit; champion and challenger score the same rows of the newest month."""
    evidence = read(april.root / "data" / "decision.json")["evidence"]
    assert (evidence["champion"], evidence["refit"], evidence["holdout"]) == (1, True, ["2013-04"])
    assert evidence["comparison"]["clusters"] == 30
    table = pd.read_parquet(april.root / "data" / "evaluation" / "predictions.parquet")
    assert table[["champion.0", "champion.1", "challenger.0", "challenger.1"]].notna().all(axis=None)
    assert not table["champion.1"].equals(table["challenger.1"])


def test_a_champion_of_another_room_is_given_its_own_features(april: Sandbox) -> None:
    """With the room's features changed since, the champion predicts what it predicts with its old ones, bit by bit."""
    before = predictions(april, "champion")
    old = april.run(["python", "-c", SCORES, "data/champion", "2013-04"])
    assert [float.fromhex(each) for each in old.out.split()] == before

    room = april.root / "src" / "flights" / "features.py"
    text = room.read_text(encoding="utf-8")
    new = text.replace('"distance": rows["distance"],', '"root_distance": rows["distance"] ** 0.5,')
    assert new != text
    room.write_text(new, encoding="utf-8")
    april.ok("run")

    evaluation = read(april.root / "data" / "evaluation" / "evaluation.json")
    names = {feature["name"] for feature in read(april.root / "data" / "model" / "model.json")["features"]}
    theirs = {feature["name"] for feature in read(april.root / "data" / "champion" / "model.json")["features"]}
    assert (names - theirs, theirs - names) == ({"root_distance"}, {"distance"})
    assert (evaluation["refit"], evaluation["no_comparison"], evaluation["champion"]) == (False, "", 1)
    assert predictions(april, "champion") == before
    challenger = april.run(["python", "-c", SCORES, "data/model", "2013-04"])
    assert [float.fromhex(each) for each in challenger.out.split()] == predictions(april, "challenger")
    assert read(april.root / "data" / "decision.json")["evidence"]["refit"] is False


def test_a_champion_whose_columns_are_gone_is_no_comparison(flights: Sandbox) -> None:
    """A schema that no longer has what the champion needs does not promote: nothing could be compared."""
    schema = flights.root / "src" / "flights" / "schema.yaml"
    room = flights.root / "src" / "flights" / "features.py"
    lines = schema.read_text(encoding="utf-8").splitlines(keepends=True)
    hidden = [
        line.replace("{type:", "{known: after, type:", 1) if line.strip().startswith("distance:") else line
        for line in lines
    ]
    text = room.read_text(encoding="utf-8").replace('            "distance": rows["distance"],\n', "")
    assert hidden != lines
    schema.write_text("".join(hidden), encoding="utf-8")
    room.write_text(text, encoding="utf-8")
    said = flights.ok("run")
    decision = read(flights.root / "data" / "decision.json")
    words = "feature function that this model was trained with cannot read these rows"
    assert words in decision["evidence"]["no_comparison"], said
    assert (decision["verdict"] != "promote", decision["evidence"]["comparison"]) == (True, None)
