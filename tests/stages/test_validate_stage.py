"""The stage that validates: what it writes, what later stages leave out, and what a release or a flipped byte does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.core.validation.periods import HISTORY
from ratchet.core.validation.releases import Release
from ratchet.errors import BatchRefused, DataRefused, TamperedFile
from ratchet.io import layout
from ratchet.io.batches import RawBatches, UnitStore
from ratchet.io.files import write_text
from ratchet.io.releases import releases_path, write_release
from ratchet.io.tables import read_frame, write_table
from ratchet.io.validated import Validated

AddBatch = Callable[[Path, int], None]
MakeProject = Callable[[Path, list[int]], Path]
RunPipeline = Callable[..., None]

PER_BATCH = ("ingest", "validate", "featurize")


@pytest.fixture
def project(tmp_path: Path, make_project: MakeProject) -> Path:
    """Three batches; in the second, two of 60 values are above the limit, which the schema allows a tenth of."""
    root = make_project(tmp_path, [1, 2, 3])
    schema = root / "src" / "little" / "schema.yaml"
    text = schema.read_text(encoding="utf-8").replace("x: {type: number,", "x: {type: number, max: 50,")
    write_text(schema, text.replace("  key: [id]", "  quarantine: 0.1\n  key: [id]", 1))
    change(root, "2020-02", "x", {1: 60.0, 7: 70.0})
    return root


def change(root: Path, batch: str, column: str, values: dict[int, Any]) -> None:
    """Put other values into some rows of a raw batch."""
    path = root / "data" / "raw" / batch / "rows.parquet"
    table = pq.read_table(path)
    column_values = table.column(column).to_pylist()
    for row, value in values.items():
        column_values[row] = value
    position = table.column_names.index(column)
    write_table(path, table.set_column(position, column, pa.array(column_values, table.schema.field(column).type)))


def test_rows_in_quarantine_are_kept_and_left_out(
    project: Path, run_pipeline: RunPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """They stand in the validation's folder with their place and reason, and no feature is made of them."""
    run_pipeline(project, *PER_BATCH)
    said = capsys.readouterr().out
    assert "validate 2020-02: 60 rows, 2 in quarantine" in said
    assert "featurize 2020-02: 56 rows x 4 features, 2 without a label, 2 in quarantine" in said
    valid = Validated(project)
    out = valid.quarantined("2020-02", "rows")
    assert out is not None
    assert out.select("_row", "_rules", "x").rows() == [(1, ["x: above-max"], 60.0), (7, ["x: above-max"], 70.0)]
    assert sorted(valid.store.digests("2020-02")) == ["profile.json", "report.json", "rows.quarantine.parquet"]
    assert sorted(valid.store.digests("2020-01")) == ["profile.json", "report.json"]
    report = valid.report("2020-02")
    assert (report.tables["rows"].model_dump(), report.compared_with) == ({"rows": 60, "quarantined": 2}, ("2020-01",))
    labels = read_frame(UnitStore(project / layout.FEATURES).file("2020-02", "labels.parquet"))
    assert not {1, 7} & set(labels["id"])
    assert len(valid.rows("2020-02", "rows")) == 58


