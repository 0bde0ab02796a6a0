"""The sealed split in the stages: open rows train nobody, sealed labels leave no trace, and the gate says one bit."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from ratchet.core import learning
from ratchet.core.alpha_level import Level
from ratchet.core.decision import CHALLENGER, CHAMPION, Decision, Evidence, Look
from ratchet.core.feature_table import LabelledBatch
from ratchet.core.gate import decide
from ratchet.core.gate.charged import question_of
from ratchet.core.judged import Evaluation, scores_of
from ratchet.core.ledger import append
from ratchet.core.ledger_entries import Change
from ratchet.core.open_split import open_rows
from ratchet.core.params import parse_params
from ratchet.core.split import Fold
from ratchet.errors import DataRefused, ServiceFailed
from ratchet.io import layout, model_folder, sealed
from ratchet.io.batches import UnitStore
from ratchet.io.champion import write_entry
from ratchet.io.room import read_params
from ratchet.io.tables import read_frame, read_table, write_table

MakeProject = Callable[[Path, list[int]], Path]
RunPipeline = Callable[..., None]
Outputs = Callable[[Path], Mapping[str, bytes]]

SHARE = 0.2
HOLDOUT = "2020-05"
ASKED: dict[str, Any] = {
    "slices": {"by": ["kind", "place"], "min_rows": 5},
    "floors": {"roc_auc": {"min": 0.5}},
    "conditions": {"ranking": 'gain.roc_auc[place = "low"] > -0.5'},
}
"""Everything that makes the evidence hold numbers."""
COINS = """
def label(rows):
    import numpy as np
    import pandas as pd

    hours = rows["moment"].astype("int64") // 10**9
    coins = [np.random.default_rng(int(hour)).random() < 0.5 for hour in hours]
    return pd.Series(coins, index=rows.index, dtype="boolean").where(rows["late"].notna())
"""
"""Labels that nothing foretells."""
SPENT = Level(
    alpha=0.0625, run=1, promotions=0, unknown=0, fresh=True, cached=False, answer=None, runs_left=20, exhausted=""
)


def set_params(root: Path, **sections: Mapping[str, Any]) -> None:
    path = root / "params.yaml"
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, values in sections.items():
        tree[name] |= values
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")


@pytest.fixture(scope="module")
def _sealed(make_project: MakeProject, run_pipeline: RunPipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_project(tmp_path_factory.mktemp("sealed"), [1, 2, 3, 4, 5])
    set_params(root, split={"open": SHARE}, gate={"reuse": {"policy": "ledger"}, **ASKED})
    sealed.write_look(root, None)
    run_pipeline(root)
    return root


@pytest.fixture
def root(_sealed: Path, tmp_path: Path) -> Path:
    """A copy of a project with open rows and a sealed batch, whose pipeline ran; nobody charged a look."""
    return Path(shutil.copytree(_sealed, tmp_path / "copy"))


def charge(root: Path, **changes: str) -> Look:
    """Write the level of the look that the evidence asks for, or of one that differs by `changes`."""
    question = question_of(sealed.read_evidence(root), read_params(root).gate)
    assert question is not None
    look = Look(question=question.model_copy(update=changes), level=SPENT)
    sealed.write_look(root, look)
    return look


def decision_of(root: Path, path: str = layout.DECISION) -> Decision:
    return Decision.model_validate_json((root / path).read_bytes())


def evaluation_of(root: Path) -> Evaluation:
    return Evaluation.model_validate_json((root / layout.EVALUATION / "evaluation.json").read_bytes())


def dealt(root: Path, batch: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    labels = read_table(UnitStore(root / layout.FEATURES).file(batch, "labels.parquet"))
    return np.asarray(open_rows(labels, SHARE))


def crown(root: Path, **record: object) -> None:
    """Let the project's own model be its champion; `record`: what its record says otherwise."""
    folder = root / layout.CHAMPION
    model_folder.copy(root / layout.MODEL, folder)
    model_folder.copy_room(root / "src" / "little", folder)
    if record:
        model_folder.write_record(folder, model_folder.read_record(folder).model_copy(update=record))
    seal = model_folder.write_seal(folder)
    found = model_folder.read_record(folder)
    change = Change(
        kind="promotion", model="little", version=1, replaces=None, run_id="r", fingerprint="f",
        model_digest=found.model_digest, seal=seal, decision_digest="d", commit="c", trained_on=found.trained_on,
        metrics={}, actor="a", time="2026-01-01T00:00:00+00:00", reason="",
    )  # fmt: skip
    write_entry(folder, append([], change))


