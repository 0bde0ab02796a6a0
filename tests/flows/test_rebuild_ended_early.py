"""A rebuild whose stage ends early: what the stage said, and what is not as it was then."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.core.judged import Evaluation
from ratchet.core.ledger_entries import RegistrationEntry
from ratchet.core.lineage_record import Commit, Environment, Lineage, Machine
from ratchet.core.rebuilt import Record
from ratchet.flows import rebuild
from ratchet.flows.recorded_version import RecordedVersion
from ratchet.io.rebuild_process import Conditions, Made

MACHINE = Machine(system="s", architecture="a", processor="p", cores=1, threads={}, kernels={}, vectors=("avx",))
THEN = {"numpy": "2.4", "skops": "0.16", "pytest": "9"}
LOCK = "numpy==2.4 --hash=sha256:aa\nskops==0.16 --hash=sha256:bb\n"
SAID = "ModuleNotFoundError: No module named 'skops'"


def recorded(folder: Path) -> RecordedVersion:
    """A version that was made with THEN, from a commit without data."""
    evaluation = Evaluation(
        task="regression", labels=[], reference="baseline", champion=None, champion_entry=None,
        challenger_is_champion=False, refit=False, no_comparison="", holdout={}, contaminated=[], rows=1, clusters=None,
        metrics=[],
    )  # fmt: skip
    lineage = Lineage(
        commit=Commit(commit="c", changed=(), changes=0), lock="", params="", room="", code="", data_schema="",
        batches=(), lookups={}, seed=0, machine=MACHINE,
        environment=Environment(python="CPython 3.11.7", packages=THEN, lock=""),
    )  # fmt: skip
    record = Record(lineage=lineage, params={"model.seed": 0}, model_digest="m", evaluation=evaluation)
    return RecordedVersion(entry=RegistrationEntry.model_construct(), record=record, model=folder)


@pytest.mark.parametrize(
    ("here", "python", "named"),
    [
        ({"numpy": "2.4"}, Path("python"), ["skops not there, was 0.16"]),
        ({"numpy": "2.4"}, None, ["skops not there, was 0.16", "not in the lock: pytest not there, was 9"]),
        ({**THEN, "numpy": "2.3"}, None, ["numpy 2.3, was 2.4"]),
        (THEN, None, ["nothing on record differs: something in the pipeline is left to chance or to the time of day"]),
    ],
)
def test_a_stage_that_ended_early_stands_with_what_differs(
    here: dict[str, str], python: Path | None, named: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last words, and the package that is missing; where the lock alone was installed, nothing beside it is."""
    environment = Environment(python="CPython 3.11.7", packages=here, lock="")

    def ended_early(root: Path, target: str, recorded: Path, conditions: Conditions) -> Made:
        assert conditions == Conditions(python=python, machine=MACHINE)
        return Made(environment=environment, machine=MACHINE, failed="train", words=SAID)

    monkeypatch.setattr(rebuild, "make_again", ended_early)
    for name, text in ((".git/HEAD", ""), ("params.yaml", "model: {seed: 0}\n"), ("requirements/run.txt", LOCK)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (check,), causes = rebuild._made(recorded(tmp_path), tmp_path, python)
    assert (check.name, check.same, check.words) == ("stage train", "other", f"it ended early: {SAID}")
    assert [each.words for each in causes] == named
