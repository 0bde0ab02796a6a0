"""What a fork's pull request may change and still have its numbers shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.fork.policy import DECIDERS, JUDGING, data_files, reasons

PARAMS: dict[str, Any] = {"project": {"room": "flights"}, "split": {}, "gate": {"alpha": 0.1}, "model": {"seed": 0}}


def touched(*paths: str, head: Any = PARAMS) -> list[str]:
    found = reasons(paths, room="flights", base=PARAMS, head=head)
    return [reason.path for reason in found]


@pytest.mark.parametrize(
    "path",
    ["src/flights/features.py", "src/flights/schema.yaml", "docs/gate.md", "tests/core/test_gate.py", "params.yaml"],
)
def test_what_is_proposed_may_change(path: str) -> None:
    """Features, documentation, tests and the model's own parameters are what a pull request is for."""
    assert touched(path) == []


@pytest.mark.parametrize("decider", DECIDERS)
def test_what_decides_may_not(decider: str) -> None:
    """Every file that decides is a reason, and so is everything below a folder that does."""
    path = f"{decider}deep/er.txt" if decider.endswith("/") else decider
    assert touched("docs/a.md", path) == [path]


@pytest.mark.parametrize(
    "path",
    [
        "sitecustomize.py",
        "src/numpy/__init__.py",
        "src/flights.py",
        "src/flights2/x.py",
        ".GitHub/workflows/x.yaml",
        "src/RATCHET/x.py",
        "docs/../src/ratchet/core/gate.py",
        "src/flights//../ratchet/x.py",
        "params.yaml/x",
        "conftest.py",
        "",
    ],
)
def test_what_is_unknown_may_not(path: str) -> None:
    """Closed by default: a file counts against a pull request unless it is known to have no say."""
    assert len(touched(path)) == 1


def test_what_other_projects_have_to_themselves_may_change() -> None:
    """Their folders and rooms have no say in this one; what decides for all still has."""
    paths = ["models/early/params.yaml", "models/early/dvc.yaml", "src/trains/features.py", "models/earlyx/a.py"]
    found = reasons(
        [*paths, "src/ratchet/errors.py"], room="flights", base=PARAMS, head=PARAMS,
        elsewhere=("models/early/", "src/trains/"),
    )  # fmt: skip
    assert [reason.path for reason in found] == ["models/earlyx/a.py", "src/ratchet/errors.py"]


@pytest.mark.parametrize("section", JUDGING)
def test_sections_that_judge_may_not_change(section: str) -> None:
    """A change of a section that decides is a reason, and so is its removal; others are the proposal itself."""
    changed = {**PARAMS, section: {"other": 1}}
    assert touched("params.yaml", head=changed) == [f"params.yaml: {section}"]
    assert touched("params.yaml", head={**PARAMS, "model": {"seed": 1}}) == []


def test_unreadable_params_are_a_reason() -> None:
    """What cannot be compared could be anything."""
    assert touched("params.yaml", head=None) == ["params.yaml"]


def test_data_have_no_say_and_are_counted() -> None:
    """Batches are not part of the run on the sample, and the comment can say how many there were."""
    paths = ["data/raw/2013-08.dvc", "data/lookups/planes.parquet.dvc", "docs/a.md"]
    assert (touched(*paths), data_files(paths)) == ([], 2)


@given(st.text(max_size=100))
def test_a_reason_is_harmless_to_show(path: str) -> None:
    """A file's name is a stranger's text: no markup survives in what is shown of it."""
    for reason in reasons([f"x{path}"], room="flights", base=None, head=None):
        assert not set("`<>[]@\n") & set(reason.path)
