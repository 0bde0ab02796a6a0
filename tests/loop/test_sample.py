"""A fork runs on the public sample: a clone that reaches nothing else trains both sides and hands over numbers."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from ratchet.core.fork.result import ForkResult, parse_result
from ratchet.core.schema import Schema
from ratchet.core.split import plan_split
from ratchet.flows.intake import examine
from ratchet.io import sample_files
from ratchet.io.batches import RawBatches
from ratchet.io.room import read_params, read_schema

if TYPE_CHECKING:
    from tests.loop.conftest import Said, Sandbox

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / sample_files.FOLDER
FEATURES = "src/diabetes/features.py"
ROWS = 40


@dataclass(frozen=True)
class Fork:
    """A clone of a project whose base has a sample, with nothing of the project's own beside it."""

    sandbox: Sandbox
    root: Path
    base: str

    def commit(self, **texts: str) -> str:
        """Write files and commit them; returns the commit."""
        for name, text in texts.items():
            (self.root / name).write_text(text, encoding="utf-8")
        for words in (("add", "--all"), ("commit", "--quiet", "--allow-empty", "--message", "change")):
            assert self.sandbox.run(["git", *words], cwd=self.root).code == 0
        return self.sandbox.run(["git", "rev-parse", "HEAD"], cwd=self.root).out.strip()

    def run(self) -> Said:
        """What the workflow runs in the fork's pull request, with no secret and no service."""
        nothing = {"MLFLOW_TRACKING_URI": "", "PYTHONPATH": str(self.root / "src")}
        return self.sandbox.ratchet(
            "sample", "run", "--base", "origin/main", "--into", "out", cwd=self.root, env=nothing
        )

    def result(self) -> ForkResult:
        """What it handed over, read as the second look reads it."""
        return parse_result((self.root / "out" / "result.json").read_bytes())


@pytest.fixture
def fork(pulled: Sandbox) -> Fork:
    """The project's maintainers have made a sample; then their data and DVC's remote are out of reach."""
    pulled.ok("sample", "make", "--public", "--rows", str(ROWS), "--batches", "4")
    base = pulled.commit("Add a sample")
    pulled.git("push", "--quiet", "origin", "main")
    root = pulled.base / "fork"
    pulled.run(["git", "clone", "--quiet", str(pulled.origin), str(root)], cwd=pulled.base)
    shutil.rmtree(pulled.root)
    shutil.rmtree(pulled.dvc_remote)
    return Fork(pulled, root, base)


def test_a_sample_is_refused_unless_it_may_be_public(pulled: Sandbox) -> None:
    """Without the word of a person nothing is written, and the refusal says who would see it."""
    said = pulled.ratchet("sample", "make", "--rows", "5")
    assert (said.code, "whoever can see the repository or a fork" in said.error) == (2, True)
    assert not (pulled.root / "data" / "sample").exists()


@pytest.mark.slow
def test_a_sample_is_made_again_alike_and_is_no_input_of_the_pipeline(computed: Sandbox) -> None:
    """The same command gives the same bytes, git takes them as they are, and nothing has to run again."""
    computed.ok("sample", "make", "--public", "--rows", str(ROWS), "--batches", "3")
    (computed.root / "data" / "sample" / "README.md").write_text("ours", encoding="utf-8")
    first = computed.digests("data/sample")
    computed.ok("sample", "make", "--public", "--rows", str(ROWS), "--batches", "3")
    assert computed.digests("data/sample") == first
    computed.commit("Add a sample")
    assert computed.git("ls-files", "data/sample").splitlines() == [
        "data/sample/README.md",
        "data/sample/raw/part-02/rows.parquet",
        "data/sample/raw/part-03/rows.parquet",
        "data/sample/raw/part-04/rows.parquet",
    ]
    assert "Nothing changed" in computed.ok("run")


def test_too_few_batches_are_refused(pulled: Sandbox) -> None:
    """Where nothing would be left to train on, there is no sample, and none half made."""
    said = pulled.ratchet("sample", "make", "--public", "--batches", "2")
    assert (said.code, "are held out" in said.error) == (3, True)
    assert not (pulled.root / "data" / "sample").exists()


