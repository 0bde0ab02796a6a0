"""The lines that decided: which key, which line, and GitHub's escapes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.annotations import annotations_of, command
from ratchet.core.decision import Decision
from ratchet.core.gate_status import LONGEST, of_no_decision, shorten
from ratchet.errors import UsageError
from ratchet.io.yaml_lines import key_lines, scalar_at

Decide = Callable[..., Decision]

TEXT = """\
# what decides
split:
  holdout: 1
gate:
  metric: log_loss
  alpha: 0.10
  margin: 0.005
  refit_margin: 0.01
  min_clusters: 7
  floors:
    roc_auc: {min: 0.6}
    "brier":
      max: 0.25
"""
LINES = key_lines(TEXT)
NOT_BETTER = {"p_better": 0.4}


def placed(decision: Decision, lines: dict[str, int] = LINES) -> list[tuple[str, int, str]]:
    """Level, line and condition of each annotation."""
    pattern = r"::(error|notice) file=params\.yaml,line=(\d+),title=\w+%3A ([\w%:]+)::(?s:.+)"
    found = [re.fullmatch(pattern, line) for line in annotations_of(decision, lines)]
    assert all(found)
    return [(one[1], int(one[2]), one[3]) for one in found if one]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"comparison": NOT_BETTER}, [("notice", LINES["gate.alpha"], "better")]),
        ({"leakage": None}, [("notice", LINES["gate"], "leakage")]),
        (
            {"comparison": {**NOT_BETTER, "margin": 0.005}, "policy": {"margin": 0.005}},
            [("notice", LINES["gate.margin"], "better")],
        ),
        (
            {"comparison": {**NOT_BETTER, "margin": 0.01}, "policy": {"refit_margin": 0.01}, "refit": True},
            [("notice", LINES["gate.refit_margin"], "better")],
        ),
        (
            {"comparison": {"p_better": 0.999, "p_worse": 0.001}},
            [("error", LINES["gate.alpha"], "better")],
        ),
        ({"metric": "brier"}, [("notice", LINES["gate.metric"], "better")]),
        ({"comparison": {"clusters": 3}}, [("notice", LINES["gate.min_clusters"], "enough_clusters")]),
        (
            {"policy": {"floors": {"roc_auc": {"min": 0.9}}}},
            [("error", LINES["gate.floors.roc_auc"], "floor%3Aroc_auc")],
        ),
        ({"contaminated": ("2013-07",)}, [("error", LINES["split.holdout"], "untouched")]),
        ({"champion": None}, [("notice", LINES["gate"], "reference")]),
        ({"challenger_is_champion": True}, []),
    ],
)
def test_each_condition_points_at_its_key(decided: Decide, changed: Any, expected: list[tuple[str, int, str]]) -> None:
    """A failed condition marks the line of the key that set it; harm is an error, and what passed marks nothing."""
    assert placed(decided(**changed)) == expected


def test_a_key_that_is_not_there_marks_the_section(decided: Decide) -> None:
    """A default decided: the gate section is marked, or the file's first line if there is none."""
    decision = decided(comparison=NOT_BETTER)
    assert placed(decision, {"gate": 4}) == [("notice", 4, "better")]
    assert placed(decision, {}) == [("notice", 1, "better")]


@given(st.text(), st.text())
def test_a_command_is_one_line_and_reads_back(message: str, title: str) -> None:
    """Whatever the words are, the runner gets one line, and its own rule gives the words back."""
    line = command("notice", message, {"title": title})
    said = re.fullmatch(r"::notice title=([^,:\r\n]*)::([^\r\n]*)", line)
    assert said is not None
    back = [("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")]
    words = [said[1], said[2]]
    for escape, plain in back[2:]:
        words[1] = words[1].replace(escape, plain)
    for escape, plain in back:
        words[0] = words[0].replace(escape, plain)
    assert words == [title, message]


def test_lines_of_keys() -> None:
    """Nested, quoted and flow keys have their line; comments and blank lines count."""
    assert LINES["gate.floors.roc_auc"] == LINES["gate.floors.roc_auc.min"] == 11
    assert (LINES["split"], LINES["gate.floors.brier"], LINES["gate.floors.brier.max"]) == (2, 12, 13)
    assert key_lines("") == key_lines("# nothing\n") == key_lines("just text") == {}
    assert key_lines("a:\n- b: 1\n- c\n") == {"a": 1, "a.0": 2, "a.0.b": 2, "a.1": 3}


def test_a_text_that_is_no_yaml_is_refused() -> None:
    """With the place where it ends to be YAML."""
    with pytest.raises(UsageError, match="line 3"):
        key_lines("a: 1\nb: [\n")


def test_a_text_may_refer_to_itself() -> None:
    """An anchor inside of itself is followed once."""
    assert key_lines("a: &x\n  b: *x\n") == {"a": 1, "a.b": 2}


def test_a_value_as_it_is_written() -> None:
    """Of a text that may be wrong elsewhere; what is no scalar has none."""
    text = "project: {name: flights-late, room: }\nproject2:\n  - a\n"
    assert [scalar_at(text, key) for key in ("project.name", "project.room", "project", "nothing")] == [
        "flights-late", "", "", "",
    ]  # fmt: skip


@given(st.text(max_size=400))
def test_a_description_is_one_line_that_github_takes(text: str) -> None:
    """A short one is as it is, but for its spaces."""
    line = shorten(text)
    assert (len(line) <= LONGEST, "\n" in line) == (True, False)
    if len(text) <= LONGEST:
        assert line == " ".join(text.split())


def test_no_decision_is_never_green() -> None:
    """However training is said to have ended."""
    assert {of_no_decision(result).state for result in ("", "success", "failure", "cancelled")} == {"error"}