def test_a_release_brings_rows_back_and_costs_its_batch_alone(
    project: Path, run_pipeline: RunPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the released batch is validated and featurized again; taking the release back is as if it never was."""
    run_pipeline(project, *PER_BATCH)
    before = {path: path.read_bytes() for path in sorted((project / "data").rglob("*")) if path.is_file()}
    raw = RawBatches(project)
    write_release(raw, Release(batch="2020-02", rule="above-max", column="x", reason="it was hot"))
    capsys.readouterr()
    run_pipeline(project, *PER_BATCH)
    said = [line for line in capsys.readouterr().out.splitlines() if ": made" in line]
    assert said == ["ingest: made 0, kept 4", "validate: made 1, kept 3", "featurize: made 1, kept 2"]
    assert len(Validated(project).rows("2020-02", "rows")) == 60
    assert Validated(project).report("2020-02").findings[0].released == "it was hot"
    releases_path(raw, "2020-02").unlink()
    run_pipeline(project, *PER_BATCH)
    assert {path: path.read_bytes() for path in sorted((project / "data").rglob("*")) if path.is_file()} == before


def test_a_refused_batch_stops_the_pipeline_until_it_is_released(project: Path, run_pipeline: RunPipeline) -> None:
    """The message names the rule, the values and the command that lets it pass; exit code 3."""
    change(project, "2020-03", "x", dict.fromkeys(range(30), 99.0))
    with pytest.raises(BatchRefused) as refused:
        run_pipeline(project, *PER_BATCH)
    assert refused.value.exit_code == 3
    assert "rows.*: has 50.00% of its rows in quarantine, where 10% may be; most of them by above-max of x" in str(
        refused.value
    )
    assert 'ratchet data release 2020-03 --rule quarantine-share --reason "…"' in refused.value.next_step
    assert Validated(project).store.names() == ["2020-01", "2020-02"]
    write_release(RawBatches(project), Release(batch="2020-03", rule="quarantine-share", reason="a heat wave"))
    run_pipeline(project, *PER_BATCH)
    assert len(Validated(project).rows("2020-03", "rows")) == 30


def test_another_standing_lookup_is_validated_alone(
    project: Path, run_pipeline: RunPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """Batches that refer to no lookup do not have to be validated again."""
    run_pipeline(project, *PER_BATCH)
    lookup = pa.table({"place": ["low", "high", "deep"], "height": [1.0, 2.0, -3.0]})
    write_table(project / "data" / "lookups" / "places.parquet", lookup)
    capsys.readouterr()
    run_pipeline(project, *PER_BATCH)
    said = [line for line in capsys.readouterr().out.splitlines() if ": made" in line]
    assert said == ["ingest: made 1, kept 3", "validate: made 1, kept 3", "featurize: made 3, kept 0"]


def test_a_batch_is_compared_with_the_last_ones_before_it(
    tmp_path: Path, make_project: MakeProject, run_pipeline: RunPipeline
) -> None:
    """At most HISTORY of them, whatever there is besides."""
    root = make_project(tmp_path, list(range(1, 13)))
    for number in (1, 2):
        rows = pq.read_table(root / "data" / "raw" / f"2020-{number:02d}" / "rows.parquet")
        mirrored = rows.set_column(2, "x", rows.column("x").take(pa.array(range(59, -1, -1))))
        write_table(root / "data" / "raw" / f"2021-{number:02d}" / "rows.parquet", mirrored)
    run_pipeline(root, "ingest", "validate")
    compared = Validated(root).report("2021-02").compared_with
    assert (len(compared), compared[0], compared[-1]) == (HISTORY, "2020-02", "2021-01")


@pytest.mark.parametrize("name", ["report.json", "profile.json", "rows.quarantine.parquet"])
def test_a_flipped_byte_is_made_good_by_the_next_run(project: Path, run_pipeline: RunPipeline, name: str) -> None:
    """The stage finds that a file of a batch is not what it wrote, and writes that batch again."""
    run_pipeline(project, *PER_BATCH)
    path = project / layout.VALIDATION / "2020-02" / name
    before = path.read_bytes()
    path.write_bytes(_flipped(before))
    run_pipeline(project, "validate")
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["report.json", "rows.quarantine.parquet"])
def test_a_flipped_byte_is_found_before_a_later_stage_uses_it(
    project: Path, run_pipeline: RunPipeline, name: str
) -> None:
    """Features are not made by a quarantine that nobody wrote."""
    run_pipeline(project, "ingest", "validate")
    path = project / layout.VALIDATION / "2020-02" / name
    path.write_bytes(_flipped(path.read_bytes()))
    with pytest.raises(TamperedFile, match=name):
        run_pipeline(project, "featurize")


def test_a_flipped_byte_in_a_profile_is_found_before_it_is_compared_with(
    project: Path, add_batch: AddBatch, run_pipeline: RunPipeline
) -> None:
    """A changed history would change what is refused: the profile is made again before the next batch is."""
    run_pipeline(project, "ingest", "validate")
    path = project / layout.VALIDATION / "2020-02" / "profile.json"
    before = path.read_bytes()
    path.write_bytes(_flipped(before))
    add_batch(project, 4)
    run_pipeline(project, "ingest", "validate")
    assert path.read_bytes() == before
    assert Validated(project).report("2020-04").compared_with == ("2020-01", "2020-02", "2020-03")


def test_a_join_that_found_nothing_is_refused_by_the_name_of_its_feature(
    project: Path, run_pipeline: RunPipeline
) -> None:
    """Sources are whole, and what was joined from them is missing in every row."""
    lookup = pa.table({"place": ["LOW", "HIGH"], "height": [1.0, 2.0]})
    write_table(project / "data" / "lookups" / "places.parquet", lookup)
    with pytest.raises(DataRefused, match="batch 2020-01: feature height is missing in every row"):
        run_pipeline(project, *PER_BATCH)


def test_an_infinite_feature_is_refused_by_its_name(project: Path, run_pipeline: RunPipeline) -> None:
    """What divides by nothing is found before an estimator crashes on it."""
    path = project / "src" / "little" / "features.py"
    write_text(
        path, path.read_text(encoding="utf-8").replace("assign(height=heights,", "assign(height=1 / (heights - 1),")
    )
    with pytest.raises(DataRefused, match="batch 2020-01: height is infinite in some rows"):
        run_pipeline(project, *PER_BATCH)


def test_reports_are_json_that_says_what_the_page_says(project: Path, run_pipeline: RunPipeline) -> None:
    """A tool reads the same findings, by rule and level."""
    run_pipeline(project, "ingest", "validate")
    report = json.loads((project / layout.VALIDATION / "2020-02" / "report.json").read_bytes())
    (finding,) = report["findings"]
    assert (finding["rule"], finding["level"], finding["count"], finding["examples"]) == (
        "above-max", "quarantine", 2, ["60.0", "70.0"],
    )  # fmt: skip


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def test_a_stricter_schema_says_what_it_does_to_old_batches(
    project: Path, run_pipeline: RunPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """How many rows were in quarantine before is said beside how many are now; a refusal knows that it is here."""
    run_pipeline(project, "ingest", "validate")
    schema = project / "src" / "little" / "schema.yaml"
    write_text(schema, schema.read_text(encoding="utf-8").replace("max: 50,", "max: 65,"))
    capsys.readouterr()
    run_pipeline(project, "validate")
    said = capsys.readouterr().out
    assert "validate 2020-02: 60 rows, 1 in quarantine (2 in quarantine before)\n" in said
    assert "validate 2020-03: 60 rows\n" in said
    write_text(schema, schema.read_text(encoding="utf-8").replace("max: 65,", "max: 0,"))
    with pytest.raises(BatchRefused, match="the batch is here already: loosen"):
        run_pipeline(project, "validate")