def test_open_rows_train_nobody(root: Path, run_pipeline: RunPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table that any fit of the stage is given, of the folds and of the model, has rows that are not open."""
    given: list[pd.DataFrame] = []
    fitted = learning._training

    def spy(batches: list[LabelledBatch], params: Any) -> Any:
        given.extend(batch.features.assign(id=batch.labels["id"], day=batch.labels["_cluster"]) for batch in batches)
        return fitted(batches, params)

    monkeypatch.setattr(learning, "_training", spy)
    run_pipeline(root, "train")
    trained = pd.concat(given)
    names = [f"2020-{month:02d}" for month in (1, 2, 3, 4)]
    store = UnitStore(root / layout.FEATURES)
    labels = pd.concat(
        [read_frame(store.file(name, "labels.parquet")).assign(open=dealt(root, name)) for name in names]
    )
    opened = set(labels.loc[labels["open"], "_cluster"])
    assert len(opened) == 12
    assert set(trained["day"]) == set(labels["_cluster"]) - opened
    record = model_folder.read_record(root / layout.MODEL)
    assert (record.rows, record.open, record.open_by) == (int((~labels["open"]).sum()), SHARE, "day of moment")
    folds = json.loads((root / layout.TRAIN_METRICS).read_text(encoding="utf-8"))["folds"]
    assert list(folds) == ["2020-03", "2020-04"]


def test_a_model_that_remembers_has_seen_no_open_row(root: Path, run_pipeline: RunPipeline) -> None:
    """With labels of pure chance and the row's number as its feature, a deep tree knows what it was fitted to by heart.

    Of open rows it knows no more than a coin.
    """
    path = root / "src/little/features.py"
    build = path.read_text(encoding="utf-8").replace(
        'rows[["x", "kind"]].assign(', "rows[[]].assign(number=number(rows), "
    )
    numbers = '\n\ndef number(rows):\n    return rows["moment"].astype("int64") / 3.6e12\n'
    path.write_text(build[: build.index("def label")] + COINS + numbers, encoding="utf-8")
    set_params(root, model={"params": {"max_iter": 200, "min_samples_leaf": 1, "max_leaf_nodes": 256}})
    run_pipeline(root, "featurize", "train", "evaluate")
    accuracy = next(row for row in evaluation_of(root).metrics if row.name == "accuracy").models["challenger"].value
    model, store = model_folder.read(root / layout.MODEL), UnitStore(root / layout.FEATURES)
    known = []
    for month in (1, 2, 3, 4):
        features, labels = (
            read_frame(store.file(f"2020-{month:02d}", f"{name}.parquet")) for name in ("features", "labels")
        )
        told = np.asarray(model.pipeline.predict(features)) == labels["_target"].to_numpy(dtype=int)
        known.extend(told[~dealt(root, f"2020-{month:02d}")])
    assert np.mean(known) > 0.9
    assert accuracy is not None
    assert accuracy < 0.75


def test_what_is_shown_is_of_open_rows(root: Path) -> None:
    """The predictions are those of the open rows, in their order, and the record of the evaluation says so."""
    evaluation, table = evaluation_of(root), read_frame(root / layout.EVALUATION / "predictions.parquet")
    store = UnitStore(root / layout.FEATURES)
    names = [f"2020-{month:02d}" for month in (1, 2, 3, 4)]
    parts = [read_frame(store.file(name, "labels.parquet"))[dealt(root, name)] for name in names]
    assert table["id"].tolist() == pd.concat(parts)["id"].tolist()
    assert table["_target"].tolist() == pd.concat(parts)["_target"].astype(int).tolist()
    about = evaluation.looked_at
    assert about is not None
    assert (about.kind, list(about.batches), about.rows, about.clusters) == ("open", names, len(table), 12)
    assert (list(evaluation.holdout), evaluation.rows) == ([HOLDOUT], len(table))
    assert set(table["_cluster"]) <= {f"2020-{month:02d}-{day:02d}" for month in (1, 2, 3, 4) for day in range(1, 32)}


def test_the_sealed_evidence_is_what_an_open_policy_would_show(root: Path, run_pipeline: RunPipeline) -> None:
    """The policy changes what is told and not what is found on the rows that judge."""
    hidden = sealed.read_evidence(root)
    set_params(root, gate={"reuse": {"policy": "open"}})
    run_pipeline(root, "evaluate", "gate")
    shown = sealed.read_evidence(root)
    assert hidden.leakage_open is not None
    assert hidden.model_copy(update={"leakage_open": None}) == shown
    assert list(shown.metrics) == evaluation_of(root).metrics
    assert len(shown.parts) == 1
    assert shown.slices is not None
    decision = decision_of(root)
    assert decision == decision_of(root, f"{layout.SEALED}/{sealed.DECISION}")
    assert (decision.seal, decision.evidence.look) == (None, None)
    assert decide(decision.evidence, decision.policy) == decision


def test_open_rows_alone_seal_nothing(root: Path, run_pipeline: RunPipeline) -> None:
    """Under an open policy the newest batch is looked at, whatever share of older rows nobody is trained on."""
    set_params(root, gate={"reuse": {"policy": "open"}})
    run_pipeline(root, "evaluate")
    about = evaluation_of(root).looked_at
    assert about is not None
    assert (about.kind, list(about.batches)) == ("holdout", [HOLDOUT])


def test_the_gate_says_one_bit(root: Path, run_pipeline: RunPipeline) -> None:
    """With a look that was charged for this very question the sealed rows decide, by the level that was charged."""
    look = charge(root)
    run_pipeline(root, "gate")
    full, shown = decision_of(root, f"{layout.SEALED}/{sealed.DECISION}"), decision_of(root)
    assert full == decide(sealed.read_evidence(root).model_copy(update={"look": look}), read_params(root).gate)
    assert (full.verdict, shown.verdict) == ("promote", "promote")
    assert shown.seal is not None
    assert (shown.seal.evidence, shown.seal.decision) == sealed.digests(root)
    assert (shown.seal.rows, shown.seal.clusters) == (57, 13)
    assert "0.0625" in next(each.sentence for each in shown.conditions if each.name == "charged")


@pytest.mark.parametrize("changes", [{}, {"challenger": "x"}, {"champion": "x"}, {"holdout": "x"}, {"policy": "x"}])
def test_a_level_of_another_question_promotes_nobody(
    root: Path, run_pipeline: RunPipeline, changes: dict[str, str]
) -> None:
    """Nothing charged, or charged for another challenger, champion, holdout or policy: the gate holds, and says why."""
    if changes:
        charge(root, **changes)
    run_pipeline(root, "gate")
    shown = decision_of(root)
    assert shown.verdict == "hold"
    assert [each.name for each in shown.conditions if not each.passed] == ["charged", "sealed"]
    assert ("charged is another one" if changes else "nobody charged this look") in shown.reason


def test_the_gate_needs_its_files(root: Path, run_pipeline: RunPipeline) -> None:
    """Without a level or without evidence there is no decision, and the error says what makes them."""
    (root / layout.LEVEL).unlink()
    with pytest.raises(ServiceFailed, match=r"level\.json is not there"):
        run_pipeline(root, "gate")
    sealed.write_look(root, None)
    path = root / layout.SEALED / sealed.EVIDENCE
    path.write_text('{"metrics": 0.12345}', encoding="utf-8")
    with pytest.raises(ServiceFailed, match="not what this version") as caught:
        run_pipeline(root, "gate")
    assert "0.12345" not in f"{caught.value}{caught.value.__cause__}{caught.value.__context__}"
    path.unlink()
    with pytest.raises(ServiceFailed, match=r"evidence\.json is not there"):
        run_pipeline(root, "gate")


def floats(value: object) -> Iterator[float]:
    """Every number with a fraction in a JSON value."""
    if isinstance(value, float) and not value.is_integer():
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from floats(child)


def test_no_number_of_the_sealed_rows_is_told(
    root: Path, run_pipeline: RunPipeline, outputs: Outputs, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of all that evaluate and gate write beside the sealed folder and print, nothing is a number from inside.

    To four significant digits, where the number is none that the open rows or the level have as well.
    """
    run_pipeline(root, "evaluate")
    charge(root)
    run_pipeline(root, "gate")
    secrets = {
        each
        for name in (sealed.EVIDENCE, sealed.DECISION)
        for each in floats(json.loads((root / layout.SEALED / name).read_bytes()))
    }
    evidence = sealed.read_evidence(root)
    known = set(floats(json.loads(evidence.leakage_open.model_dump_json()))) if evidence.leakage_open else set()
    known |= set(floats(read_params(root).model_dump(mode="json"))) | {SPENT.alpha}
    hidden = {f"{abs(each):.4g}" for each in secrets} - {f"{abs(each):.4g}" for each in known}
    # Shares of a few rows: the curves of the open rows are full of them.
    hidden -= {f"{part / count:.4g}" for count in range(1, 60) for part in range(1, count + 1)}
    long = {each for each in hidden if len(each.replace(".", "").lstrip("0")) >= 4}
    assert len(long) > 80
    spoken = "".join(capfd.readouterr())
    texts = {name: data.decode("utf-8", "replace") for name, data in outputs(root).items() if _text(name)}
    for where, text in {**texts, "printed": spoken}.items():
        found = {f"{float(each):.4g}" for each in re.findall(r"\d+\.\d+(?:e-?\d+)?", text)}
        shown = {f"{abs(each):.4g}" for each in floats(evaluation_of(root).model_dump(mode="json"))}
        assert (where, long & found - shown) == (where, set())
    assert (root / layout.DECISION).read_text(encoding="utf-8").count("sealed rows") == 2


def _text(name: str) -> bool:
    return name.startswith((layout.EVALUATION, "data/metrics", layout.DECISION)) and not name.endswith(
        (".png", ".parquet")
    )


def test_an_error_about_sealed_rows_says_nothing_of_them(
    root: Path, run_pipeline: RunPipeline, capfd: pytest.CaptureFixture[str]
) -> None:
    """A class that training did not have, in the sealed batch alone, is not named: not in the message nor behind it."""
    path = root / "src/little/features.py"
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            'return rows["late"].astype("boolean")',
            'late = rows["late"].map({True: "late", False: "early"})\n'
            '    return late.mask(rows["moment"].dt.month.eq(5) & rows["id"].eq(7), "planted-secret")',
        ),
        encoding="utf-8",
    )
    text = (root / "params.yaml").read_text(encoding="utf-8")
    (root / "params.yaml").write_text(text.replace("task: binary", "task: multiclass"), encoding="utf-8")
    set_params(root, gate={"floors": {}, "conditions": {}})
    run_pipeline(root, "featurize", "train")
    capfd.readouterr()
    with pytest.raises(DataRefused, match="the sealed rows could not be judged: DataRefused") as caught:
        run_pipeline(root, "evaluate")
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    assert "planted" not in f"{error}{''.join(capfd.readouterr())}"
    set_params(root, gate={"reuse": {"policy": "open"}})
    with pytest.raises(DataRefused, match="planted-secret"):
        run_pipeline(root, "evaluate")