@pytest.mark.slow
def test_a_change_of_parameters_is_measured(fork: Fork) -> None:
    """Both commits are trained on the sample and compared on the same rows; the work tree stays as it was."""
    params = yaml.safe_load((fork.root / "params.yaml").read_text(encoding="utf-8"))
    params["model"]["params"]["alpha"] = 1e6
    head = fork.commit(**{"params.yaml": yaml.safe_dump(params)})
    said = fork.run()
    assert said.code == 0, said
    result = fork.result()
    assert (result.base, result.head, result.task) == (fork.base, head, "regression")
    assert (result.rows, result.clusters) == (2 * ROWS, None)
    gains = {metric.name: metric.gain for metric in result.metrics}
    assert set(gains) == {"squared_error", "rmse", "absolute_error", "r2"}
    assert max(gain for gain in gains.values() if gain is not None) < 0  # so much shrinkage leaves nothing
    assert (fork.root / "out" / "report.md").read_text(encoding="utf-8") in said.out
    assert fork.sandbox.run(["git", "status", "--porcelain"], cwd=fork.root).out == "?? out/\n"


@pytest.mark.slow
def test_a_change_of_words_gains_exactly_nothing(fork: Fork) -> None:
    """The same model twice: each gain is zero, and so are its bounds."""
    fork.commit(**{FEATURES: (fork.root / FEATURES).read_text(encoding="utf-8") + "\n# a remark\n"})
    assert fork.run().code == 0
    assert {(metric.gain, metric.low, metric.high) for metric in fork.result().metrics} == {(0.0, 0.0, 0.0)}


@pytest.mark.slow
def test_a_change_of_features_is_measured_on_the_bases_labels(fork: Fork) -> None:
    """Whoever makes the truth up does not judge by it: another label trains, but the base's measure."""
    text = (fork.root / FEATURES).read_text(encoding="utf-8")
    cheat = text.replace('rows["progression"].astype("float64")', 'rows["progression"].astype("float64") / 2')
    fork.commit(**{FEATURES: cheat})
    assert cheat != text
    assert fork.run().code == 0
    (error,) = (metric for metric in fork.result().metrics if metric.name == "squared_error")
    assert error.gain is not None
    assert error.gain < 0


@pytest.mark.slow
def test_code_that_fails_hands_over_nothing(fork: Fork) -> None:
    """The run ends with an error that shows the last words, and no result is left for anybody to believe."""
    fork.commit(**{FEATURES: "raise ValueError('not today')\n"})
    said = fork.run()
    assert (said.code != 0, "not today" in said.error) == (True, True)
    assert not (fork.root / "out").exists()


def test_a_base_without_a_sample_is_a_usage_error(pulled: Sandbox) -> None:
    """A change cannot bring the rows that it is measured on."""
    pulled.git("checkout", "--quiet", "-b", "change")
    pulled.ok("sample", "make", "--public", "--rows", "5")
    pulled.commit("A sample of my own")
    said = pulled.ratchet("sample", "run", "--base", "main", "--into", "out")
    assert (said.code, "has no data/sample/" in said.error) == (2, True)


@pytest.fixture(scope="module")
def schema() -> Schema:
    """What the flights' tables may hold."""
    return read_schema(ROOT, read_params(ROOT))


def test_the_flights_sample_passes_the_checks_of_batches(schema: Schema) -> None:
    """What is in git can be trained on: each month passes, and there are enough of them."""
    batches = sorted(path for path in (SAMPLE / "raw").iterdir())
    params = read_params(ROOT)
    plan = plan_split([path.name for path in batches], holdout=params.split.holdout, folds=params.split.folds)
    assert len(plan.folds) >= 1
    for batch in batches:
        examine(batch.name, {path.stem: path for path in batch.iterdir()}, schema)
    standing = {path.stem: path for path in (SAMPLE / "lookups").iterdir()}
    examine("lookups", standing, schema)


def test_the_flights_sample_is_small_and_in_git() -> None:
    """Git ignores none of its files, and all of them together stay small."""
    paths = [path for path in SAMPLE.rglob("*") if path.is_file()]
    done = subprocess.run(["git", "check-ignore", *map(str, paths)], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert sum(path.stat().st_size for path in paths) <= 600_000


def test_nothing_of_the_pipeline_depends_on_the_sample() -> None:
    """It stands in for the data, and is no part of them."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    inputs = {dep for stage in stages.values() for dep in stage["deps"]}
    assert [dep for dep in inputs if sample_files.FOLDER.startswith(dep)] == []
    assert SAMPLE.parent == RawBatches(ROOT).folder.parent
