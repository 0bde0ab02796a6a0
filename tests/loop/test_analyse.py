"""`ratchet analyse` and `ratchet explain` on a project, as a person types them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ratchet.core.analysis.records import Analysis, Explanation, Explanations
from ratchet.core.deliveries import deliveries
from ratchet.core.feature_table import model_inputs
from ratchet.errors import BatchRefused, DataRefused, ServiceFailed, UsageError
from ratchet.flows.analyse import Ask, analyse
from ratchet.flows.explain import Question, explain_rows
from ratchet.flows.open_rows import open_rows
from ratchet.io import files, layout, model_folder
from ratchet.io.batches import UnitStore
from ratchet.io.features import read_batches
from ratchet.io.tables import read_frame
from ratchet.settings import load_settings

if TYPE_CHECKING:
    from tests.loop.conftest import Sandbox

pytestmark = pytest.mark.xdist_group("small")


def analysis(sandbox: Sandbox) -> Analysis:
    """What the last one found."""
    return Analysis.model_validate_json((sandbox.root / "reports" / "analysis.json").read_bytes())


def explained(sandbox: Sandbox, what: str, label: str = "") -> list[Explanation]:
    """What is found about rows, read back from the file that says so."""
    answer = explain_rows(load_settings(sandbox.root, sandbox.environment), Question(what=what, label=label))
    found = Explanations.model_validate_json((sandbox.root / "reports" / "explanation.json").read_bytes())
    assert found == answer.found
    return list(found.explained)


@pytest.mark.slow
def test_an_analysis_says_what_the_run_said(computed: Sandbox) -> None:
    """Its folds and its loss are those of the run, its lines are those of a linear model, and the run is untouched."""
    before = computed.digests("data", "dvc.lock")
    said = computed.ratchet("analyse", "--seeds", "1", "--pair", "bmi,s5", "--feature", "bmi")
    assert said.code == 0, said
    assert "fit 1 of" in said.error
    assert "fit 1 of" not in said.out
    found = analysis(computed)
    written = json.loads((computed.root / layout.TRAIN_METRICS).read_text(encoding="utf-8"))
    assert {fold.batch: dict(fold.values) for fold in found.folds} == {
        name: pytest.approx(values) for name, values in written["folds"].items()
    }
    assert all(fold.intervals for fold in found.folds)
    assert {name: dict(each) for name, each in found.spread.items()} == {
        name: pytest.approx(each) for name, each in written["spread"].items()
    }
    evaluated = json.loads((computed.root / layout.EVALUATE_METRICS).read_text(encoding="utf-8"))
    assert found.loss.value == pytest.approx(evaluated["challenger"][found.metric])
    assert (found.learning_note, found.seeds.seeds, found.seeds.sd[found.metric]) == ("", 1, 0.0)
    (line,) = found.dependence
    steps = np.diff(line.average) / np.diff([float(each) for each in line.grid])
    assert steps == pytest.approx(np.full(len(steps), steps[0]))
    assert found.pairs[0].features == ("bmi", "s5")
    assert computed.digests("data", "dvc.lock") == before


@pytest.mark.slow
def test_without_time_the_page_says_where_it_stopped(computed: Sandbox) -> None:
    """No fit is made, folds keep the values of training without an interval, and the curve has its end alone."""
    said: list[str] = []
    analyse(load_settings(computed.root, computed.environment), Ask(seconds=0), said.append)
    found = analysis(computed)
    assert found.learning_note.startswith("stopped after 0 of")
    assert [line for line in said if line.startswith("fit")] == []
    assert {point.rows for point in found.learning} == {found.trained_rows}
    assert all(fold.values and not fold.intervals and fold.note for fold in found.folds)
    assert found.seeds.note.startswith("not measured")
    page = (computed.root / "reports" / "analysis.html").read_text(encoding="utf-8")
    assert found.learning_note in page
    with pytest.raises(UsageError, match="the model has no feature 'bim', did you mean bmi"):
        analyse(load_settings(computed.root, computed.environment), Ask(features=["bim"]), said.append)


@pytest.mark.slow
def test_a_linear_prediction_is_taken_apart_exactly(computed: Sandbox) -> None:
    """By its key: each feature adds its coefficient times its distance from the mean of the training rows."""
    store = UnitStore(computed.root / layout.FEATURES)
    rows = open_rows(computed.root)
    patient = int(rows.labels["patient"].iloc[0])
    (found,) = explained(computed, str(patient))
    assert (found.batch, found.trained_on) == (next(iter(rows.batches)), False)
    pipeline, inputs = rows.own.pipeline, rows.own.record.features
    trained = [batch.features for batch in read_batches(store, rows.own.record.trained_on).values()]
    ages = np.concatenate([each["age"].to_numpy(np.float64) for each in trained])
    columns = list(pipeline[0].get_feature_names_out())
    slope = pipeline[-1].coef_[columns.index("age")] / ages.std()
    age = next(each for each in found.contributions if each.feature == "age")
    assert age.amount == pytest.approx(slope * (float(age.value or 0) - ages.mean()))
    table = model_inputs(next(iter(rows.batches.values())).features.head(1), inputs)
    assert found.prediction == pytest.approx(float(pipeline.predict(table)[0]))
    assert found.base + sum(each.amount for each in found.contributions) == pytest.approx(found.prediction)
    (learnt,) = explained(computed, "1")
    assert (learnt.trained_on, learnt.batch) == (True, "part-01")


@pytest.mark.slow
def test_a_file_is_explained_as_its_rows_are(computed: Sandbox) -> None:
    """Raw rows, here with their outcome, and their features alone give what the key gives; the terminal shows it."""
    rows = open_rows(computed.root)
    batch = next(iter(rows.batches))
    raw = read_frame(UnitStore(computed.root / layout.INGESTED).file(batch, "rows.parquet")).head(2)
    by_key = [explained(computed, str(patient))[0] for patient in raw["patient"]]
    features = computed.base / "features.csv"
    files.write_text(features, rows.batches[batch].features.head(2).to_csv(index=False))
    found = explained(computed, str(features))
    assert [each.contributions for each in found] == [each.contributions for each in by_key]
    files.write_text(computed.base / "raw.csv", raw.to_csv(index=False))
    out = computed.ok("explain", str(computed.base / "raw.csv"))
    last = Explanations.model_validate_json((computed.root / "reports" / "explanation.json").read_bytes())
    assert last.explained == tuple(found)
    assert f"row 1: progression {found[0].prediction:.4f}, on average {found[0].base:.4f}" in out
    assert f"{found[0].contributions[0].amount:+.4f}" in out
    files.write_text(computed.base / "odd.csv", "age,sex\n1,2\n")
    with pytest.raises(UsageError, match=r"neither raw rows \(patient, bmi"):
        explained(computed, str(computed.base / "odd.csv"))


@pytest.mark.slow
def test_rows_of_a_file_are_held_to_what_a_server_holds_them_to(computed: Sandbox) -> None:
    """A value out of its range, not in its list or missing is refused with its rule, and so is a missing feature."""
    rows = open_rows(computed.root)
    batch = next(iter(rows.batches))
    raw = read_frame(UnitStore(computed.root / layout.INGESTED).file(batch, "rows.parquet")).head(3)
    path = computed.base / "rows.csv"
    for column, value, message in (
        ("age", -4, r"rows\.csv is refused:\s+- rows\.age: is below 0 a .*1 row, for example -4"),
        ("bmi", 400, r"rows\.bmi: is above 100"),
        ("sex", "3", r"rows\.sex: .*for example '?3"),
        ("bp", None, r"rows\.bp: "),
    ):
        odd = raw.astype({column: object})
        odd.loc[1, column] = value
        files.write_text(path, odd.to_csv(index=False))
        with pytest.raises(BatchRefused, match=message) as refused:
            explained(computed, str(path))
        assert "schema.yaml says what they must keep to" in refused.value.next_step
    features = rows.batches[batch].features.head(3).astype({"bmi": object})
    features.loc[2, "bmi"] = None
    files.write_text(path, features.to_csv(index=False))
    with pytest.raises(DataRefused, match=r"rows.csv: the feature bmi is missing in row 3"):
        explained(computed, str(path))
    assert not (computed.root / "reports").exists()


@pytest.mark.slow
def test_what_is_not_there_is_refused(computed: Sandbox) -> None:
    """The message names what was asked for; nothing is written."""
    for asked, message in (
        ({"what": "100000"}, "no labelled row of part-03, part-04, part-01, part-02 has the key patient = 100000"),
        ({"what": "1,2"}, r"a key has 1 values \(patient\), not 2"),
        ({"what": "nothing.csv"}, "there is no file nothing.csv"),
        ({"what": "1", "label": "true"}, "the model knows no class 'true'"),
    ):
        with pytest.raises(UsageError, match=message):
            explained(computed, **asked)
    assert not (computed.root / "reports").exists()


@pytest.mark.slow
def test_only_rows_that_were_not_trained_on_are_looked_at(computed: Sandbox) -> None:
    """They are the newest batches; a model of another recipe, or one that has seen them, is refused."""
    rows = open_rows(computed.root)
    trained = rows.own.record.trained_on
    assert [*trained, *rows.batches] == [name for names in deliveries([*trained, *rows.batches]) for name in names]
    record = rows.own.record.model_copy(update={"trained_on": {**trained, **rows.looked.about.batches}})
    model_folder.write_record(computed.root / layout.MODEL, record)
    with pytest.raises(DataRefused, match="was trained on part-03, part-04"):
        open_rows(computed.root)
    computed.set_params(model={"params": {"alpha": 2.0}})
    with pytest.raises(ServiceFailed, match="another recipe than params"):
        open_rows(computed.root)