def test_a_champion_that_has_seen_the_open_rows_is_compared_on_the_sealed_ones_alone(
    root: Path, run_pipeline: RunPipeline
) -> None:
    """It was trained before there were open rows: on them it has no numbers, and the gate decides all the same."""
    crown(root, open=0.0, open_by="")
    run_pipeline(root, "evaluate")
    evaluation = evaluation_of(root)
    assert "it was trained on rows that are open now" in evaluation.no_comparison
    assert scores_of(read_table(root / layout.EVALUATION / "predictions.parquet"), CHAMPION) is None
    evidence = sealed.read_evidence(root)
    assert (evidence.reference, evidence.no_comparison) == ("champion", "")
    assert evidence.comparison is not None


@pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops timezone")  # pyarrow, with pandas 3.1
def test_a_champion_of_an_older_room_scores_the_same_open_rows(root: Path, run_pipeline: RunPipeline) -> None:
    """What its own room makes of whole batches is cut to the open rows: its scores are what it said as a challenger."""
    crown(root)
    before = scores_of(read_table(root / layout.EVALUATION / "predictions.parquet"), CHALLENGER)
    path = root / "src/little/features.py"
    path.write_text(path.read_text(encoding="utf-8").replace('rows[["x", "kind"]]', 'rows[["x"]]'), encoding="utf-8")
    set_params(root, gate={"slices": {"by": ["kind"], "min_rows": 5}})
    run_pipeline(root, "featurize", "train", "evaluate")
    after = scores_of(read_table(root / layout.EVALUATION / "predictions.parquet"), CHAMPION)
    assert before is not None
    assert after is not None
    assert evaluation_of(root).no_comparison == ""
    np.testing.assert_array_equal(before, after)
    # A column that is no feature any more is found in the rows that features are made of.
    slices = sealed.read_evidence(root).slices
    assert slices is not None
    assert slices.tested["kind"] >= 2


def test_a_leak_is_found_among_open_rows(root: Path, run_pipeline: RunPipeline) -> None:
    """An outcome among the features is told by name, from open rows; the sealed ones keep what they show."""
    schema, features = root / "src/little/schema.yaml", root / "src/little/features.py"
    edit(schema, "nullable: true, known: after}", "nullable: true}")
    edit(features, "columns_seen=", 'outcome=rows["late"].astype("float64"), columns_seen=')
    run_pipeline(root, "ingest", "validate", "featurize", "train", "evaluate")
    charge(root)
    run_pipeline(root, "gate")
    shown = decision_of(root)
    assert shown.verdict == "hold"
    assert "the feature outcome alone tells the label" in shown.reason
    assert shown.evidence.leakage is not None
    assert {name for pair in shown.evidence.leakage.telling[0].shown for name, _ in pair.holdout} >= {"batch", "id"}
    batches = {dict(pair.holdout)["batch"] for pair in shown.evidence.leakage.telling[0].shown}
    assert HOLDOUT not in batches


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def batch_of(values: list[float], days: list[str]) -> LabelledBatch:
    features = pd.DataFrame({"x": values})
    return LabelledBatch(features, pd.DataFrame({"id": range(len(values)), "_cluster": days, "_target": values}))


def test_a_fold_without_rows_is_left_out() -> None:
    """A batch all of whose rows are open trains no fold and is scored by none."""
    params = parse_params(
        {
            "project": {"name": "m", "room": "r", "task": "regression", "target": "y"},
            "split": {},
            "features": {},
            "model": {"estimator": "ridge"},
            "evaluate": {},
            "gate": {"metric": "squared_error"},
        }
    )
    batches = {name: batch_of([1.0, 2.0, 3.0], ["a", "b", "c"]) for name in ("2", "4")}
    folds = [Fold(("1",), ("2",)), Fold(("1", "2"), ("3",)), Fold(("1", "2", "3"), ("4",))]
    assert list(learning.cross_validate(batches, folds, params)) == ["4"]


def test_a_share_that_leaves_nothing_is_refused(
    make_project: MakeProject, run_pipeline: RunPipeline, tmp_path: Path
) -> None:
    """Where all rows are open nothing can be trained, and where none is nothing can be shown: both are said."""
    root = make_project(tmp_path, [1, 2, 3])
    for month in (1, 2):
        path = root / f"data/raw/2020-0{month}/rows.parquet"
        rows = read_table(path)
        write_table(path, rows.set_column(1, "moment", pa.array([rows.column("moment")[0].as_py()] * len(rows))))
    days = {name: open_rows(pa.table({"_cluster": [name], "_target": [True]}), 0.9)[0] for name in _first_days()}
    assert days == {"2020-01-01": True, "2020-02-01": True}
    set_params(root, split={"open": 0.9}, gate={"reuse": {"policy": "ledger"}})
    run_pipeline(root, "ingest", "validate", "featurize")
    with pytest.raises(DataRefused, match=r"split\.open 0\.9 opens all rows of 2020-01 to 2020-02"):
        run_pipeline(root, "train")
    set_params(root, split={"open": 1e-9})
    run_pipeline(root, "featurize", "train")
    with pytest.raises(DataRefused, match="opens no row of 2020-01 to 2020-02: nothing could be looked at"):
        run_pipeline(root, "evaluate")


def _first_days() -> list[str]:
    return ["2020-01-01", "2020-02-01"]


def test_evidence_names_what_it_was_made_from(root: Path, run_pipeline: RunPipeline) -> None:
    """Digests of models, code, features and labels: another definition of the label asks anew about the same rows."""
    before = sealed.read_evidence(root)
    made = before.provenance
    assert made is not None
    record = model_folder.read_record(root / layout.MODEL)
    assert (made.challenger, made.champion, dict(made.trained_on)) == (record.model_digest, None, record.trained_on)
    edit(root / "src/little/features.py", 'rows["late"].astype("boolean")', '~rows["late"].astype("boolean")')
    run_pipeline(root, "featurize", "train", "evaluate")
    after = sealed.read_evidence(root)
    policy = read_params(root).gate
    assert after.provenance is not None
    assert after.provenance.code != made.code
    questions = [question_of(each, policy) for each in (before, after)]
    assert _names(questions, "holdout") == 1
    assert _names(questions, "rows") == 2


def _names(questions: list[Any], field: str) -> int:
    return len({getattr(question, field) for question in questions})


def test_evidence_reads_back_equal(root: Path) -> None:
    """What is written is what was found: digests of the file stand for it."""
    evidence = sealed.read_evidence(root)
    assert Evidence.model_validate_json(evidence.model_dump_json()) == evidence
